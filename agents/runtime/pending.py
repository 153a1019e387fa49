"""Records that a stage has taken and not yet worked on, by partition, and how they are cut into batches."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from pipeline.stage import Incoming

BATCH_SECONDS = 0.02
"""All stages share one event loop: a batch should compute no longer, so that none waits long for the others."""
BATCH_RECORDS = 1000
BATCH_LEAST = 64
"""Never cut to fewer: what a batch costs besides its records would weigh too much."""
BATCH_BYTES = 512 * 1024
ROUND_BATCHES = 3
"""A round holds no more than so many full batches: its own records wait for the last of them."""
TAKEN_RECORDS = 2 * 2000
TAKEN_BYTES = 32 * 1024 * 1024
"""Back-pressure: so many records, or bytes, taken and not in a batch yet stop the fetching."""


class Pending:
    """The queues of one assignment."""

    def __init__(self) -> None:
        self._queues: defaultdict[int, deque[Incoming]] = defaultdict(deque)
        self._sizes: defaultdict[int, deque[int]] = defaultdict(deque)  # beside each queue: to weigh a record twice is dear
        self._bytes: Counter[int] = Counter()
        self._served = -1

    def __bool__(self) -> bool:
        return any(self._queues.values())

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def add(self, partition: int, records: Sequence[Incoming]) -> None:
        """Records in the order of their offsets."""
        sizes = [weight(record) for record in records]
        self._queues[partition].extend(records)
        self._sizes[partition].extend(sizes)
        self._bytes[partition] += sum(sizes)

    def drop(self, partition: int) -> None:
        """Forget what is taken of a partition."""
        self._queues.pop(partition, None)
        self._sizes.pop(partition, None)
        self._bytes.pop(partition, None)

    def partitions(self) -> set[int]:
        """Those with records."""
        return {partition for partition, queue in self._queues.items() if queue}

    def oldest(self, partition: int) -> float | None:
        """When its first record was appended, in seconds since 1970; None without any."""
        queue = self._queues.get(partition)
        return queue[0].timestamp / 1000 if queue else None

    def is_full(self) -> bool:
        """Whether nothing more should be taken."""
        return len(self) > TAKEN_RECORDS or sum(self._bytes.values()) > TAKEN_BYTES

    def take(self, most: int, is_alone: Callable[[int, int, int], bool]) -> Iterator[tuple[int, list[Incoming]]]:
        """The batches of a round, each of at most ``most`` records: one per partition, beginning behind the one served last.

        ``is_alone`` (partition, first offset, last offset): whether a batch must have a round of its own.
        """
        room = ROUND_BATCHES * most
        begun = False
        for partition in sorted(self._queues, key=lambda partition: (partition <= self._served, partition)):
            queue = self._queues[partition]
            if not queue:
                continue
            if is_alone(partition, queue[0].offset, queue[-1].offset):
                if begun:
                    continue
                room = 0
            records, size = cut(queue, self._sizes[partition], min(most, room) or most)
            self._bytes[partition] -= size
            self._served = partition
            begun = True
            room -= len(records)
            yield partition, records
            if room <= 0:
                return


class Pace:
    """How many records a batch may hold: as many as compute in `BATCH_SECONDS`, learned from those before."""

    def __init__(self) -> None:
        self._seconds = BATCH_SECONDS / 200
        self.records = 200

    def learn(self, records: int, seconds: float) -> None:
        """A batch of so many records computed so long."""
        self._seconds += (seconds / records - self._seconds) * 0.1
        self.records = max(BATCH_LEAST, min(BATCH_RECORDS, int(BATCH_SECONDS / max(self._seconds, 1e-9))))


def weight(record: Incoming) -> int:
    """Bytes of a record, roughly."""
    headers = sum(map(len, filter(None, chain.from_iterable(record.headers))))
    return len(record.key or b"") + len(record.value or b"") + headers


def cut(queue: deque[Incoming], sizes: deque[int], most: int) -> tuple[list[Incoming], int]:
    """The next batch, of at most ``most`` records and bounded in bytes, and its bytes; at least one record."""
    total = count = 0
    for size in islice(sizes, most):
        if count and total + size > BATCH_BYTES:
            break
        total += size
        count += 1
    if count == len(queue):
        records = list(queue)
        queue.clear()
        sizes.clear()
        return records, total
    for _ in range(count):
        sizes.popleft()
    return [queue.popleft() for _ in range(count)], total
