"""Lets aiokafka read records with a header whose name is not UTF-8.

Kafka takes any bytes for a name, and so do clients built on librdkafka; aiokafka's parser raises at the first such record, and at all that
come after it in its record batch. One of them would end every worker that meets it, again and again. So where the parser fails, the batch
is read by the library's slower one in Python, with U+FFFD in place of what cannot be read of a name: the record goes its way.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = slice(8, 12)
_OVERHEAD = 12
_MAGIC = 16
_WITH_HEADERS = 2


class _Bytes(bytes):
    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:  # noqa: ARG002 - asked to be strict
        return super().decode(encoding, "replace")


class _Buffer(bytearray):
    """The parser takes names, keys and values as slices, and decodes only names."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Bytes(found) if isinstance(at, slice) else found


class _Batch:
    """A record batch as the fetcher uses it."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data
        self.validate_crc = batch.validate_crc
        self.producer_id = batch.producer_id
        self.base_offset = batch.base_offset
        self.next_offset = batch.next_offset
        self.is_control_batch = batch.is_control_batch
        self.is_transactional = batch.is_transactional

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except UnicodeDecodeError:
            pass  # its message quotes the name
        else:
            return
        slow: Any = iter(_DefaultRecordBatchPy(self._data))
        slow._buffer = _Buffer(slow._buffer)
        yield from islice(slow, read, None)


class _Records:
    """What a fetch gave of one partition: record batches one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._records: Any = MemoryRecords(data)
        self._at = 0
        self.has_next = self._records.has_next
        self.size_in_bytes = self._records.size_in_bytes

    def next_batch(self) -> Any:
        batch: Any = self._records.next_batch()
        if batch is None:
            return None
        rest = self._data[self._at :]
        size = _OVERHEAD + int.from_bytes(rest[_LENGTH], "big")
        self._at += size
        if rest[_MAGIC] < _WITH_HEADERS:
            return batch
        return _Batch(batch, rest[:size])


def accept_any_header_name() -> None:
    """For every consumer of this process."""
    fetcher.MemoryRecords = _Records
