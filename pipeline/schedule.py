"""Which brands a tick concerns: a tick must not cost a look at every brand.

Brands that were seen from the same raw partitions share one tick time, the slowest of these, and wait in one heap for it.
"""

import heapq
from collections.abc import Iterator

from pipeline.ticks import PartitionTicks

Group = tuple[int, ...]


class Schedule:
    """The next moment of each brand at which tick time has something to do. Times are seconds of event time."""

    def __init__(self) -> None:
        self.ticks = PartitionTicks()
        self._waiting: dict[Group, list[tuple[int, str]]] = {}
        self._groups: dict[int, list[Group]] = {}
        self._places: dict[str, tuple[Group, int | None]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def set(self, brand: str, group: Group, due: int | None) -> None:
        """``brand`` waits for the tick time of ``group`` to reach ``due``; None: for nothing."""
        place = (group, due)
        if self._places.get(brand) == place:
            return
        self._places[brand] = place
        if due is None:
            return
        heap = self._waiting.get(group)
        if heap is None:
            heap = self._waiting[group] = []
            for partition in group:
                self._groups.setdefault(partition, []).append(group)
        heapq.heappush(heap, (due, brand))

    def see(self, partition: int, at: float) -> bool:
        """Note a tick; whether it is news."""
        known = self.ticks.last.get(partition)
        self.ticks.see(partition, at)
        return self.ticks.last.get(partition) != known

    def due(self, partition: int) -> Iterator[tuple[str, float]]:
        """Brands whose moment has come by a tick of ``partition``, the earliest first, with their tick time. Set each again."""
        for group in sorted(self._groups.get(partition, ())):
            now = self.ticks.of(group)
            if now is None:
                continue
            heap = self._waiting[group]
            while heap and heap[0][0] <= now:
                moment, brand = heapq.heappop(heap)
                if self._places.get(brand) == (group, moment):  # else it waits for something else by now
                    del self._places[brand]
                    yield brand, now
