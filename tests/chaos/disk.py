"""A small disk for the broker's data: a tmpfs, where the machine allows to mount one."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEBIBYTES = 400


@contextmanager
def small_disk(folder: Path) -> Iterator[str | None]:
    """Mount it at ``folder``; yields None, or why there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEBIBYTES}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        yield f"needs the mount command ({error.strerror})"
        return
    if done.returncode:
        yield f"needs the right to mount a tmpfs ({done.stderr.strip()[:100]})"
        return
    try:
        yield None
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)
