"""What routing remembers of what was said to one brand: its threads and authors, each under its name, until they are forgotten.

Indexes (which thread a mention stands in, whose it is) follow from these.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from pipeline import threads
from pipeline.agenda import NEVER, Agenda, Agendas, MomentOf
from pipeline.shelf import Shelf
from pipeline.threads import AUTHOR_KEPT, THREAD_KEPT, History, Post, Thread, offset_of, said
from schemas.mention import AssessedMention
from schemas.outputs import Decision, Quote, WorkItem

MOST_THREADS = 20_000
"""Threads of a brand without a task that are kept, at some 300 bytes each: a month of 700 a day. Beyond, what would go first goes."""

MOST_AUTHORS = 20_000
"""Authors of a brand that are kept, at some 350 bytes each. Beyond, the one that would go first goes."""

_THREAD_KEPT, _AUTHOR_KEPT = THREAD_KEPT.total_seconds(), AUTHOR_KEPT.total_seconds()


class Conversations:
    """One brand's. ``has_task``: whether the task of a thread is kept, with which the thread stays. ``threads`` and ``authors`` are read
    freely, and changed here only; moments are seconds of event time."""

    def __init__(self, agendas: Agendas, has_task: Callable[[str], bool]) -> None:
        self.threads: Shelf[Thread] = Shelf(threads.pack, threads.unpack_thread)
        self.authors: Shelf[History] = Shelf(threads.pack, threads.unpack_history)
        self.forgotten: dict[str, int] = {}
        self._has_task = has_task
        self._agendas = agendas
        self.threads_due = agendas.add(Agenda(self.thread_end))
        self.authors_due = agendas.add(Agenda(self._author_end))
        self._roots: dict[str, str] = {}
        self._heard: dict[str, str] = {}

    def restore_thread(self, root: str, value: bytes) -> None:
        """Take back a thread.

        Raises:
            ValueError: it cannot be read.
        """
        thread = self.threads.restore(root, value)
        for mention_id in (*(post.mention_id for post in thread.posts), *thread.gone):
            self._set_root(mention_id, root)
        self._agendas.push(self.threads_due, thread.last_at.timestamp() + _THREAD_KEPT, root)

    def restore_author(self, author: str, value: bytes) -> None:
        """Take back an author.

        Raises:
            ValueError: it cannot be read.
        """
        history = self.authors.restore(author, value)
        self._heard.update(dict.fromkeys((quote.mention_id for quote in history.quotes), author))
        self._agendas.push(self.authors_due, history.last_at.timestamp() + _AUTHOR_KEPT, author)

    # -- what was said

    def thread(self, root: str, at: datetime) -> Thread:
        """The thread of that name, new or known; `put` keeps it."""
        thread = self.threads.get(root)
        return Thread(at) if thread is None else thread

    def put(self, mention: AssessedMention, decision: Decision, root: str, thread: Thread, moment: float) -> None:
        """A mention, detected at ``moment``, becomes part of its thread; a repost that asks for nothing only makes it bigger."""
        if root not in self.threads:
            self.threads.put(root, thread)
            self._agendas.push(self.threads_due, moment + _THREAD_KEPT, root)
            while len(self.threads) > MOST_THREADS and self._goes_first(self.threads_due, self.thread_end, self.thread_due, root):
                pass
        else:
            self.threads.put(root, thread)
        mention_id, is_task = mention.mention_id, decision.queue is not None
        if mention.kind == "repost" and not is_task and thread.find(mention_id) is None:
            thread.amplify(mention.detected_at)
            return
        published = mention.published_at
        post = Post(
            mention_id,
            mention.sentiment.label,
            published,
            mention.url,
            is_task,
            decision.found,
            mention.visibility == "public",
            0 if published.tzinfo is UTC else offset_of(published),
        )
        self._set_root(mention_id, root)
        for forgotten in thread.put(post, mention.detected_at):
            if forgotten not in thread.gone:
                self._roots.pop(forgotten, None)

    def remember(self, mention: AssessedMention, thread: Thread, moment: float) -> tuple[Quote, ...]:
        """An author is heard at ``moment``; what they said elsewhere before."""
        author = mention.author.id
        history = self.authors.get(author)
        if history is None:
            self.authors.put(author, History(mention.detected_at, [said(mention, mention.sentiment.label)]))
            self._agendas.push(self.authors_due, moment + _AUTHOR_KEPT, author)
            while len(self.authors) > MOST_AUTHORS and self._goes_first(self.authors_due, self._author_end, self.author_due, author):
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

    def forget(self, mention_id: str, task: WorkItem | None) -> Thread | None:
        """A mention was deleted: no history and no thread names it any more; the thread it was quoted in."""
        author = self._heard.pop(mention_id, None)
        history = None if author is None else self.authors.get(author)
        if author is not None and history is not None:
            history.forget(mention_id)
            self.authors.put(author, history)
        root = self.root_of(mention_id) or (None if task is None else task.root_id)
        thread = None if root is None else self.threads.get(root)
        if root is None or thread is None:
            return None
        was_quoted = thread.find(mention_id) is not None
        forgotten = thread.remove(mention_id, None if task is None else task.item_id)
        if forgotten is not None and thread.find(forgotten) is None:
            self._roots.pop(forgotten, None)
        self._set_root(mention_id, root)
        self.threads.put(root, thread)
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

    # -- time

    def plan(self, root: str, not_before: float) -> None:
        """The task that kept a thread is gone."""
        end = self.thread_end(root)
        if end is not None:
            self._agendas.push(self.threads_due, max(not_before, end), root)

    def thread_end(self, root: str) -> float | None:
        """When a thread may be forgotten; None: there is none of that name."""
        held = self.threads.held(root)
        return None if held is None else threads.last_at(held).timestamp() + _THREAD_KEPT

    def _author_end(self, author: str) -> float | None:
        held = self.authors.held(author)
        return None if held is None else threads.last_at(held).timestamp() + _AUTHOR_KEPT

    def thread_due(self, root: str, at: float) -> bool:
        """The planned end of a thread has come; whether it is forgotten."""
        end = self.thread_end(root)
        if end is None or self._has_task(root):
            return False  # it stays as long as its task, whose end plans it anew
        if end > at:
            self._agendas.push(self.threads_due, end, root)
            return False
        thread = self.threads.get(root)
        if thread is not None:
            self.threads.remove(root)
            for mention_id in (*(post.mention_id for post in thread.posts), *thread.gone):
                self._roots.pop(mention_id, None)
        return True

    def author_due(self, author: str, at: float) -> bool:
        """The planned end of an author has come; whether they are forgotten."""
        end = self._author_end(author)
        if end is None:
            return False
        if end > at:
            self._agendas.push(self.authors_due, end, author)
            return False
        history = self.authors.get(author)
        if history is not None:
            self.authors.remove(author)
            for quote in history.quotes:
                self._heard.pop(quote.mention_id, None)
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
            kind = "thread" if agenda is self.threads_due else "author"
            self.forgotten[kind] = self.forgotten.get(kind, 0) + 1
        return True
