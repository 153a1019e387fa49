"""What is watched of a brand: all of its public mentions, or a part of them, or what one channel family brings in private."""

from typing import Literal, NamedTuple, get_args

from schemas.mention import LONGEST_TOPIC, ChannelFamily, ScoredMention

FAMILIES: tuple[str, ...] = get_args(ChannelFamily)
"""In the order of their codes, from 1: see `Seen.family` and `Seen.public`."""

CODES: dict[str, int] = {name: code for code, name in enumerate(FAMILIES, start=1)}


def topic_of(mention: ScoredMention) -> str | None:
    """What it is about, if it has a name: a longer one is a text, and would be carried in every snapshot."""
    topic = mention.topic
    return topic if topic and len(topic) <= LONGEST_TOPIC else None


class Key(NamedTuple):
    """Of one brand. Nothing set: the brand as a whole, which is all that is public."""

    topic: str | None = None
    channel_family: str | None = None
    is_private: bool = False
    """Of a channel family: what it brings in private, not in public."""

    @property
    def below(self) -> str | None:
        """What names it among the changelog keys of its brand; None: the brand itself."""
        if self.topic is not None:
            return f"topic:{self.topic}"
        return self.family

    @property
    def family(self) -> str | None:
        """What an alert's identity says of the channel family: in public and in private it is not the same trouble."""
        return self.channel_family if self.is_private or self.channel_family is None else f"public:{self.channel_family}"

    @property
    def visibility(self) -> Literal["public", "private"] | None:
        """Of a channel family: which of its mentions."""
        return None if self.channel_family is None else "private" if self.is_private else "public"

    @classmethod
    def named(cls, below: str) -> "Key":
        """The public part of that name.

        Raises:
            ValueError: no part is named so.
        """
        kind, colon, name = below.partition(":")
        if kind == "topic" and colon and name:
            return cls(topic=name)
        if kind == "public" and name in CODES:
            return cls(channel_family=name)
        raise ValueError("a key of an unknown part of a brand")


WHOLE = Key()


def keys_of(mention: ScoredMention) -> tuple[Key, ...]:
    """The parts of its brand in which a mention counts."""
    family = mention.channel_family
    if mention.visibility == "private":
        return (Key(None, family, is_private=True),)
    topic = topic_of(mention)
    return (Key(None, family),) if topic is None else (Key(topic), Key(None, family))
