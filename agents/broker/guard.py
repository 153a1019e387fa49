"""Outlives the process that started a broker by a moment, so that neither the broker nor its throw-away data stays behind.

Run as a script: ``python guard.py FOLDER``; FOLDER is removed at the end, empty names none. Standard input carries, a line each, the
process id to look after, 0 for none; its end means that the starter is gone, however it ended. (Linux could have the kernel send a
signal, but to a process whose starting *thread* ended; no other system has it.)
"""

import os
import shutil
import signal
import sys
import time


def main() -> None:
    """Wait for the end of standard input, then kill what is left and remove the folder."""
    pid = 0
    for line in sys.stdin:
        pid = int(line)
    if pid:
        try:
            os.kill(pid, signal.SIGKILL)
            for _ in range(100):  # it must have let go of its files before they are removed
                time.sleep(0.02)
                os.kill(pid, 0)
        except ProcessLookupError:
            pass
    if sys.argv[1]:
        shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
