"""Sorts more rows than memory holds: runs in temporary files, merged."""

import heapq
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO

ROWS_IN_MEMORY = 200_000
"""A row of 50 bytes costs about 100 in memory: 20 MB."""

RUNS = 64
"""Files open at a time; so many runs become one."""


class Sorter:
    """Rows of bytes, all of one length, in and sorted out again. Use it as a context manager: its files go at the end.

    Args:
        width: bytes of a row.
        folder: where the temporary files lie; the system's place for them where None. They have no name and vanish with the process.
    """

    def __init__(self, width: int, folder: Path | None = None, *, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._width = width
        self._folder = folder
        self._most = rows_in_memory
        self._rows: list[bytes] = []
        self._runs: list[IO[bytes]] = []
        self._files = ExitStack()
        self.count = 0

    def __enter__(self) -> "Sorter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._files.close()

    def add(self, row: bytes) -> None:
        """One row more.

        Raises:
            OSError: the folder cannot be written, or is full.
        """
        self._rows.append(row)
        self.count += 1
        if len(self._rows) >= self._most:
            self._rows.sort()
            self._write(self._rows)
            self._rows = []

    def rows(self) -> Iterator[bytes]:
        """All rows in order; once, when all are in."""
        self._rows.sort()
        return heapq.merge(*map(self._read, self._runs), self._rows)

    def _write(self, rows: Iterable[bytes]) -> None:
        if len(self._runs) >= RUNS:
            merged = heapq.merge(*map(self._read, self._runs))
            run = self._new_run(merged)
            for old in self._runs:
                old.close()
            self._runs = [run]
        self._runs.append(self._new_run(rows))

    def _new_run(self, rows: Iterable[bytes]) -> IO[bytes]:
        run = self._files.enter_context(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 - closed with the rest
        run.writelines(rows)
        run.flush()
        return run

    def _read(self, run: IO[bytes]) -> Iterator[bytes]:
        run.seek(0)
        return iter(partial(run.read, self._width), b"")


class Layout(struct.Struct):
    """How a row is packed. Numbers are big-endian, so that the order of the bytes is that of the numbers."""

    def __init__(self, fields: str) -> None:
        super().__init__(f">{fields}")
