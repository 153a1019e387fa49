"""All that routing keeps of one brand: its clock, threads, authors and items, and what time alone brings.

Each part is a changelog key of its own, written only when it changes: ``brand`` (small, with every mention), ``brand|item|<item id>``,
``brand|thread|<root>``, ``brand|author|<author id>``. Indexes and the agenda follow from these.
"""

import heapq
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial

import msgspec
from msgspec import Struct

from pipeline import items
from pipeline.decisions import task_id
from pipeline.items import Gone, Kept, Tell, Version
from pipeline.journal import Journal, Snapshot
from pipeline.stage import Origin
from pipeline.threads import AUTHOR_KEPT, THREAD_KEPT, History, Post, Thread, quote_of
from schemas import codec
from schemas.mention import AssessedMention, Mode
from schemas.outputs import Decision, Quote, WorkItem


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
    mode: Mode = "live"
    open: dict[str, int] = {}
    counters: Counters = msgspec.field(default_factory=Counters)


_core = msgspec.json.Decoder(Core)
_kept = msgspec.json.Decoder(Kept)
_thread = msgspec.json.Decoder(Thread)
_history = msgspec.json.Decoder(History)


class BrandMemory:
    """One brand. ``items``, ``threads`` and ``authors`` are read freely, and changed here only."""

    def __init__(self, slug: str, journal: Journal) -> None:
        self.slug = slug
        self.core = Core()
        self.items: dict[str, Kept] = {}
        self.threads: dict[str, Thread] = {}
        self.authors: dict[str, History] = {}
        self._journal = journal
        self._agenda: list[tuple[float, str, str]] = []
        self._roots: dict[str, str] = {}
        self._heard: dict[str, str] = {}
        self._showing: dict[str, tuple[str, ...]] = {}
        self._key = slug.encode()
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
                self.items[name] = _kept.decode(value)
            case "thread":
                self.threads[name] = _thread.decode(value)
            case "author":
                self.authors[name] = _history.decode(value)
            case _:
                raise ValueError(f"no snapshot of kind {kind!r} is known")

    def restored(self) -> None:
        """All snapshots are in: make the indexes and the agenda."""
        if self._is_damaged:
            self.core.open = {}
            for kept in self.items.values():
                self._count_open(kept, +1)
            if self.items or self.threads or self.authors or not self.is_core_lost:
                self.touch()
            else:
                self._journal.gone(self.slug, self.slug.encode())  # nothing else is known: perhaps never a brand at all
        for item_id, kept in self.items.items():
            self._list(kept.item)
            self._plan(item_id, kept)
        for root, thread in self.threads.items():
            self._roots.update(dict.fromkeys((*(post.mention_id for post in thread.posts), *thread.gone), root))
            self._push(thread.last_at + THREAD_KEPT, "thread", root)
        for author, history in self.authors.items():
            self._heard.update(dict.fromkeys((quote.mention_id for quote in history.quotes), author))
            self._push(history.last_at + AUTHOR_KEPT, "author", author)

    def keys(self) -> int:
        """Changelog keys held."""
        return 1 + len(self.items) + len(self.threads) + len(self.authors)

    def _touch(self, kind: str, name: str, snapshot: Snapshot) -> None:
        self._journal.touch(self.slug, f"{self.slug}|{kind}|{name}".encode(), snapshot)

    def _touch_thread(self, root: str) -> None:
        self._touch("thread", root, partial(_snapshot, self.threads, root))

    def _touch_author(self, author: str) -> None:
        self._touch("author", author, partial(_snapshot, self.authors, author))

    def touch(self) -> None:
        """The core has changed."""
        self._journal.touch(self.slug, self._key, self._core_snapshot)

    def _core_snapshot(self) -> bytes:
        return codec.encode(self.core)

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
        moments = [kept.item.updated_at for kept in self.items.values()]
        moments += [thread.last_at for thread in self.threads.values()]
        moments += [history.last_at for history in self.authors.values()]
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
        """The next moment at which time alone has something to do here, in seconds."""
        return self._agenda[0][0] if self._agenda else None

    def advance(self, now: float, tell: Tell) -> bool:
        """Everything that comes due until ``now``, each dated at its own moment; whether anything changed."""
        changed = False
        while self._agenda and self._agenda[0][0] <= now:
            at, kind, name = heapq.heappop(self._agenda)
            if kind == "item":
                changed = self._item_due(name, at, tell) or changed
            elif kind == "thread":
                changed = self._thread_due(name, at) or changed
            else:
                changed = self._author_due(name, at) or changed
        return changed

    def _push(self, at: datetime, kind: str, name: str) -> None:
        heapq.heappush(self._agenda, (at.timestamp(), kind, name))

    def _plan(self, item_id: str, kept: Kept) -> None:
        moment = kept.next_moment()
        if moment is not None:
            self._push(moment, "item", item_id)

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
            del self.items[item_id]
            self._unlist(kept.item)
            self._touch("item", item_id, _nothing)
            tell(Gone(kept.item, moment))
            if kept.item.root_id is not None and (thread := self.threads.get(kept.item.root_id)) is not None:
                self._push(max(moment, thread.last_at + THREAD_KEPT), "thread", kept.item.root_id)
        self.touch()
        return True

    def _thread_due(self, root: str, at: float) -> bool:
        thread = self.threads.get(root)
        if thread is None or task_id(self.slug, root) in self.items:
            return False  # it stays as long as its task, whose end plans it anew
        end = thread.last_at + THREAD_KEPT
        if end.timestamp() > at:
            self._push(end, "thread", root)
            return False
        del self.threads[root]
        for mention_id in (*(post.mention_id for post in thread.posts), *thread.gone):
            self._roots.pop(mention_id, None)
        self._touch_thread(root)
        return True

    def _author_due(self, author: str, at: float) -> bool:
        history = self.authors.get(author)
        if history is None:
            return False
        end = history.last_at + AUTHOR_KEPT
        if end.timestamp() > at:
            self._push(end, "author", author)
            return False
        del self.authors[author]
        for quote in history.quotes:
            self._heard.pop(quote.mention_id, None)
        self._touch_author(author)
        return True

    # -- what was said

    def thread(self, mention: AssessedMention) -> Thread:
        """The thread of a mention, new or known."""
        root = root_of(mention)
        thread = self.threads.get(root)
        if thread is None:
            thread = self.threads[root] = Thread(last_at=mention.detected_at)
            self._push(mention.detected_at + THREAD_KEPT, "thread", root)
        return thread

    def put(self, mention: AssessedMention, decision: Decision, thread: Thread) -> None:
        """A mention becomes part of its thread; a repost that asks for nothing only makes it bigger."""
        root = root_of(mention)
        self._touch_thread(root)
        if mention.kind == "repost" and decision.queue is None and thread.find(mention.mention_id) is None:
            thread.amplify(mention.detected_at)
            return
        post = Post(
            mention_id=mention.mention_id,
            label=mention.sentiment.label,
            published_at=mention.published_at,
            url=mention.url,
            task=decision.queue is not None,
            found=decision.found,
            public=mention.visibility == "public",
        )
        self._roots[mention.mention_id] = root
        for forgotten in thread.put(post, mention.detected_at):
            if forgotten not in thread.gone:
                self._roots.pop(forgotten, None)

    def remember(self, mention: AssessedMention, thread: Thread) -> tuple[Quote, ...]:
        """An author is heard; what they said elsewhere before."""
        author = mention.author.id
        history = self.authors.get(author)
        self._touch_author(author)
        if history is None:
            self.authors[author] = History(last_at=mention.detected_at, quotes=[quote_of(mention)])
            self._push(mention.detected_at + AUTHOR_KEPT, "author", author)
            self._heard[mention.mention_id] = author
            return ()
        before = history.before(mention.mention_id, thread)
        for forgotten in history.remember(mention):
            self._heard.pop(forgotten, None)
        if history.holds(mention.mention_id):
            self._heard[mention.mention_id] = author
        return before

    def forget(self, mention_id: str, task: Kept | None) -> Thread | None:
        """A mention was deleted: no history and no thread names it any more; the thread it was quoted in."""
        author = self._heard.pop(mention_id, None)
        if author is not None:
            self.authors[author].forget(mention_id)
            self._touch_author(author)
        root = self._roots.get(mention_id) or (None if task is None else task.item.root_id)
        thread = None if root is None else self.threads.get(root)
        if root is None or thread is None:
            return None
        was_quoted = thread.find(mention_id) is not None
        forgotten = thread.remove(mention_id, None if task is None else task.item.item_id)
        if forgotten is not None and thread.find(forgotten) is None:
            self._roots.pop(forgotten, None)
        self._roots[mention_id] = root
        self._touch_thread(root)
        return thread if was_quoted else None

    def lost_by(self, mention_id: str) -> str | None:
        """The task that lost a mention when it was deleted, if any and if it is still known."""
        root = self._roots.get(mention_id)
        return None if root is None else self.threads[root].gone.get(mention_id)

    def root_of(self, mention_id: str) -> str | None:
        """The thread in which a mention stands or stood."""
        return self._roots.get(mention_id)

    def showing(self, mention_id: str) -> list[Kept]:
        """The items that show a mention's words."""
        return [self.items[item_id] for item_id in sorted(self._showing.get(mention_id, ()))]

    def concerned(self, mention_id: str) -> list[Kept]:
        """The items that a mention has or had a part in: those that show it, and its thread's task."""
        found = {kept.item.item_id: kept for kept in self.showing(mention_id)}
        root = self._roots.get(mention_id)
        task = None if root is None else self.items.get(task_id(self.slug, root))
        if task is not None:
            found[task.item.item_id] = task
        return [found[item_id] for item_id in sorted(found)]

    # -- items

    def store(self, kept: Kept, tell: Tell) -> None:
        """A new version of an item."""
        item = kept.item
        before = self.items.get(item.item_id)
        if before is not None:
            self._count_open(before, -1)
            self._unlist(before.item)
            if before.item.mode != item.mode:  # the brand went live: nobody shall wait for the shadow
                tell(Gone(before.item, item.updated_at))
        self.items[item.item_id] = kept
        self._count_open(kept, +1)
        self._list(item)
        if before is None or before.next_moment() != kept.next_moment():
            self._plan(item.item_id, kept)
        written = codec.encode(item)
        self._touch("item", item.item_id, partial(items.snapshot, kept, written))
        tell(Version(item, written))

    def _list(self, item: WorkItem) -> None:
        self._showing[item.mention_id] = (*self._showing.get(item.mention_id, ()), item.item_id)

    def _unlist(self, item: WorkItem) -> None:
        left = tuple(item_id for item_id in self._showing[item.mention_id] if item_id != item.item_id)
        if left:
            self._showing[item.mention_id] = left
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

    def open_tasks(self) -> Iterator[Kept]:
        """Tasks that wait for an answer now."""
        return iter(()) if not self.core.open else (kept for kept in self.items.values() if kept.is_open_task)


def root_of(mention: AssessedMention) -> str:
    """What a mention's thread, and so its task, is called."""
    return mention.root_id or mention.mention_id


def _snapshot(of: dict[str, Thread] | dict[str, History], name: str) -> bytes | None:
    part = of.get(name)
    return None if part is None else codec.encode(part)


def _nothing() -> None:
    return None
