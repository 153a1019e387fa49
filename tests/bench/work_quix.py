"""Worker of the benchmark: Quix Streams, four chained topics in one application, at-least-once, raw bytes.

Usage: work_quix.py light|real BOOTSTRAP GROUP.
"""

import sys
import tempfile
from typing import Any

from light import TOPICS, setter
from processes import end_with_parent
from quixstreams import Application, message_context
from quixstreams.models.serializers import BytesDeserializer, Serializer
from shared import SOURCES, Process, processes

from pipeline.stage import Incoming, Outgoing
from schemas.topics import BY_NAME


class OutgoingValue(Serializer):
    """The bytes of what a stage gives."""

    def __call__(self, value: Outgoing, ctx: Any) -> bytes:  # noqa: ARG002 - Quix names it
        return value.value or b""


def build(kind: str, bootstrap: str, group: str) -> Application:
    """The application: one consumer, one producer, checkpoints (flush, then commit) every second."""
    app = Application(
        bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        auto_create_topics=False,
        use_changelog_topics=False,
        state_dir=tempfile.gettempdir(),  # it keeps none, and makes a folder for it all the same
        loglevel="WARNING",
        consumer_extra_config={"fetch.wait.max.ms": 50},
        producer_extra_config={"message.max.bytes": 4 << 20},
    )
    if kind == "light":
        for number in range(4):
            source = app.topic(TOPICS[number].name, key_deserializer="bytes", value_deserializer="bytes")
            target = app.topic(TOPICS[number + 1].name, key_serializer="bytes", value_serializer="bytes")
            app.dataframe(source).apply(setter(number)).to_topic(target)
        return app
    targets = {name: app.topic(name, key_serializer="bytes", value_serializer=OutgoingValue()) for name in BY_NAME}
    for source, process in zip(SOURCES, processes(kind), strict=True):
        frame = app.dataframe(app.topic(source.name, key_deserializer="bytes", value_deserializer=BytesDeserializer()))
        frame = frame.apply(_expand(process), expand=True, metadata=True)
        frame = frame.set_headers(lambda out, *_: out.headers)
        frame.to_topic(lambda out, *_: targets[out.topic.name], key=lambda out: out.key)
    return app


def _expand(process: Process) -> Any:
    def expand(value: bytes, key: Any, timestamp: int, headers: Any) -> list[Outgoing]:
        place = message_context()
        return process(place.partition, [Incoming(place.partition, place.offset, timestamp, key, value, headers or ())])

    return expand


def main() -> None:
    """Run until SIGTERM."""
    end_with_parent()
    build(*sys.argv[1:]).run()


main()
