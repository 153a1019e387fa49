"""Worker of the benchmark: ours. `webcare worker` itself; for the runtime alone its four stages are replaced by light ones.

Usage: work_ours.py light|real [STAGE...]. Settings come from the environment, as always.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any

from processes import end_with_parent


def main() -> None:
    """Run until SIGTERM."""
    end_with_parent()
    kind, stages = sys.argv[1], sys.argv[2:]
    if "BENCH_PROFILE" in os.environ:
        import sampling

        sampling.install(os.environ["BENCH_PROFILE"])
    from agents import worker
    from agents.settings import read_settings

    if kind == "light":
        from light import LightStage

        def light_stages(*_: Any, **__: Any) -> Sequence[LightStage]:
            return [LightStage(number) for number in range(4)]

        worker.build_stages = light_stages
    worker.run_worker(read_settings(os.environ), stages)


main()
