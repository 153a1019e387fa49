"""Worker of the benchmark: stock Faust 0.15.3, four agents on topics, `async for`, raw bytes.

Usage: work_faust.py light|real acknowledged|unacknowledged BOOTSTRAP GROUP. `acknowledged`: a careful user awaits the broker's
acknowledgement of what an event gave before the next event. Else the future that `send` returns is left alone: a refused record is lost.
"""

import asyncio
import logging
import sys
from typing import Any

import faust
import uvloop
from light import NAMES
from processes import end_with_parent
from shared import SOURCES, Process, processes

from pipeline.stage import Incoming
from schemas.topics import BY_NAME


def build(kind: str, awaited: bool, bootstrap: str, group: str) -> faust.App:
    """The application."""
    app = faust.App(
        group,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        worker_redirect_stdouts=False,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        producer_max_request_size=4 << 20,
        datadir="/nonexistent",
    )
    raw = {name: app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw") for name in BY_NAME}
    for name, source, process in zip(NAMES, SOURCES, processes(kind), strict=True):
        app.agent(raw[source.name], name=name)(_body(process, raw, awaited))
    return app


def _body(process: Process, topics: dict[str, Any], awaited: bool) -> Any:
    async def body(stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            record = Incoming(
                message.partition, message.offset, round(message.timestamp * 1000), message.key, message.value, message.headers or ()
            )
            sent = [
                await topics[out.topic.name].send(
                    key=out.key,
                    value=out.value,
                    partition=message.partition if out.partition is None else out.partition,
                    headers=out.headers,
                )
                for out in process(message.partition, [record])
            ]
            if awaited:
                for future in sent:
                    await future

    return body


def main() -> None:
    """Run until SIGTERM."""
    end_with_parent()
    logging.basicConfig(level=logging.WARNING)
    kind, waiting, bootstrap, group = sys.argv[1:]
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    app = build(kind, waiting == "acknowledged", bootstrap, group)
    worker = faust.Worker(app, loglevel="INFO", override_logging=False, redirect_stdouts=False, loop=loop, quiet=True)
    worker.spinner = None
    worker.execute_from_commandline()


main()
