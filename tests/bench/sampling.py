"""Where a worker's CPU goes: a sampling profiler of its main thread, switched on with `bench.py --profile`.

A timer of CPU time interrupts the process every few milliseconds (the kernel's tick), from SIGRTMIN on, and the Python stack is noted.
Sampled, so it costs little; it sees no C frames: time in C counts for the Python function that called it.
"""

import atexit
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

EVERY = 0.002


def install(path: str) -> None:
    """Sample from SIGRTMIN until the process ends, then write ``path``: share of samples by function itself, and with what it calls."""
    own: Counter[str] = Counter()
    inclusive: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        seen = set()
        if frame is not None:
            own[_name(frame)] += 1
        while frame is not None:
            name = _name(frame)
            if name not in seen:
                seen.add(name)
                inclusive[name] += 1
            frame = frame.f_back

    def write() -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = max(1, own.total())
        lines = [f"{total} samples", "", "itself"]
        lines += [f"{count / total:6.1%}  {name}" for name, count in own.most_common(40)]
        lines += ["", "with what it calls"]
        lines += [f"{count / total:6.1%}  {name}" for name, count in inclusive.most_common(60)]
        Path(path).write_text("\n".join(lines) + "\n")

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGRTMIN, lambda *_: signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY))
    atexit.register(write)


def _name(frame: FrameType) -> str:
    code: Any = frame.f_code
    return f"{'/'.join(code.co_filename.split('/')[-3:])}:{code.co_qualname if hasattr(code, 'co_qualname') else code.co_name}"
