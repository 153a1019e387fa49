"""All that routing keeps of one brand: its clock, threads, authors and items, and what time alone brings.

Each part is a changelog key of its own, written only when it changes: ``brand`` (small, with every mention), ``brand|item|<item id>``,
``brand|thread|<root>``, ``brand|author|<author id>``. Indexes and the agenda follow from these.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec
from msgspec import Struct

from pipeline import items, packed_items, threads
from pipeline.agenda import DAY, NEVER, Agenda, MomentOf
from pipeline.decisions import task_id
from pipeline.items import Gone, Kept, Tell, Version
from pipeline.journal import Journal, Snapshot
from pipeline.packed_items import Head
from pipeline.shelf import Shelf
from pipeline.stage import Origin
from pipeline.threads import AUTHOR_KEPT, THREAD_KEPT, History, Post, Thread, offset_of, said
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
    replay_from: str = ""
    mode: Mode = "live"
    open: dict[str, int] = {}
    counters: Counters = msgspec.field(default_factory=Counters)


_core = msgspec.json.Decoder(Core)
MOST_THREADS = 20_000
"""Threads of a brand without a task that are kept, at some 300 bytes each: a month of 700 a day. Beyond, what would go first goes."""

MOST_AUTHORS = 20_000
"""Authors of a brand that are kept, at some 350 bytes each. Beyond, the one that would go first goes."""

ITEMS_AHEAD = 7
"""Days: deadlines are nearer than that, and every step of a task moves one; what closed items wait for is weeks away."""

_THREAD_KEPT, _AUTHOR_KEPT = THREAD_KEPT.total_seconds(), AUTHOR_KEPT.total_seconds()


class BrandMemory:
    """One brand. ``items``, ``threads`` and ``authors`` are read freely, and changed here only."""

    def __init__(self, slug: str, journal: Journal) -> None:
        self.slug = slug
        self.core = Core()
        self.items: Shelf[Kept] = Shelf(packed_items.pack, packed_items.unpack)
        self.threads: Shelf[Thread] = Shelf(threads.pack, threads.unpack_thread)
        self.authors: Shelf[History] = Shelf(threads.pack, threads.unpack_history)
        self._journal = journal
        self._items_due = Agenda(self._item_moment, ITEMS_AHEAD)
        self._threads_due, self._authors_due = Agenda(self._thread_end), Agenda(self._author_end)
        self.forgotten: dict[str, int] = {}
        self._due, self._next_look = NEVER, float("-inf")
        self._roots: dict[str, str] = {}
        self._heard: dict[str, str] = {}
        self._showing: dict[str, str | tuple[str, ...]] = {}
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
                kept = self.items.restore(name, value)
                self._list(kept.item)
                self._plan(name, kept)
            case "thread":
                thread = self.threads.restore(name, value)
                for mention_id in (*(post.mention_id for post in thread.posts), *thread.gone):
                    self._set_root(mention_id, name)
                self._push(self._threads_due, thread.last_at.timestamp() + _THREAD_KEPT, name)
            case "author":
                history = self.authors.restore(name, value)
                self._heard.update(dict.fromkeys((quote.mention_id for quote in history.quotes), name))
                self._push(self._authors_due, history.last_at.timestamp() + _AUTHOR_KEPT, name)
            case _:
                raise ValueError(f"no snapshot of kind {kind!r} is known")

    def restored(self) -> None:
        """All snapshots are in."""
        if not self._is_damaged:
            return
        self.core.open = {}
        for kept in self.items.things():
            self._count_open(kept, +1)
        if self.items or self.threads or self.authors or not self.is_core_lost:
            self.touch()
        else:
            self._journal.gone(self.slug, self.slug.encode())  # nothing else is known: perhaps never a brand at all

    def keys(self) -> int:
        """Changelog keys held."""
        return 1 + len(self.items) + len(self.threads) + len(self.authors)

    def _touch(self, kind: str, name: str, snapshot: Snapshot) -> None:
        self._journal.touch(self.slug, f"{self.slug}|{kind}|{name}".encode(), snapshot)

    def _touch_thread(self, root: str) -> None:
        self._touch("thread", root, partial(self.threads.snapshot, root))

    def _touch_author(self, author: str) -> None:
        self._touch("author", author, partial(self.authors.snapshot, author))

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
        moments = [kept.item.updated_at for kept in self.items.things()]
        moments += [thread.last_at for thread in self.threads.things()]
        moments += [history.last_at for history in self.authors.things()]
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
        return None if self._due == NEVER else self._due

    def open(self, now: float) -> bool:
        """Find out what comes due until ``now``; whether `due` may be later for it."""
        agendas = (self._authors_due, self._items_due, self._threads_due)
        opened = [agenda.open(now) for agenda in agendas]
        self._due = min([agenda.due() for agenda in agendas])
        self._next_look = min(self._due, (now // DAY + 1) * DAY)
        return any(opened)

    def advance(self, now: float, tell: Tell) -> bool:
        """Everything that comes due until ``now``, each dated at its own moment; whether anything changed."""
        if now < self._next_look:
            return False
        changed = False
        self.open(now)
        while self._due <= now:
            author, item, thread = self._authors_due.first(now), self._items_due.first(now), self._threads_due.first(now)
            at = self._due
            if author is not None and author[0] == at:
                self._authors_due.pop()
                changed = self._author_due(author[1], at) or changed
            elif item is not None and item[0] == at:
                self._items_due.pop()
                changed = self._item_due(item[1], at, tell) or changed
            elif thread is not None:
                self._threads_due.pop()
                changed = self._thread_due(thread[1], at) or changed
            self.open(now)
        return changed

    def _push(self, agenda: Agenda, at: float, name: str) -> None:
        due = agenda.push(at, name)
        if due < self._due:
            self._due = due
            self._next_look = min(self._next_look, due)

    def _plan(self, item_id: str, kept: Kept) -> None:
        moment = kept.next_moment()
        if moment is not None:
            self._push(self._items_due, moment.timestamp(), item_id)

    def _item_moment(self, item_id: str) -> float | None:
        kept = self.items.get(item_id)
        moment = None if kept is None else kept.next_moment()
        return None if moment is None else moment.timestamp()

    def _thread_end(self, root: str) -> float | None:
        held = self.threads.held(root)
        return None if held is None else threads.last_at(held).timestamp() + _THREAD_KEPT

    def _author_end(self, author: str) -> float | None:
        held = self.authors.held(author)
        return None if held is None else threads.last_at(held).timestamp() + _AUTHOR_KEPT

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
            self._touch("item", item_id, _nothing)
            tell(Gone(kept.item, moment))
            root = kept.item.root_id
            end = None if root is None else self._thread_end(root)
            if root is not None and end is not None:
                self._push(self._threads_due, max(at, end), root)
        self.touch()
        return True

    def _thread_due(self, root: str, at: float) -> bool:
        end = self._thread_end(root)
        if end is None or task_id(self.slug, root) in self.items:
            return False  # it stays as long as its task, whose end plans it anew
        if end > at:
            self._push(self._threads_due, end, root)
            return False
        thread = self.threads.get(root)
        if thread is not None:
            self.threads.remove(root)
            for mention_id in (*(post.mention_id for post in thread.posts), *thread.gone):
                self._roots.pop(mention_id, None)
            self._touch_thread(root)
        return True

    def _author_due(self, author: str, at: float) -> bool:
        end = self._author_end(author)
        if end is None:
            return False
        if end > at:
            self._push(self._authors_due, end, author)
            return False
        history = self.authors.get(author)
        if history is not None:
            self.authors.remove(author)
            for quote in history.quotes:
                self._heard.pop(quote.mention_id, None)
            self._touch_author(author)
        return True

    def _goes_first(self, agenda: Agenda, end_of: MomentOf, go: Callable[[str, float], bool], newest: str) -> bool:
        """Take the next step to forgetting what would go first, before its time; False: there is nothing but the newest. What goes follows
        from what is kept alone, so it is the same after a restore."""
        entry = agenda.earliest()
        if entry is None:
            return False
        at, name = entry
        end = end_of(name)
        if name == newest or (end is not None and end > at):
            agenda.push(at if end is None else end, name)  # it has been heard of since
            return name != newest
        if go(name, NEVER):  # else it is a thread that stays with its task, whose end plans it anew
            kind = "thread" if agenda is self._threads_due else "author"
            self.forgotten[kind] = self.forgotten.get(kind, 0) + 1
        return True

    # -- what was said

    def thread(self, mention: AssessedMention) -> Thread:
        """The thread of a mention, new or known; `put` keeps it."""
        thread = self.threads.get(root_of(mention))
        return Thread(mention.detected_at) if thread is None else thread

    def put(self, mention: AssessedMention, decision: Decision, thread: Thread) -> None:
        """A mention becomes part of its thread; a repost that asks for nothing only makes it bigger."""
        root = root_of(mention)
        is_new = root not in self.threads
        self.threads.put(root, thread)
        self._touch_thread(root)
        if is_new:
            self._push(self._threads_due, mention.detected_at.timestamp() + _THREAD_KEPT, root)
            while len(self.threads) > MOST_THREADS and self._goes_first(self._threads_due, self._thread_end, self._thread_due, root):
                pass
        if mention.kind == "repost" and decision.queue is None and thread.find(mention.mention_id) is None:
            thread.amplify(mention.detected_at)
            return
        post = Post(
            mention.mention_id,
            mention.sentiment.label,
            mention.published_at,
            mention.url,
            decision.queue is not None,
            decision.found,
            mention.visibility == "public",
            offset_of(mention.published_at),
        )
        self._set_root(mention.mention_id, root)
        for forgotten in thread.put(post, mention.detected_at):
            if forgotten not in thread.gone:
                self._roots.pop(forgotten, None)

    def remember(self, mention: AssessedMention, thread: Thread) -> tuple[Quote, ...]:
        """An author is heard; what they said elsewhere before."""
        author = mention.author.id
        history = self.authors.get(author)
        self._touch_author(author)
        if history is None:
            self.authors.put(author, History(mention.detected_at, [said(mention, mention.sentiment.label)]))
            self._push(self._authors_due, mention.detected_at.timestamp() + _AUTHOR_KEPT, author)
            while len(self.authors) > MOST_AUTHORS and self._goes_first(self._authors_due, self._author_end, self._author_due, author):
                pass
            self._heard[mention.mention_id] = author
            return ()
        before = history.before(mention.mention_id, thread)
        self.authors.put(author, history)
        for forgotten in history.remember(mention):
            self._heard.pop(forgotten, None)
        if history.holds(mention.mention_id):
            self._heard[mention.mention_id] = author
        return before

    def forget(self, mention_id: str, task: Kept | None) -> Thread | None:
        """A mention was deleted: no history and no thread names it any more; the thread it was quoted in."""
        author = self._heard.pop(mention_id, None)
        history = None if author is None else self.authors.get(author)
        if author is not None and history is not None:
            history.forget(mention_id)
            self.authors.put(author, history)
            self._touch_author(author)
        root = self.root_of(mention_id) or (None if task is None else task.item.root_id)
        thread = None if root is None else self.threads.get(root)
        if root is None or thread is None:
            return None
        was_quoted = thread.find(mention_id) is not None
        forgotten = thread.remove(mention_id, None if task is None else task.item.item_id)
        if forgotten is not None and thread.find(forgotten) is None:
            self._roots.pop(forgotten, None)
        self._set_root(mention_id, root)
        self.threads.put(root, thread)
        self._touch_thread(root)
        return thread if was_quoted else None

    def lost_by(self, mention_id: str) -> str | None:
        """The task that lost a mention when it was deleted, if any and if it is still known."""
        root = self.root_of(mention_id)
        thread = None if root is None else self.threads.get(root)
        return None if thread is None else thread.gone.get(mention_id)

    def root_of(self, mention_id: str) -> str | None:
        """The thread in which a mention stands or stood."""
        root = self._roots.get(mention_id)
        if root is None and (thread := self.threads.get(mention_id)) is not None:
            return mention_id if mention_id in thread.gone or thread.find(mention_id) is not None else None
        return root

    def _set_root(self, mention_id: str, root: str) -> None:
        """A mention that begins its thread is found by its name."""
        if mention_id != root:
            self._roots[mention_id] = root
        elif mention_id in self._roots:
            del self._roots[mention_id]

    def showing(self, mention_id: str) -> list[Kept]:
        """The items that show a mention's words."""
        shown = self._showing.get(mention_id, ())
        names = (shown,) if isinstance(shown, str) else sorted(shown)
        return [kept for name in names if (kept := self.items.get(name)) is not None]

    def concerned(self, mention_id: str) -> list[Kept]:
        """The items that a mention has or had a part in: those that show it, and its thread's task."""
        found = {kept.item.item_id: kept for kept in self.showing(mention_id)}
        root = self.root_of(mention_id)
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
        self.items.put(item.item_id, kept)
        self._count_open(kept, +1)
        self._list(item)
        if before is None or before.next_moment() != kept.next_moment():
            self._plan(item.item_id, kept)
        self._touch("item", item.item_id, partial(self.items.snapshot, item.item_id))
        tell(Version(item, codec.encode(item)))

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


def _nothing() -> None:
    return None
