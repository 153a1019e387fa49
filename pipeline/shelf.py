"""What is kept of many things of one kind, most of which nobody will ask for again: each as the bytes of its snapshot.

Within a batch a thing that is being worked on stays as it is; when the batch is over, its snapshot takes its place. So an idle thing costs
its bytes, and its snapshot is made once.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """Things by name. What `get` gives is changed only by `put`, under the same name. Remembers which have changed."""

    __slots__ = ("_changed", "_held", "_pack", "_seen", "_unpack")

    def __init__(self, pack: Callable[[T], bytes], unpack: Callable[[bytes], T]) -> None:
        self._pack = pack
        self._unpack = unpack
        self._held: dict[str, T | bytes] = {}
        self._seen: tuple[bytes, T] | None = None
        self._changed: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def get(self, name: str) -> T | None:
        """The thing of that name."""
        held = self._held.get(name)
        return self._unpacked(held) if isinstance(held, bytes) else held

    def _unpacked(self, held: bytes) -> T:
        if self._seen is not None and self._seen[0] is held:
            return self._seen[1]  # an update asks for what it changes twice
        thing = self._unpack(held)
        self._seen = (held, thing)
        return thing

    def put(self, name: str, thing: T) -> None:
        """Keep it."""
        self._held[name] = thing
        self._changed[name] = None

    def restore(self, name: str, packed: bytes) -> T:
        """Take back a snapshot of any version.

        Raises:
            ValueError: it cannot be read.
        """
        thing = self._unpack(packed)
        self._held[name] = self._pack(thing)
        return thing

    def remove(self, name: str) -> None:
        """Keep it no more."""
        del self._held[name]
        self._changed[name] = None

    def changes(self) -> Iterator[tuple[str, bytes | None]]:
        """What has been kept or removed since the last call, with its bytes, which take its place; None: it is not there any more."""
        self._seen = None
        held, pack = self._held, self._pack
        for name in self._changed:
            thing = held.get(name)
            if thing is None or isinstance(thing, bytes):
                yield name, thing
            else:
                packed = held[name] = pack(thing)
                yield name, packed
        self._changed.clear()

    def things(self) -> Iterator[T]:
        """All of them."""
        for held in self._held.values():
            yield self._unpack(held) if isinstance(held, bytes) else held

    def held(self, name: str) -> T | bytes | None:
        """The thing of that name as it is kept: as it is, or its snapshot."""
        return self._held.get(name)

    def all_held(self) -> Iterator[T | bytes]:
        """All as they are kept."""
        return iter(self._held.values())
