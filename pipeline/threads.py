"""What routing remembers around items: the posts of a thread, and what an author said lately. No text anywhere.

Threads go 28 days after their last post, once their task is gone too; authors 90 days after they were last heard (event time). Snapshots
are a version byte and MessagePack without field names; fields may only be added, at the end. Those of before were JSON objects.
"""

from bisect import insort
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from operator import attrgetter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas.mention import AssessedMention, Label
from schemas.outputs import Quote

MOST_POSTS = 20
MOST_QUOTES = 5
THREAD_KEPT = timedelta(days=28)
AUTHOR_KEPT = timedelta(days=90)

_order = attrgetter("published_at", "mention_id")


VERSION = b"\x01"
"""First byte of a snapshot; no JSON begins with it."""


class Said(Struct, frozen=True, array_like=True):
    """That something was said. ``offset``: how many minutes ``published_at`` was written ahead of UTC, which MessagePack does not say."""

    mention_id: str
    label: Label
    published_at: datetime
    url: str | None = None
    offset: int = 0

    def quote(self) -> Quote:
        """As others may see it."""
        return Quote(mention_id=self.mention_id, label=self.label, published_at=self.published_at, url=self.url)


def said(of: Quote | AssessedMention, label: Label) -> Said:
    """That a mention was made."""
    return Said(of.mention_id, label, of.published_at, of.url, offset_of(of.published_at))


def offset_of(moment: datetime) -> int:
    """Minutes ahead of UTC."""
    return 0 if moment.tzinfo is UTC else (moment.utcoffset() or timedelta()) // timedelta(minutes=1)


class Post(Struct, frozen=True, array_like=True):
    """One post of a thread. ``task``: it asked for an answer; ``found``: kinds of personal data in it; ``offset`` as in `Said`."""

    mention_id: str
    label: Label
    published_at: datetime
    url: str | None = None
    task: bool = False
    found: tuple[str, ...] = ()
    public: bool = True
    offset: int = 0

    def quote(self) -> Quote:
        """As others may see it."""
        return Quote(mention_id=self.mention_id, label=self.label, published_at=self.published_at, url=self.url)


class Thread(Struct, array_like=True):
    """A conversation: its latest posts in their order, how many there were, and which were deleted (and from which task, if any)."""

    last_at: datetime
    posts: list[Post] = []
    size: int = 0
    gone: dict[str, str | None] = {}

    def find(self, mention_id: str) -> Post | None:
        """A post that is still known."""
        for post in self.posts:
            if post.mention_id == mention_id:
                return post
        return None

    def put(self, post: Post, at: datetime) -> Sequence[str]:
        """Add a post, or take its new version; the ids of posts that are forgotten for it."""
        known = self.find(post.mention_id)
        if known is None:
            self.size += 1
        else:
            self.posts.remove(known)
        if self.posts:
            insort(self.posts, post, key=_order)
        else:
            self.posts.append(post)
        self.last_at = max(self.last_at, at)
        if len(self.posts) <= MOST_POSTS:
            return ()
        forgotten = [old.mention_id for old in self.posts[:-MOST_POSTS]]
        del self.posts[:-MOST_POSTS]
        return forgotten

    def amplify(self, at: datetime) -> None:
        """A repost: one more, and nothing new said."""
        self.size += 1
        self.last_at = max(self.last_at, at)

    def remove(self, mention_id: str, item_id: str | None) -> str | None:
        """A post was deleted; the id of a deleted one that is forgotten for it."""
        known = self.find(mention_id)
        if known is not None:
            self.posts.remove(known)
            self.size -= 1
        if mention_id in self.gone:
            return None
        self.gone[mention_id] = item_id
        if len(self.gone) <= MOST_POSTS:
            return None
        forgotten = next(iter(self.gone))
        del self.gone[forgotten]
        return forgotten

    def quotes(self) -> tuple[Quote, ...]:
        """The posts as others may see them."""
        return tuple([post.quote() for post in self.posts])

    def found(self) -> tuple[str, ...]:
        """Kinds of personal data in any post."""
        found = [post.found for post in self.posts if post.found]
        return tuple(sorted({kind for kinds in found for kind in kinds})) if found else ()

    def is_exposed(self) -> bool:
        """Whether personal data stands in a public post."""
        return any(post.found and post.public for post in self.posts)

    def has_other_task(self, mention_id: str) -> bool:
        """Whether a post other than this one asked for an answer."""
        return any(post.task and post.mention_id != mention_id for post in self.posts)


