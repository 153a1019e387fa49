"""The systems that are compared: how a worker of each is started, and what each does not do."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from processes import Child, child

Kind = Literal["light", "real"]
AUTHOR_KEY = "webcare-bench-key-not-a-secret"


class System(NamedTuple):
    """One system. ``lacks``: what it does not do that ours does."""

    name: str
    title: str
    script: str
    arguments: tuple[str, ...]
    lacks: str


OURS = System("ours", "webcare-stream", "work_ours.py", (), "")
FAUST = System(
    "faust",
    "stock Faust 0.15.3",
    "work_faust.py",
    ("acknowledged",),
    "state in memory only: gone at a restart; loses events at rebalances and on errors in an agent; no ownership check, no origin",
)
FAUST_UNACKNOWLEDGED = System(
    "faust-unacknowledged",
    "stock Faust, sends not awaited",
    "work_faust.py",
    ("unacknowledged",),
    "as above, and a record that the broker refuses is lost",
)
QUIX = System(
    "quix",
    "Quix Streams 3.28",
    "work_quix.py",
    (),
    "state in memory only (its own would be RocksDB with changelogs); repeats after a crash count twice; no ownership check, no origin; "
    "no choice of partition",
)
CONFLUENT = System(
    "confluent",
    "confluent-kafka loop",
    "work_confluent.py",
    (),
    "state in memory only: gone at a restart and wrong after a rebalance; repeats count twice; no ownership check, no origin, no retry, "
    "no metrics, one loop for all stages",
)
BY_NAME = {system.name: system for system in (OURS, FAUST, FAUST_UNACKNOWLEDGED, QUIX, CONFLUENT)}


class Setting(NamedTuple):
    """Where everything is: broker, configuration folder, folder for logs; ``profile``: file for a CPU profile of ours."""

    bootstrap: str
    config: Path
    work: Path
    profile: Path | None = None


@contextmanager
def workers(
    system: System,
    kind: Kind,
    setting: Setting,
    group: str,
    *,
    ports: tuple[int, ...] = (0,),
    stages: tuple[tuple[str, ...], ...] = ((),),
    ticks: str = "wall",
) -> Iterator[list[Child]]:
    """Worker processes of one system, all in the consumer group(s) ``group``: one per port (0: no web server)."""
    environment = {"WEBCARE_CONFIG": str(setting.config)}
    with ExitStack() as stack:
        started = []
        for number, port in enumerate(ports):
            log = setting.work / f"{group}-{number}.log"
            if system is OURS:
                more = {
                    "WEBCARE_KAFKA_BOOTSTRAP": setting.bootstrap,
                    "WEBCARE_AUTHOR_KEY": AUTHOR_KEY,
                    "WEBCARE_APP": group,
                    "WEBCARE_WEB_PORT": str(port),
                    "WEBCARE_TICKS": ticks,
                }
                if setting.profile is not None:
                    more["BENCH_PROFILE"] = str(setting.profile)
                arguments = (kind, *stages[number % len(stages)])
            else:
                more, arguments = {}, (kind, *system.arguments, setting.bootstrap, group)
            started.append(stack.enter_context(child(system.script, arguments, log, environment | more)))
        yield started
