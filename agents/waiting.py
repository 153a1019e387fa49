"""While a worker waits for its broker there is no event loop yet: the two health pages are answered from here, and say what is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from agents.settings import Settings


class PortError(RuntimeError):
    """The port of the web server cannot be had; the message says which, and what to do."""


class WaitingRoom:
    """What there is to tell."""

    def __init__(self) -> None:
        self.reason = "starting"

    def tell(self, reason: str) -> None:
        """What is waited for now."""
        self.reason = reason

    def page(self, path: str) -> tuple[int, str]:
        """Status and text."""
        if path == "/livez":
            return 200, "ok\n"
        if path == "/readyz":
            return 503, f"not ready: {self.reason}\n"
        return 404, "not there yet\n"


@contextmanager
def waiting_room(settings: Settings) -> Iterator[WaitingRoom]:
    """Answer on the worker's own port until the body ends.

    Raises:
        PortError: nobody can listen there; names address and reason.
    """
    room = WaitingRoom()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = room.page(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: not into our log."""

    if settings.web_port == 0:
        yield room
        return
    try:
        server = ThreadingHTTPServer((settings.web_host, settings.web_port), Page)
    except OSError as error:
        raise PortError(
            f"{settings.web_host}:{settings.web_port}: cannot listen there ({error.strerror}); end what does, or choose another port with "
            "--port or WEBCARE_WEB_PORT (0: no web server)"
        ) from None
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield room
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
