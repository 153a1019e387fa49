"""Bytes to records and back, strictly: what is wrong is named with its path, and never quotes what was sent."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from schemas.mention import AssessedMention, BrandSlug, LanguageMention, Mention, Retraction, ScoredMention, SteppedRetraction, Tick


class Reason(StrEnum):
    """Why a record goes to the dead letters: a bounded set, also the metric label."""

    EMPTY_VALUE = "empty_value"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_RECORD = "invalid_record"
    TOO_LARGE = "too_large"
    KEY_MISMATCH = "key_mismatch"
    BAD_ORIGIN = "bad_origin"


class RejectedRecordError(ValueError):
    """The record itself is at fault. ``detail`` names the place, never the content."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode

T = TypeVar("T", bound=Struct)


class RecordDecoder(Generic[T]):
    """Decodes one topic's records.

    The fast path refuses unknown fields; only a record that has some is decoded again without that check, and counted in
    ``unknown_fields``: a rolling upgrade must work, and must be seen.

    It also takes a record for what its first bytes say (our encoder writes the type first), else for a mention. A strict decoder refuses
    every other type, wherever it is named, so what it takes is what it would be by its type; what it refuses is looked at again.

    The pattern of a brand's slug is a fifth of the price of a mention. So it is asked once per slug: the fast path takes any string for
    one, and asks of a slug that it has not seen. Where a field is named twice its last value counts, as elsewhere in JSON.
    """

    def __init__(self, *records: type[T]) -> None:
        self._types = {str(record.__struct_config__.tag): record for record in records}
        self._tolerant = {tag: msgspec.json.Decoder(record) for tag, record in self._types.items()}
        self._strict = {tag: msgspec.json.Decoder(_closed(record)) for tag, record in self._types.items()}
        self._tag = msgspec.json.Decoder(_Tag)
        quick = {tag: msgspec.json.Decoder(_closed(record, _ANY_BRAND[tag])) for tag, record in self._types.items()}
        self._by_beginning = {_beginning(tag): decoder.decode for tag, decoder in quick.items()}
        self._mention = quick["mention"].decode
        self._slugs: set[str | None] = {None}
        self.unknown_fields = 0

    def decode(self, value: bytes | None) -> T:
        """The record in ``value``.

        Raises:
            RejectedRecordError: with a bounded reason and the path of what is wrong.
        """
        if not value:
            raise RejectedRecordError(Reason.EMPTY_VALUE, "the record has no value")
        try:
            record = self._by_beginning.get(value[:_BEGINNING], self._mention)(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # its message may quote what was sent, so nothing is raised while it is at hand
        else:
            if record.brand in self._slugs or self._is_slug(record.brand):  # type: ignore[attr-defined]
                return record
        return self._by_type(value)

    def _is_slug(self, brand: str) -> bool:
        """Remembered, so that it is asked once; the answer never depends on what came before."""
        try:
            msgspec.convert(brand, BrandSlug)
        except msgspec.ValidationError:
            return False
        if len(self._slugs) < MOST_SLUGS:
            self._slugs.add(brand)
        return True

    def _by_type(self, value: bytes) -> T:
        """The record in ``value``, by the type that it names; it has a fault or a field that we do not know."""
        tag = "mention"
        try:
            if b'"type"' in value:  # a mention may leave its type out
                tag = self._tag.decode(value).type
            decoder = self._strict.get(tag)
            if decoder is None:
                raise RejectedRecordError(Reason.UNKNOWN_TYPE, f"type is none of {', '.join(self._types)} - at `$.type`")
            try:
                return decoder.decode(value)
            except msgspec.ValidationError as error:
                if "unknown field" not in str(error):
                    raise
                record = self._tolerant[tag].decode(value)
                self.unknown_fields += 1
                return record
        except msgspec.ValidationError as error:
            raise RejectedRecordError(*_explain(str(error))) from None
        except UnicodeDecodeError as error:  # which counts from the beginning of one text in it
            raise RejectedRecordError(Reason.NOT_JSON, f"a text is not UTF-8 (its byte {error.start})") from None
        except (msgspec.DecodeError, RecursionError) as error:
            raise RejectedRecordError(Reason.NOT_JSON, _without_content(str(error))) from None


MOST_SLUGS = 10_000
"""Slugs in order that a decoder remembers: more than there are brands in any deployment, and a bound to what made-up ones can take."""

_BEGINNING = len(b'{"type":"tick"')
"""So many first bytes tell the types apart."""


def _beginning(tag: str) -> bytes:
    return f'{{"type":"{tag}"'.encode()[:_BEGINNING]


class _Tag(Struct):
    type: str = "mention"


_ANY_BRAND: dict[str, tuple[Any, ...]] = {"mention": ("brand", str), "retraction": ("brand", str), "tick": ("brand", str | None, None)}


def _closed(record: type[T], *fields: Any) -> type[T]:
    """The same record, refusing unknown fields at its top level; ``fields`` take the place of its own."""
    return msgspec.defstruct(  # type: ignore[return-value]
        record.__name__,
        fields,
        bases=(record,),
        forbid_unknown_fields=True,
        frozen=True,
        kw_only=True,
        tag_field="type",
        tag=record.__struct_config__.tag,
    )


_QUOTED = re.compile(r"'.*'|\".*\"", re.DOTALL)
"""From the first quotation mark to the last: what is quoted may hold quotation marks itself. Places stand in backticks."""


def _without_content(message: str) -> str:
    return _QUOTED.sub("…", message)[:300]


def _explain(message: str) -> tuple[Reason, str]:
    reason = Reason.TOO_LARGE if "length <=" in message and "`$.text`" in message else Reason.INVALID_RECORD
    return reason, _without_content(message)


def raw_decoder() -> RecordDecoder[Mention | Retraction | Tick]:
    """Of ``webcare.mention.raw.v1``."""
    return RecordDecoder(Mention, Retraction, Tick)


def language_decoder() -> RecordDecoder[LanguageMention | SteppedRetraction | Tick]:
    """Of ``webcare.mention.language.v1``."""
    return RecordDecoder(LanguageMention, SteppedRetraction, Tick)


def sentiment_decoder() -> RecordDecoder[ScoredMention | SteppedRetraction | Tick]:
    """Of ``webcare.mention.sentiment.v1``."""
    return RecordDecoder(ScoredMention, SteppedRetraction, Tick)


def assessed_decoder() -> RecordDecoder[AssessedMention | SteppedRetraction | Tick]:
    """Of ``webcare.mention.assessed.v1``."""
    return RecordDecoder(AssessedMention, SteppedRetraction, Tick)
