"""All that routing keeps of one brand: its clock, its items, its conversations (in `conversations.py`), and what time alone brings.

Each part is a changelog key of its own, written only when it changes: ``brand`` (small, with every mention), ``brand|item|<item id>``,
``brand|thread|<root>``, ``brand|author|<author id>``. Indexes and the agenda follow from these.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from pipeline import items, packed_items
from pipeline.agenda import NEVER, Agenda, Agendas
from pipeline.conversations import Conversations
from pipeline.decisions import task_id
from pipeline.items import Gone, Kept, Tell
from pipeline.journal import Journal
from pipeline.packed_items import Head
from pipeline.shelf import Shelf
from pipeline.stage import Origin
from schemas import codec
from schemas.mention import AssessedMention, Mode
from schemas.outputs import WorkItem


class Counters(Struct):
    """Cumulative counts since the brand was first seen. ``routed`` holds every record of the brand that is not a tick."""

    routed: int = 0
    duplicates: int = 0
    retractions: int = 0
    own_posts: int = 0
    spam: int = 0
    move_to_private: int = 0
    tasks_opened: int = 0
    tasks_reopened: int = 0
    tasks_closed: int = 0
    informs: int = 0
    sla_at_risk: int = 0
    sla_breached: int = 0


class Core(Struct):
    """The small part that changes with every record. Times are seconds of event time; ``origins``: ``<epoch>:<raw partition>`` → offset."""

    origins: dict[str, int] = {}
    epoch: str = ""
    partitions: tuple[int, ...] = ()
    event_at: float = 0.0
    tick_at: float = 0.0
    replaying: bool = False
    replay_from: str = ""
    mode: Mode = "live"
    open: dict[str, int] = {}
    counters: Counters = msgspec.field(default_factory=Counters)


_core = msgspec.json.Decoder(Core)
ITEMS_AHEAD = 7
"""Days: deadlines are nearer than that, and every step of a task moves one; what closed items wait for is weeks away."""


class BrandMemory:
    """One brand. ``items`` are read freely, and changed here only."""

    def __init__(self, slug: str, journal: Journal) -> None:
        self.slug = slug
        self.core = Core()
        self.items: Shelf[Kept] = Shelf(packed_items.pack, packed_items.unpack)
        self._journal = journal
        self._agendas = Agendas()
        self._items_due = self._agendas.add(Agenda(self._item_moment, ITEMS_AHEAD))
        self.conversations = Conversations(self._agendas, self._has_task)
        self._shelves: tuple[tuple[str, Shelf[Any]], ...] = (
            (f"{slug}|item|", self.items),
            (f"{slug}|thread|", self.conversations.threads),
            (f"{slug}|author|", self.conversations.authors),
        )
        self._showing: dict[str, str | tuple[str, ...]] = {}
        self._key = slug.encode()
        self._bring = self._changes
        self._is_core_changed = False
        self.is_core_lost = self._is_damaged = False

    # -- state

    def restore(self, kind: str, name: str, value: bytes) -> None:
        """Take back one snapshot.

        Raises:
            ValueError: it cannot be read, or is of no kind that is known.
        """
        match kind:
            case "":
                self.core = _core.decode(value)
            case "item":
                kept = self.items.restore(name, value)
                self._list(kept.item)
                self._plan(name, kept)
            case "thread":
                self.conversations.restore_thread(name, value)
            case "author":
                self.conversations.restore_author(name, value)
            case _:
                raise ValueError(f"no snapshot of kind {kind!r} is known")

    def restored(self) -> None:
        """All snapshots are in."""
        if not self._is_damaged:
            return
        self.core.open = {}
        for kept in self.items.things():
            self._count_open(kept, +1)
        if self.keys() > 1 or not self.is_core_lost:
            self.touch()
        else:
            self._journal.gone(self.slug, self.slug.encode())  # nothing else is known: perhaps never a brand at all

    def keys(self) -> int:
        """Changelog keys held."""
        return 1 + sum([len(shelf) for _, shelf in self._shelves])

    def touch(self) -> None:
        """The core has changed, and perhaps what the shelves hold."""
        self._is_core_changed = True
        self._journal.brings(self.slug, self._bring)

    def _changes(self) -> Iterator[tuple[bytes, bytes | None]]:
        if self._is_core_changed:
            self._is_core_changed = False
            yield self._key, codec.encode(self.core)
        for prefix, shelf in self._shelves:
            for name, snapshot in shelf.changes():
                yield (prefix + name).encode(), snapshot

    def unreadable(self, kind: str, key: bytes) -> None:
        """A key's snapshot cannot be read: it is forgotten, but for the core, which `recover` makes anew."""
        self._is_damaged = True
        match kind:
            case "":
                self.is_core_lost = True
            case "item" | "thread" | "author":
                self._journal.gone(self.slug, key)

    def recover(self, origins: Mapping[str, int], epoch: str, ticking: tuple[int, ...]) -> None:
        """The core is lost: the counters begin anew.

        ``origins``: up to where this partition has worked, as its other brands tell; ``epoch``: of the raw topic there is now;
        ``ticking``: its partitions that were heard, should no brand know which are this one's.
        """
        core = self.core
        core.origins = dict(origins)
        core.epoch = epoch
        known = (place.rpartition(":") for place in origins)
        core.partitions = tuple(sorted(int(number) for of, _, number in known if of == epoch)) or ticking
        moments = [kept.item.updated_at for kept in self.items.things()]
        moments += [thread.last_at for thread in self.conversations.threads.things()]
        moments += [history.last_at for history in self.conversations.authors.things()]
        core.event_at = max((moment.timestamp() for moment in moments), default=0.0)

    # -- repeats and time

    def is_repeat(self, origin: Origin) -> bool:
        """Whether a record with this origin has been worked through."""
        return self.core.origins.get(f"{origin.epoch}:{origin.partition}", -1) >= origin.offset

    def note(self, origin: Origin, mode: Mode | None = None) -> None:
        """A record is worked through now."""
        core = self.core
        core.origins[f"{origin.epoch}:{origin.partition}"] = origin.offset
        if core.epoch != origin.epoch:
            core.epoch, core.partitions = origin.epoch, ()  # partitions of a topic that was deleted tick no more
        if origin.partition not in core.partitions:
            core.partitions = (*sorted((*core.partitions, origin.partition)),)
        core.mode = mode or core.mode
        self.touch()

    def due(self) -> float | None:
        """Time alone has nothing to do here before this moment, in seconds."""
        due = self._agendas.due
        return None if due == NEVER else due

    def open(self, now: float) -> bool:
        """Find out what comes due until ``now``; whether `due` may be later for it."""
        return self._agendas.open(now)

    def advance(self, now: float, tell: Tell) -> bool:
        """Everything that comes due until ``now``, each dated at its own moment; whether anything changed."""
        agendas = self._agendas
        if now < agendas.next_look:
            return False
        talk = self.conversations
        changed = False
        agendas.open(now)
        while agendas.due <= now:
            author, item, thread = talk.authors_due.first(now), self._items_due.first(now), talk.threads_due.first(now)
            at = agendas.due
            if author is not None and author[0] == at:
                talk.authors_due.pop()
                changed = talk.author_due(author[1], at) or changed
            elif item is not None and item[0] == at:
                self._items_due.pop()
                changed = self._item_due(item[1], at, tell) or changed
            elif thread is not None:
                talk.threads_due.pop()
                changed = talk.thread_due(thread[1], at) or changed
            agendas.open(now)
        if changed:
            self._journal.brings(self.slug, self._bring)
        return changed

    def _plan(self, item_id: str, kept: Kept) -> None:
        moment = kept.next_moment()
        if moment is not None:
            self._agendas.push(self._items_due, moment.timestamp(), item_id)

    def _item_moment(self, item_id: str) -> float | None:
        kept = self.items.get(item_id)
        moment = None if kept is None else kept.next_moment()
        return None if moment is None else moment.timestamp()

    def _item_due(self, item_id: str, at: float, tell: Tell) -> bool:
        kept = self.items.get(item_id)
        moment = None if kept is None else kept.next_moment()
        if kept is None or moment is None or moment.timestamp() != at:
            return False  # planned before something else happened
        if kept.is_open_task:
            kept = items.pass_moment(kept, moment)
            if kept.item.sla == "at_risk":
                self.core.counters.sla_at_risk += 1
            else:
                self.core.counters.sla_breached += 1
            self.store(kept, tell)
        else:
            self._count_open(kept, -1)
            self.items.remove(item_id)
            self._unlist(kept.item)
            tell(Gone(kept.item, moment))
            if kept.item.root_id is not None:
                self.conversations.plan(kept.item.root_id, at)
        self.touch()
        return True

    # -- items

    def _has_task(self, root: str) -> bool:
        return task_id(self.slug, root) in self.items

    def showing(self, mention_id: str) -> list[Kept]:
        """The items that show a mention's words."""
        shown = self._showing.get(mention_id, ())
        names = (shown,) if isinstance(shown, str) else sorted(shown)
        return [kept for name in names if (kept := self.items.get(name)) is not None]

    def concerned(self, mention_id: str) -> list[Kept]:
        """The items that a mention has or had a part in: those that show it, and its thread's task."""
        found = {kept.item.item_id: kept for kept in self.showing(mention_id)}
        root = self.conversations.root_of(mention_id)
        task = None if root is None else self.items.get(task_id(self.slug, root))
        if task is not None:
            found[task.item.item_id] = task
        return [found[item_id] for item_id in sorted(found)]

    def store(self, kept: Kept, tell: Tell) -> None:
        """A new version of an item."""
        item = kept.item
        item_id = item.item_id
        before = self.items.get(item_id)
        self.items.put(item_id, kept)
        if before is None:
            self._plan(item_id, kept)
        else:
            self._count_open(before, -1)
            self._unlist(before.item)
            if before.item.mode != item.mode:  # the brand went live: nobody shall wait for the shadow
                tell(Gone(before.item, item.updated_at))
            if before.next_moment() != kept.next_moment():
                self._plan(item_id, kept)
        self._count_open(kept, +1)
        self._list(item)
        tell(item)

    def _list(self, item: WorkItem) -> None:
        shown = self._showing.get(item.mention_id)
        if shown is None:
            self._showing[item.mention_id] = item.item_id
        else:
            self._showing[item.mention_id] = (*((shown,) if isinstance(shown, str) else shown), item.item_id)

    def _unlist(self, item: WorkItem) -> None:
        shown = self._showing[item.mention_id]
        left = () if isinstance(shown, str) else tuple([item_id for item_id in shown if item_id != item.item_id])
        if left:
            self._showing[item.mention_id] = left if len(left) > 1 else left[0]
        else:
            del self._showing[item.mention_id]

    def _count_open(self, kept: Kept, step: int) -> None:
        if not kept.is_open_task:
            return
        name = kept.item.queue or "none"
        number = self.core.open.get(name, 0) + step
        if number:
            self.core.open[name] = number
        else:
            self.core.open.pop(name, None)

    def open_tasks(self) -> Iterator[Head]:
        """Tasks that wait for an answer now."""
        return iter(()) if not self.core.open else (head for head in map(packed_items.head, self.items.all_held()) if head.is_open_task)


def root_of(mention: AssessedMention) -> str:
    """What a mention's thread, and so its task, is called."""
    return mention.root_id or mention.mention_id
