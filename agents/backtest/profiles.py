"""What a brand's other profiles would have raised: the crisis stage run beside itself, on the very records that it reads.

Language and sentiment do not ask for the profile, so their work is done once. Everything else that an alert depends on is the brand's
own: its prior, calendar, dossiers, parts, and what is told before a bucket closes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from agents.backtest.history import BrandHistory, Listener
from agents.backtest.readiness import PROFILES
from pipeline.brands import Brand, Registry
from pipeline.stage import Incoming, Outcome, Reading, Stage, StagePartition
from pipeline.watch import Profile
from schemas.topics import ASSESSED


def other_profiles(brand: Brand) -> tuple[Profile, ...]:
    """Those that the brand has not."""
    return tuple(profile for profile in PROFILES if profile != brand.profile)


def _with_other_profile(number: int, brand: Brand) -> Brand:
    return replace(brand, profile=other_profiles(brand)[number])


class EveryProfile:
    """A crisis stage that is the given one in all that comes out of it, and counts what the brands' other profiles would have raised.

    Args: ``build``: makes a crisis stage over a registry.
    """

    def __init__(self, stage: Stage, registry: Registry, build: Callable[[Registry], Stage]) -> None:
        self.name = stage.name
        self.source = stage.source
        self.changelog = stage.changelog
        self._stage = stage
        self._registry = registry
        # Each brand has as many others, so every run tries one more of each brand's, whatever is configured.
        self._others = [(build(registry.changed(partial(_with_other_profile, number))), Listener()) for number in range(len(PROFILES) - 1)]

    def open(self, partition: int, epoch: str) -> StagePartition:
        """An empty partition of each."""
        others = [(stage.open(partition, epoch), listener) for stage, listener in self._others]
        return _Beside(self._stage.open(partition, epoch), others)

    def tell(self, histories: Mapping[str, BrandHistory]) -> None:
        """Add to each brand's history what its other profiles would have raised."""
        for slug, history in histories.items():
            for profile, (_, listener) in zip(other_profiles(self._registry.brand(slug)), self._others, strict=True):
                history.otherwise[profile] = len(listener.brands.get(slug, BrandHistory(slug)).incidents())


class _Beside:
    """A partition, and the others that read along."""

    def __init__(self, partition: StagePartition, others: Sequence[tuple[StagePartition, Listener]]) -> None:
        self._partition = partition
        self._others = others
        self._all = [partition, *(other for other, _ in others)]

    def restore(self, key: bytes, value: bytes) -> None:
        for one in self._all:
            one.restore(key, value)

    def unreadable(self, key: bytes) -> None:
        for one in self._all:
            one.unreadable(key)

    def restored(self, change: int) -> None:
        for one in self._all:
            one.restored(change)

    def process(self, records: Sequence[Incoming]) -> Outcome:
        for other, listener in self._others:
            listener.hear(out for out in other.process(records).outgoing if out.topic is not ASSESSED)
        return self._partition.process(records)

    def readings(self) -> Sequence[Reading]:
        return list(self._partition.readings())
