"""The door waits for the wave before, and only while that is worth it."""

import asyncio

import pytest

from agents.runtime import waves as waves_module
from agents.runtime.waves import BACKLOG, BUSY_PACE, Waves

TOPIC = "webcare.mention.language.v1"
LAST = "webcare.mention.routed.v1"


class Reader:
    """Owns partition 0, and has worked it off up to an offset."""

    def __init__(self) -> None:
        self.told = 0

    def owes(self, partition: int, end: int) -> bool:
        return partition == 0 and self.told < end


@pytest.fixture
def reader() -> Reader:
    return Reader()


def under_way(reader: Reader, pace: float, *places: tuple[str, int]) -> Waves:
    """Records up to offset 7 of ``places`` are under way."""
    waves = Waves()
    waves.follow(TOPIC, reader)
    waves.entered(int(pace))
    waves.sent(dict.fromkeys(places, 7))
    return waves


@pytest.fixture
def busy(reader: Reader) -> Waves:
    """At a pace that fills waves."""
    return under_way(reader, BUSY_PACE + 1, (TOPIC, 0))


def waits(waves: Waves, waiting: list[int]) -> bool:
    """Whether the door waits, a few turns of the loop long."""

    async def story() -> bool:
        passing = asyncio.create_task(waves.passed(waiting))
        for _ in range(5):
            await asyncio.sleep(0)
        if passing.done():
            return False
        passing.cancel()
        return True

    return asyncio.run(story())


def test_at_a_busy_pace_the_next_wave_waits_for_the_one_before(busy: Waves) -> None:
    assert waits(busy, [1])


def test_the_next_wave_begins_when_the_last_output_of_the_one_before_is_acknowledged(busy: Waves, reader: Reader) -> None:
    async def story() -> None:
        passing = asyncio.create_task(busy.passed([1]))
        for told in (5, 6):
            reader.told = told
            busy.moved()
            for _ in range(3):
                await asyncio.sleep(0)
            assert not passing.done(), told
        reader.told = 7
        busy.moved()
        await asyncio.wait_for(passing, waves_module.LONGEST_WAIT / 2)

    asyncio.run(story())


def test_at_a_slow_pace_nothing_waits(reader: Reader) -> None:
    assert not waits(under_way(reader, BUSY_PACE / 2, (TOPIC, 0)), [1])


def test_a_backlog_does_not_wait_even_one_that_comes_meanwhile(busy: Waves) -> None:
    assert not waits(busy, [0] * BACKLOG)

    async def story() -> None:
        waiting = [1]
        passing = asyncio.create_task(busy.passed(waiting))
        await asyncio.sleep(0)
        waiting += [0] * BACKLOG
        busy.moved()
        await asyncio.wait_for(passing, waves_module.LONGEST_WAIT / 2)

    asyncio.run(story())


def test_what_another_worker_owns_or_nobody_here_reads_is_not_waited_for(reader: Reader) -> None:
    assert not waits(under_way(reader, BUSY_PACE + 1, (TOPIC, 1), (LAST, 0)), [1])


def test_what_never_comes_is_not_waited_for_long(busy: Waves, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves_module, "LONGEST_WAIT", 0.01)
    asyncio.run(asyncio.wait_for(busy.passed([1]), 5))


def test_the_pace_is_forgotten_within_seconds(busy: Waves) -> None:
    busy._entered_at -= 3
    busy.entered(1)
    assert not waits(busy, [1])
