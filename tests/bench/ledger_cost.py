"""Memory, disk and CPU that the ledger's law takes, without a broker: `uv run python tests/bench/ledger_cost.py [--records N]`.

Made-up topics: every raw record has an outcome, every tenth one a second time. Linux only.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

from agents.ledger.law import ROW_BYTES, Extent, LedgerCheck
from agents.ledger.sorting import Sorter
from agents.topic_reader import Record
from schemas.topics import RAW, ROUTED

PARTITIONS = 8
EPOCH = "bench"
MENTION = b'{"mention_id":"x:1"}'


def main() -> None:
    """Check, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=5_000_000)
    each = parser.parse_args().records // PARTITIONS
    at_start, cpu = resident("VmRSS"), time.process_time()
    check = LedgerCheck(EPOCH, {partition: Extent(0, each, each) for partition in range(PARTITIONS)})
    check.take_raw(raw(each))
    check.take_outcomes(outcomes(each))
    with Sorter(ROW_BYTES) as sorter:
        check.compare_repeats(outcomes(each), sorter)
    found = check.finish()
    assert found.clean, found
    print(
        f"{found.raw:,} raw records, {found.repeats:,} outcomes repeated, {time.process_time() - cpu:.0f} s of CPU (making them included)"
    )
    print(f"bitmaps {found.bytes_in_memory / 1e6:.1f} MB, on disk {found.bytes_on_disk / 1e6:.0f} MB")
    print(f"resident {at_start:.0f} MiB at the start, {resident('VmHWM'):.0f} MiB at most")


def raw(each: int) -> Iterator[Record]:
    """So many records in each partition."""
    for partition in range(PARTITIONS):
        for offset in range(each):
            yield Record(RAW.name, partition, offset, 0, b"acme", MENTION, [])


def outcomes(each: int) -> Iterator[Record]:
    """One for each, and once more for every tenth."""
    for partition in range(PARTITIONS):
        for offset in range(each):
            headers = [("webcare-origin", b"%s:%d:%d" % (EPOCH.encode(), partition, offset)), ("ce_id", b"%d-%d" % (partition, offset))]
            record = Record(ROUTED.name, partition, offset, 0, b"acme", b"{}", headers)
            yield record
            if offset % 10 == 0:
                yield record


def resident(what: str) -> float:
    """MiB of this process: ``VmRSS`` now, ``VmHWM`` at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
