"""How many bytes of memory one seen identity takes in the crisis stage, as allocated, at the worst hour of two weeks. Prints a number."""

import tracemalloc

from processes import end_with_parent

from pipeline.identities import Identities, forgotten_at
from pipeline.journal import Journal
from pipeline.seen import MARK, Seen, identity_of

AN_HOUR = 300
WEEK = 7 * 24


def main() -> None:
    """Remember identities of one brand, as the stage does, until as many have been forgotten as are kept."""
    end_with_parent()
    journal = Journal()
    tracemalloc.start()
    identities = Identities("brand", journal)
    number, most = 0, 0.0
    for hour in range(2 * WEEK):
        for _ in range(AN_HOUR):
            number += 1
            origin = number.to_bytes(MARK, "big")
            seen = Seen(bucket=hour * 12, applied=hour, author=number, role=1, live=True, edit=0, accepted=(origin,))
            identities.remember(identity_of(f"x:{number}"), seen)
        journal.drain()
        if hour >= WEEK:
            identities.forget(forgotten_at(hour - WEEK))
            journal.drain()
            most = max(most, tracemalloc.get_traced_memory()[0] / len(identities))
    print(round(most))


main()
