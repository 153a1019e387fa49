"""Pin Kafka's jars anew, after a change of ``KAFKA``: ``python -m agents.broker.pin`` writes the lock file."""

import hashlib
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agents.broker.jars import AT_ONCE, LOCK, TIMEOUT_SECONDS, maven
from agents.broker.settings import KAFKA

COORDINATES = (f"org.apache.kafka:kafka_2.13:{KAFKA}!", "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3!")
"""Raw (the trailing `!`): else jgo takes each for a list of versions, and log4j's would pin an older kafka-clients."""


def resolve_lock(folder: Path) -> dict[str, Any]:
    """Resolve ``COORDINATES`` from the network into ``folder``; returns the content of a lock file."""
    context = maven().MavenContext(repo_cache=folder, timeout=TIMEOUT_SECONDS)
    inputs, others = context.resolver.resolve([context.create_dependency(coordinate) for coordinate in COORDINATES])
    artifacts = [dependency.artifact for dependency in (*inputs, *others) if dependency.scope in ("compile", "runtime", None)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        files = [Path(file) for file in pool.map(lambda artifact: artifact.resolve(), artifacts)]
    jars = [
        {
            "group": artifact.groupId,
            "artifact": artifact.artifactId,
            "version": artifact.version,
            "size": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        for artifact, file in zip(artifacts, files, strict=True)
    ]
    return {"kafka": KAFKA, "jars": sorted(jars, key=lambda jar: (jar["group"], jar["artifact"]))}


def main() -> None:
    """Write the lock file."""
    with tempfile.TemporaryDirectory() as folder:
        lock = resolve_lock(Path(folder))
    LOCK.write_text(json.dumps(lock, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(lock['jars'])} jars pinned in {LOCK}\n")


if __name__ == "__main__":
    main()
