"""How many bytes of memory one seen identity takes in the crisis stage. Prints a number."""

import gc
import os

from processes import end_with_parent, resident_bytes

from pipeline.identities import Identities
from pipeline.journal import Journal
from pipeline.seen import MARK, Seen, identity_of

COUNT = 200_000


def main() -> None:
    """Remember many identities of one brand, as the stage does, and see how the process grows."""
    end_with_parent()
    journal = Journal()
    identities = Identities("brand", journal)
    gc.collect()
    before = resident_bytes(os.getpid())
    for number in range(COUNT):
        seen = Seen(bucket=5_900_000, applied=491_000, author=number, role=1, live=True, edit=0, accepted=(number.to_bytes(MARK, "big"),))
        identities.remember(identity_of(f"x:{number}"), seen)
        if number % 500 == 0:
            journal.drain()
    journal.drain()
    gc.collect()
    print(round((resident_bytes(os.getpid()) - before) / COUNT))


main()