class History(Struct, array_like=True):
    """What one author said lately, the latest last."""

    last_at: datetime
    quotes: list[Said] = []

    def remember(self, mention: AssessedMention) -> list[str]:
        """One more; the ids that are forgotten for it."""
        quote = said(mention, mention.sentiment.label)
        self.last_at = max(self.last_at, mention.detected_at)
        kept = [known for known in self.quotes if known.mention_id != quote.mention_id]
        insort(kept, quote, key=_order)
        recent = [known for known in kept if known.published_at > self.last_at - AUTHOR_KEPT or known is quote][-MOST_QUOTES:]
        forgotten = {known.mention_id for known in self.quotes} - {known.mention_id for known in recent}
        self.quotes = recent
        return sorted(forgotten)

    def before(self, mention_id: str, thread: Thread) -> tuple[Quote, ...]:
        """What the author said elsewhere."""
        here = {post.mention_id for post in thread.posts}
        return tuple([known.quote() for known in self.quotes if known.mention_id != mention_id and known.mention_id not in here])

    def holds(self, mention_id: str) -> bool:
        """Whether this mention is among the latest."""
        return any(quote.mention_id == mention_id for quote in self.quotes)

    def forget(self, mention_id: str) -> None:
        """It was deleted."""
        self.quotes = [quote for quote in self.quotes if quote.mention_id != mention_id]


# snapshots

_encode = msgspec.msgpack.Encoder().encode
_thread = msgspec.msgpack.Decoder(Thread).decode
_history = msgspec.msgpack.Decoder(History).decode


class _Last(Struct, array_like=True):
    """The beginning of both."""

    last_at: datetime


_last = msgspec.msgpack.Decoder(_Last).decode


class _OldPost(Struct):
    mention_id: str
    label: Label
    published_at: datetime
    url: str | None = None
    task: bool = False
    found: tuple[str, ...] = ()
    public: bool = True


class _OldThread(Struct):
    last_at: datetime
    posts: list[_OldPost] = []
    size: int = 0
    gone: dict[str, str | None] = {}


class _OldHistory(Struct):
    last_at: datetime
    quotes: list[Quote] = []


_old_thread = msgspec.json.Decoder(_OldThread).decode
_old_history = msgspec.json.Decoder(_OldHistory).decode


def pack(part: Thread | History) -> bytes:
    """The snapshot."""
    return VERSION + _encode(part)


def unpack_thread(snapshot: bytes) -> Thread:
    """A thread out of its snapshot.

    Raises:
        ValueError: it cannot be read.
    """
    if snapshot[:1] != VERSION:
        old = _old_thread(snapshot)
        posts = [Post(*msgspec.structs.astuple(post)) for post in old.posts]
        posts = [replace(post, offset=offset_of(post.published_at)) for post in posts]
        return Thread(old.last_at, posts, old.size, old.gone)
    thread = _thread(memoryview(snapshot)[1:])
    for index, post in enumerate(thread.posts):
        if post.offset:
            thread.posts[index] = replace(post, published_at=at_offset(post.published_at, post.offset))
    return thread


def unpack_history(snapshot: bytes) -> History:
    """An author's history out of its snapshot.

    Raises:
        ValueError: it cannot be read.
    """
    if snapshot[:1] != VERSION:
        old = _old_history(snapshot)
        return History(old.last_at, [said(quote, quote.label) for quote in old.quotes])
    history = _history(memoryview(snapshot)[1:])
    for index, quote in enumerate(history.quotes):
        if quote.offset:
            history.quotes[index] = replace(quote, published_at=at_offset(quote.published_at, quote.offset))
    return history


def at_offset(moment: datetime, minutes: int) -> datetime:
    """The same moment, written as it was first."""
    return moment.astimezone(timezone(timedelta(minutes=minutes)))


def last_at(held: Thread | History | bytes) -> datetime:
    """When a thread or an author was last heard of; of a snapshot of this version too."""
    return _last(memoryview(held)[1:]).last_at if isinstance(held, bytes) else held.last_at
