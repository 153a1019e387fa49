"""CPU per mention of the crisis stage, part by part: `uv run python tests/bench/crisis_cost.py [--count N] [--rounds N]`.

The load is the traffic of `stage_cost.py`: 1,000 brands, of which every next mention concerns another, within the five minutes of one
bucket, so that none closes. Its first half makes the brands known and is not measured. What is printed, in CPU time of this process:

- decode: JSON to records with their origins, measured by doing it a second time;
- encode: a mention's record that goes out, JSON and headers, measured by doing it a second time;
- mention: all else that a mention takes: identity, counts, evidence, echoes, the brand's situation;
- drain: the snapshots of what has changed, once a batch;
- close: what a bucket takes when it closes, per bucket of a key, and an early look. They are measured on the demo's four weeks.

The stage shall take 25 µs a mention without decode, encode, drain and close. Take the least of the rounds: other work on the machine
only adds.
"""

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from stage_cost import BATCH, batches, first_inputs, load, run_stage

from pipeline.assessing import _addition as addition
from pipeline.brand_state import BrandState
from pipeline.events import event_id, headers_with
from pipeline.journal import Journal
from pipeline.stage import Arrival, Incoming, Outcome, Outgoing, Stage, arrivals
from schemas.codec import sentiment_decoder
from schemas.mention import ScoredMention
from schemas.topics import ASSESSED

CLOSES = ((BrandState, "_close"), (BrandState, "look"))
DRAIN = ((Journal, "drain"),)


class Spent:
    """CPU seconds and calls of some methods while they are watched."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def watching(self, *methods: tuple[type, str]) -> Iterator[None]:
        """Count what these take."""
        before = [(owner, name, getattr(owner, name)) for owner, name in methods]
        for owner, name, method in before:
            setattr(owner, name, self._timed(name, method))
        try:
            yield
        finally:
            for owner, name, method in before:
                setattr(owner, name, method)

    def _timed(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return method(*args, **named)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - began
                self.calls[name] = self.calls.get(name, 0) + 1

        return timed


def inputs(name: str, count: int) -> tuple[Callable[[], Stage], dict[int, list[Incoming]]]:
    """What makes a crisis stage, and what it reads."""
    stages, records, _ = load(name, count)
    logs = first_inputs(records)
    for stage, following in pairwise(stages[:3]):
        _, logs = run_stage(stage, following, logs)
    return lambda: stages[2], logs


def mentions(stage: Stage, logs: dict[int, list[Incoming]]) -> dict[str, float]:
    """Microseconds a mention, by part, over the second half of a load."""
    opened = {partition: stage.open(partition, "bench") for partition in logs}
    half = max(map(len, logs.values())) // BATCH // 2 * len(logs)
    decoder, spent = sentiment_decoder(), Spent()
    total = decoding = encoding = 0.0
    count = entries = size = 0
    with spent.watching(*DRAIN):
        for number, (partition, batch) in enumerate(batches(logs)):
            if number == half:
                spent.seconds.clear()
            began = time.process_time()
            outcome = opened[partition].process(batch)
            done = time.process_time()
            arrived = list(arrivals(decoder, batch, Outcome()))
            decoded = time.process_time()
            encode_again(arrived)
            if number >= half:
                total += done - began
                decoding += decoded - done
                encoding += time.process_time() - decoded
                count += len(batch)
                entries += len(outcome.changes)
                size += sum(len(key) + len(value or b"") for key, value in outcome.changes.items())
    micro = 1e6 / count
    drain = spent.seconds["drain"]
    return {
        "decode": decoding * micro,
        "encode": encoding * micro,
        "mention": (total - decoding - encoding - drain) * micro,
        "drain": drain * micro,
        "changes": entries / count,
        "changelog bytes": size / count,
    }


def encode_again(arrived: list[Arrival[Any]]) -> None:
    """As `pipeline/assessing.py` does it for a brand in whose rows nothing happens."""
    for record, mention, _, passed in [(one.record, one.value, one.origin, one.passed) for one in arrived]:
        if isinstance(mention, ScoredMention):
            identifier = event_id(ASSESSED, mention.brand, mention.mention_id, mention.edit, "mention")
            headers = headers_with(ASSESSED, identifier, mention.mention_id, mention.published_at, passed)
            value = (record.value or b"").rstrip()[:-1] + addition(None, None, 1.0, 2.0, None, False, False, False)
            Outgoing(ASSESSED, record.key, value, headers)


def closes(stage: Stage, logs: dict[int, list[Incoming]]) -> dict[str, tuple[float, int]]:
    """Microseconds a close and a look, and how many there were."""
    opened = {partition: stage.open(partition, "bench") for partition in logs}
    spent = Spent()
    with spent.watching(*CLOSES):
        for partition, batch in batches(logs):
            opened[partition].process(batch)
    return {name.strip("_"): (spent.seconds[name] * 1e6 / calls, calls) for name, calls in spent.calls.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40_000, help="mentions, half of which are measured")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--closes", action="store_true", help="also what closes and looks take, on the demo")
    given = parser.parse_args()
    make, logs = inputs("traffic", given.count)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the worker does
    rounds = []
    for number in range(given.rounds):
        found = mentions(make(), logs)
        rounds.append(found["mention"])
        print(f"round {number + 1}: " + ", ".join(f"{name} {value:.1f}" for name, value in found.items()), flush=True)
    print(f"mention: {min(rounds):.1f} µs, the least of {len(rounds)} rounds")
    if given.closes:
        make, logs = inputs("demo", 0)
        for name, (cost, calls) in closes(make(), logs).items():
            print(f"{name}: {cost:.0f} µs, {calls} times")


if __name__ == "__main__":
    main()
