"""The door: everything that comes in from outside passes here first, and nothing behind it has to doubt it again.

Records are decoded strictly, brands looked up, author ids hashed, clocks put right. What is at fault becomes a dead letter.
"""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from pipeline.brands import OTHER, Brand, Registry
from pipeline.identify import Ground, Language, named, says_nothing
from pipeline.stage import FIRST_DETECTED, LAST_DETECTED, Incoming
from schemas.codec import Reason, RejectedRecordError, raw_decoder
from schemas.mention import Author, Mention, Mode, Retraction, SteppedRetraction, Tick

ALLOWANCE = timedelta(minutes=2)
"""A source's clock may run ahead of our own by so much; what lies further ahead is not possible."""

FOREIGN_HEADERS = 64 * 1024
"""Bytes of headers a record may bring: they travel with it through every topic, onto its item and its alerts."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_LATEST_ARRIVAL = _LATEST - ALLOWANCE
_MOST_MILLISECONDS = (_LATEST - _EPOCH) // timedelta(milliseconds=1)
_HASHED = re.compile(r"h1:[0-9a-f]{32}")


class AuthorHasher:
    """Pseudonyms of authors: the same author is the same pseudonym, and without the key nobody gets from one to the other."""

    def __init__(self, key: bytes) -> None:
        if not key:
            raise ValueError("the author key is empty")
        self._key = key if len(key) <= 64 else blake2b(key).digest()  # longer than blake2b takes

    def __call__(self, channel: str, author_id: str) -> str:
        """``h1:`` and 32 hex digits; an id that has this form already stays as it is.

        The hash covers the channel too: the same native id on two channels is two people, and whoever learns one pseudonym must not
        be able to follow its owner elsewhere.
        """
        if author_id.startswith("h1:") and _HASHED.fullmatch(author_id):
            return author_id
        value = f"{channel}\x1f{author_id}".encode("utf-8", "surrogatepass")
        return f"h1:{blake2b(value, digest_size=16, key=self._key).hexdigest()}"


class _Entrance(NamedTuple):
    """What the door must know of a brand."""

    mode: Mode
    accounts: frozenset[str]
    blocked: frozenset[str]
    shows: re.Pattern[str] | None
    languages: tuple[str, ...]


class Admission(Struct, frozen=True):
    """What the door and the language stage know of a mention: what a `LanguageMention` has beyond a `Mention`, in its order."""

    mode: Mode
    detected_at: datetime
    clock_ahead: bool
    spam: bool
    ambiguous: bool
    language: str | None
    language_guess: str | None
    language_confidence: float | None
    language_ground: Ground | None


class Door:
    """Lets records in. Holds configuration only, no state.

    ``replaying``: the deployment only replays, so times are the file's own and are not compared with the broker's append times.
    """

    def __init__(self, registry: Registry, hasher: AuthorHasher, *, replaying: bool = False) -> None:
        self._replaying = replaying
        self._registry = registry
        self._hasher = hasher
        self._decoder = raw_decoder()
        self._entrances = {brand.slug: self._entrance(brand) for brand in registry}
        self._stranger = self._entrance(registry.brand(OTHER))

    def decode(self, record: Incoming, counts: Counter[tuple[str, ...]]) -> Mention | Retraction | Tick:
        """The record, if its brand is the one that its key names (a null key names none).

        Raises:
            RejectedRecordError: with a bounded reason and the place, never the content.
        """
        if sum(len(name) + len(value or b"") for name, value in record.headers) > FOREIGN_HEADERS:
            raise RejectedRecordError(Reason.TOO_LARGE, f"the headers are larger than {FOREIGN_HEADERS} bytes")
        known = self._decoder.unknown_fields
        value = self._decoder.decode(record.value)
        if self._decoder.unknown_fields > known:
            counts["unknown_fields",] += 1
        brand = value.brand
        if brand is not None:
            if brand.endswith("\n"):  # the one thing that `$` of the schema's pattern lets pass
                raise RejectedRecordError(Reason.INVALID_RECORD, "a line break ends the slug - at `$.brand`")
            if record.key is not None and record.key != brand.encode():
                raise RejectedRecordError(Reason.KEY_MISMATCH, "the record's key is not its brand - at `$.brand`")
        return value

    def hint(self, mention: Mention) -> str | None:
        """The language its source claims, if it is one that we name: the record's own word, then the source's settings."""
        source = self._registry.source(mention.source)
        for tag in (mention.language_hint, source.language_hint if source is not None else None):
            if tag is not None and not says_nothing(tag):
                return named(tag)
        return None

    def is_neutral(self, mention: Mention) -> bool:
        """Whether its source is set to have no usual languages."""
        source = self._registry.source(mention.source)
        return source is not None and source.neutral_language_priors

    def expected(self, mention: Mention) -> tuple[str, ...]:
        """The languages that its brand is written to in."""
        return self._entrances.get(mention.brand, self._stranger).languages

    def mention(
        self, mention: Mention, record: Incoming, language: Language, counts: Counter[tuple[str, ...]]
    ) -> tuple[Mention, Admission]:
        """The mention as the stages see it: pseudonymous, with the brand's mode, a clock that can be believed, and its language."""
        entrance = self._entrances.get(mention.brand)
        if entrance is None:
            entrance = self._stranger
            counts["unknown_brands",] += 1
        registry = self._registry
        if registry.channels and mention.channel not in registry.channels:
            counts["unknown_channels",] += 1
        counts["language", language.code or "none"] += 1

        author = mention.author
        pseudonym = self._hasher(mention.channel, author.id)
        is_own, is_spam = mention.direction == "outbound", False
        if entrance.accounts or entrance.blocked:
            known_as = {_account(mention.channel, author.id), _account(mention.channel, pseudonym)}
            is_own = is_own or not entrance.accounts.isdisjoint(known_as)
            is_spam = not entrance.blocked.isdisjoint(known_as)
        if is_spam:
            counts["spam",] += 1

        source = registry.source(mention.source)
        published = _in_utc(mention.published_at)
        received = self._received(mention, record)
        latest = _later(received)
        is_ahead = published > latest
        if is_ahead:
            counts["clamped", registry.source_label(mention.source)] += 1
        is_by_arrival = source is not None and source.detection_time == "received"
        entered = replace(
            mention,
            author=Author(id=pseudonym, followers=author.followers, role=author.role),
            published_at=published,
            received_at=received,
            direction="outbound" if is_own else "inbound",
        )
        return entered, Admission(
            entrance.mode,
            _believed(received if is_by_arrival else latest if is_ahead else published),
            is_ahead,
            is_spam,
            entrance.shows is not None and not is_own and _is_ambiguous(mention, entrance.shows),
            *language,
        )

    def retraction(self, retraction: Retraction, record: Incoming) -> SteppedRetraction:
        """The retraction with the brand's mode, and a time that is not ahead of its arrival."""
        arrived = appended_at(record)
        said = None if retraction.retracted_at is None else _in_utc(retraction.retracted_at)
        return SteppedRetraction(
            mention_id=retraction.mention_id,
            brand=retraction.brand,
            retracted_at=said,
            source=retraction.source,
            mode=self._entrances.get(retraction.brand, self._stranger).mode,
            detected_at=_believed(arrived if said is None else said if self._replaying else min(said, _later(arrived))),
        )

    def tick(self, tick: Tick, record: Incoming) -> Tick:
        """The tick; a live one never ahead of the broker, so that one worker's wrong clock moves nobody's time. Replays carry file time."""
        at = _in_utc(tick.at)
        is_file_time = self._replaying or tick.replay is not None
        return Tick(at=_believed(at if is_file_time else min(at, appended_at(record))), brand=tick.brand, replay=tick.replay)

    def _received(self, mention: Mention, record: Incoming) -> datetime:
        """When it came in: what the source says, but live never later than the broker appended it (and our allowance)."""
        arrived = appended_at(record)
        if mention.received_at is None:
            return arrived
        received = _in_utc(mention.received_at)
        return received if self._replaying or received <= _later(arrived) else arrived

    def _entrance(self, brand: Brand) -> _Entrance:
        return _Entrance(
            brand.mode,
            frozenset(self._forms(brand.accounts)),
            frozenset(self._forms(brand.blocked_authors)),
            _any_of(brand.ambiguous.needs_any) if brand.ambiguous is not None else None,
            brand.languages,
        )

    def _forms(self, accounts: Iterable[str]) -> Iterable[str]:
        """Every way in which a listed account can arrive: by its native id, or hashed already where it comes from."""
        for account in accounts:
            channel, native = account.split(":", 1)
            for form in (native, native.removeprefix("@"), self._hasher(channel, native), self._hasher(channel, native.removeprefix("@"))):
                yield _account(channel, form)


def _account(channel: str, author_id: str) -> str:
    return f"{channel}:{author_id.removeprefix('@')}".casefold()


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    either = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def _is_ambiguous(mention: Mention, shows: re.Pattern[str]) -> bool:
    """Whether nothing shows that the brand is meant: not addressed to it (or nobody knows), and none of its words in the text."""
    return not (mention.addressed or shows.search(mention.text) or (mention.title and shows.search(mention.title)))


def appended_at(record: Incoming) -> datetime:
    """When the broker appended it; what no calendar holds becomes 1970 or the end of 9999."""
    milliseconds = record.timestamp
    if not 0 <= milliseconds <= _MOST_MILLISECONDS:
        milliseconds = 0 if milliseconds < 0 else _MOST_MILLISECONDS
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _believed(moment: datetime) -> datetime:
    return min(max(moment, FIRST_DETECTED), LAST_DETECTED)


def _later(received: datetime) -> datetime:
    return received + ALLOWANCE if received < _LATEST_ARRIVAL else _LATEST


def _in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; what lies beyond the years 1 to 9999 there becomes their first or last."""
    if moment.tzinfo is UTC:
        return moment
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _EARLIEST if moment.year == 1 else _LATEST
