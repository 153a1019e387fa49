"""What routing remembers around items: the posts of a thread, and what an author said lately. No text anywhere.

Threads go 28 days after their last post, once their task is gone too; authors 90 days after they were last heard (event time).
"""

from bisect import insort
from collections.abc import Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from msgspec import Struct

from schemas.mention import AssessedMention, Label
from schemas.outputs import Quote

MOST_POSTS = 20
MOST_QUOTES = 5
THREAD_KEPT = timedelta(days=28)
AUTHOR_KEPT = timedelta(days=90)

_order = attrgetter("published_at", "mention_id")


class Post(Struct, frozen=True, kw_only=True):
    """One post of a thread. ``task``: it asked for an answer; ``found``: kinds of personal data in it."""

    mention_id: str
    label: Label
    published_at: datetime
    url: str | None = None
    task: bool = False
    found: tuple[str, ...] = ()
    public: bool = True

    def quote(self) -> Quote:
        """As others may see it."""
        return Quote(mention_id=self.mention_id, label=self.label, published_at=self.published_at, url=self.url)


class Thread(Struct, kw_only=True):
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
        return tuple(sorted({kind for post in self.posts for kind in post.found}))

    def is_exposed(self) -> bool:
        """Whether personal data stands in a public post."""
        return any(post.found and post.public for post in self.posts)

    def has_other_task(self, mention_id: str) -> bool:
        """Whether a post other than this one asked for an answer."""
        return any(post.task and post.mention_id != mention_id for post in self.posts)


def quote_of(mention: AssessedMention) -> Quote:
    """A mention as others may see it."""
    return Quote(mention_id=mention.mention_id, label=mention.sentiment.label, published_at=mention.published_at, url=mention.url)


class History(Struct, kw_only=True):
    """What one author said lately, the latest last."""

    last_at: datetime
    quotes: list[Quote] = []

    def remember(self, mention: AssessedMention) -> list[str]:
        """One more; the ids that are forgotten for it."""
        quote = quote_of(mention)
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
        return tuple(quote for quote in self.quotes if quote.mention_id != mention_id and quote.mention_id not in here)

    def holds(self, mention_id: str) -> bool:
        """Whether this mention is among the latest."""
        return any(quote.mention_id == mention_id for quote in self.quotes)

    def forget(self, mention_id: str) -> None:
        """It was deleted."""
        self.quotes = [quote for quote in self.quotes if quote.mention_id != mention_id]
