"""The life of a work item: opened, updated, at risk, breached, closed, reopened, gone. Pure; every step is a new version.

One task per thread, one inform per mention and recipient. While a task is open its priority never falls and its deadline never moves
back; a later post of the thread that weighs more takes the task over (queue, rule, facts), one that weighs less only brings its words.
A task is answered by a post of the brand itself in the thread that is younger than the latest post it answers.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from pipeline.rules import PRIORITIES
from schemas.mention import AssessedMention
from schemas.outputs import Decision, Inform, Quote, WorkItem

KEPT = timedelta(days=28)
"""So long after closing (an inform: after it was told) an item stays in the compacted topic; then comes its tombstone."""

MOST_ITEM_TEXT = 2_000
RETRACTED = "retracted"
"""The rule of an item of which nothing said is left."""


class Kept(Struct, kw_only=True):
    """An item as the stage keeps it: the version last published, and what decides the next.

    ``latest_at``: event time of the mention whose words it shows; ``decided_by``: the mention whose facts it holds; ``since``: when it was
    last opened; ``at_risk_at``: when 80 % of the time to reply has passed; ``marketing``: kind of its queue.
    """

    item: WorkItem
    latest_at: datetime
    decided_by: str
    since: datetime
    at_risk_at: datetime | None = None
    marketing: bool = False

    @property
    def is_open_task(self) -> bool:
        """Whether somebody is to answer."""
        return self.item.kind == "task" and self.item.status == "open"

    def next_moment(self) -> datetime | None:
        """When time alone brings the next step: at risk, breached, gone; None: never."""
        item = self.item
        if item.status == "closed":
            return (item.closed_at or item.updated_at) + KEPT
        if item.kind == "inform":
            return self.since + KEPT
        if item.sla == "on_track":
            return self.at_risk_at
        return item.due_at if item.sla == "at_risk" else None


class Gone(NamedTuple):
    """A version of an item after which its key leaves the topic of its mode."""

    item: WorkItem
    at: datetime


Told = WorkItem | Gone
"""A new version of an item, or its end."""
Tell = Callable[[Told], None]


class Scene(Struct, frozen=True, kw_only=True):
    """A mention and what surrounds it when an item shows it. ``text`` is redacted; ``at_risk_at`` belongs to the decision's deadline."""

    mention: AssessedMention
    decision: Decision
    text: str
    thread: tuple[Quote, ...]
    thread_size: int
    history: tuple[Quote, ...]
    found: tuple[str, ...]
    moved: bool
    marketing: bool = False
    at_risk_at: datetime | None = None


def _packet(scene: Scene) -> dict[str, Any]:
    """What an agent needs of the latest mention."""
    mention = scene.mention
    author = mention.author
    return {
        "mention_id": mention.mention_id,
        "mode": mention.mode,
        "intents": mention.signals.intents,
        "topic": mention.topic,
        "channel": mention.channel,
        "channel_family": mention.channel_family,
        "language": mention.language,
        "mood": mention.sentiment.label,
        "compound": mention.sentiment.compound,
        "text": scene.text[:MOST_ITEM_TEXT],
        "url": mention.url,
        "author": author if author.name is None else replace(author, name=None),
        "author_history": scene.history,
        "situation": mention.situation,
        "dossier": mention.dossier,
    }


def _surroundings(scene: Scene) -> dict[str, Any]:
    """What the thread as a whole says. Personal data in any public post of it moves the conversation."""
    return {
        "thread": scene.thread,
        "thread_size": scene.thread_size,
        "found": scene.found,
        "handling": "move_to_private" if scene.moved else "reply_in_channel",
    }


def _route(decision: Decision) -> dict[str, Any]:
    """Where it goes and why."""
    return {
        "queue": decision.queue,
        "posture": decision.posture,
        "response_policy": decision.response_policy,
        "response_reason": decision.response_reason,
        "rule": decision.rule,
        "config_hash": decision.config_hash,
        "facts": decision.facts,
    }


def open_task(scene: Scene, item_id: str, root: str) -> Kept:
    """A new task."""
    item = _new_item(scene, item_id, root)
    return Kept(
        item=item,
        latest_at=item.opened_at,
        decided_by=item.mention_id,
        since=item.opened_at,
        at_risk_at=scene.at_risk_at,
        marketing=scene.marketing,
    )


def reopen_task(kept: Kept, scene: Scene) -> Kept:
    """A post after closing: the task as that post decides, under its old id."""
    decision = scene.decision
    at = scene.mention.detected_at.astimezone(UTC)
    fields = {
        "status": "open",
        "priority": decision.priority,
        "rank": decision.rank,
        "due_at": decision.due_at,
        "calendar": decision.calendar,
        "sla": "on_track",
        "closed_at": None,
        "closed_reason": None,
    }
    item = _next(kept.item, at, fields | _route(decision) | _packet(scene) | _surroundings(scene))
    return Kept(
        item=item, latest_at=at, decided_by=scene.mention.mention_id, since=at, at_risk_at=scene.at_risk_at, marketing=scene.marketing
    )


def redecide_task(kept: Kept, scene: Scene) -> Kept:
    """The only post that made this an open task has been edited: the task as the edited post decides."""
    decision = scene.decision
    fields = {"priority": decision.priority, "rank": decision.rank, "due_at": decision.due_at, "calendar": decision.calendar}
    fields |= _route(decision)
    return _shown(kept, scene, fields, at_risk_at=scene.at_risk_at, marketing=scene.marketing, decided_by=scene.mention.mention_id)


def update_task(kept: Kept, scene: Scene) -> Kept:
    """A later post of an open task's thread. Whether it weighs more: it is more urgent, or asks for service where marketing had it."""
    item, decision = kept.item, scene.decision
    if decision.queue is None:
        return _shown(kept, scene, {})
    fields: dict[str, Any] = {"rank": min(item.rank, decision.rank)}
    changes: dict[str, Any] = {}
    more_urgent = PRIORITIES.index(decision.priority) < PRIORITIES.index(item.priority)
    to_service = kept.marketing and not scene.marketing
    if to_service or (more_urgent and kept.marketing == scene.marketing):
        fields |= _route(decision)
        changes = {"marketing": scene.marketing, "decided_by": scene.mention.mention_id}
        if more_urgent:
            fields["priority"] = decision.priority
    if decision.due_at is not None and (item.due_at is None or decision.due_at < item.due_at):
        fields |= {"due_at": decision.due_at, "calendar": decision.calendar}
        changes["at_risk_at"] = scene.at_risk_at
    return _shown(kept, scene, fields, **changes)


def reroute_task(kept: Kept, scene: Scene) -> Kept:
    """The only post that made this an open task has been edited and asks for nothing any more."""
    at = max(scene.mention.detected_at.astimezone(UTC), kept.item.updated_at)
    return _shown(kept, scene, {"status": "closed", "closed_at": at, "closed_reason": "rerouted"})


def refresh(kept: Kept, scene: Scene) -> Kept:
    """An item that stays as it is, with the newest words: an inform or a closed task whose mention has been edited."""
    return _shown(kept, scene, {})


def _shown(kept: Kept, scene: Scene, fields: dict[str, Any], **changes: Any) -> Kept:
    """With the scene's mention in sight, unless a younger one is."""
    at = scene.mention.detected_at.astimezone(UTC)
    fields |= _surroundings(scene)
    if at >= kept.latest_at or kept.item.mention_id == scene.mention.mention_id:
        fields |= _packet(scene)
        changes["latest_at"] = max(at, kept.latest_at)
    return replace(kept, item=_next(kept.item, at, fields), **changes)


def open_inform(scene: Scene, inform: Inform, root: str) -> Kept:
    """A message to somebody who is not given a task: no queue, no deadline."""
    item = _new_item(scene, inform.item_id, root, recipient=inform.recipient)
    return Kept(item=item, latest_at=item.opened_at, decided_by=item.mention_id, since=item.opened_at)


def _new_item(scene: Scene, item_id: str, root: str, recipient: str | None = None) -> WorkItem:
    """The first version of an item; with a ``recipient`` it informs. Field by field, since most mentions open one: dicts cost twice."""
    mention, decision = scene.mention, scene.decision
    author = mention.author
    at = mention.detected_at.astimezone(UTC)
    is_task = recipient is None
    return WorkItem(
        item_id=item_id,
        revision=1,
        brand=mention.brand,
        mode=mention.mode,
        kind="task" if is_task else "inform",
        status="open",
        mention_id=mention.mention_id,
        queue=decision.queue if is_task else None,
        recipient=recipient,
        priority=decision.priority,
        rank=decision.rank,
        posture=decision.posture,
        response_policy=decision.response_policy if is_task else "monitor",
        response_reason=decision.response_reason if is_task else "told, not tasked",
        handling="move_to_private" if scene.moved else "reply_in_channel",
        rule=decision.rule,
        config_hash=decision.config_hash,
        opened_at=at,
        updated_at=at,
        root_id=root,
        found=scene.found,
        intents=mention.signals.intents,
        topic=mention.topic,
        due_at=decision.due_at if is_task else None,
        calendar=decision.calendar if is_task else None,
        sla="on_track" if is_task else None,
        facts=decision.facts,
        channel=mention.channel,
        channel_family=mention.channel_family,
        language=mention.language,
        mood=mention.sentiment.label,
        compound=mention.sentiment.compound,
        text=scene.text[:MOST_ITEM_TEXT],
        url=mention.url,
        author=author if author.name is None else replace(author, name=None),
        author_history=scene.history,
        thread=scene.thread,
        thread_size=scene.thread_size,
        situation=mention.situation,
        dossier=mention.dossier,
    )


def answer_task(kept: Kept, at: datetime) -> Kept:
    """The brand has answered in the thread."""
    at = at.astimezone(UTC)
    return replace(kept, item=_next(kept.item, at, {"status": "closed", "closed_at": at, "closed_reason": "answered"}))


def take_back(kept: Kept, at: datetime) -> Kept:
    """Its mention has been deleted and no other asks for it: closed, and nothing of what was said stays."""
    at = at.astimezone(UTC)
    fields = _NOTHING | {"thread": (), "found": (), "handling": "reply_in_channel", "rule": RETRACTED, "facts": {"retracted": True}}
    if kept.item.status == "open":
        fields |= {"status": "closed", "closed_at": max(at, kept.item.updated_at), "closed_reason": "retracted", "sla": None}
    return replace(kept, item=_next(kept.item, at, fields))


_NOTHING: dict[str, Any] = {
    "text": None,
    "url": None,
    "author": None,
    "author_history": (),
    "mood": "unscored",
    "compound": None,
    "intents": (),
    "topic": None,
    "dossier": None,
}


class Remaining(Struct, frozen=True, kw_only=True):
    """The thread of a task after one of its posts has been deleted; ``latest``: its youngest post left."""

    latest: Quote | None
    thread: tuple[Quote, ...]
    thread_size: int
    found: tuple[str, ...]
    moved: bool


def lose_post(kept: Kept, mention_id: str, rest: Remaining, at: datetime) -> Kept:
    """One post of the thread has been deleted and others keep the task. Where its words were shown, the youngest post left is named; its
    own words are not kept anywhere, so none are shown."""
    fields: dict[str, Any] = {
        "thread": rest.thread,
        "thread_size": rest.thread_size,
        "found": rest.found,
        "handling": "move_to_private" if rest.moved else "reply_in_channel",
    }
    if kept.decided_by == mention_id:
        fields["facts"] = kept.item.facts | {"words": [], "found": []}  # nothing of what was deleted
    if kept.item.mention_id == mention_id and rest.latest is not None:
        fields |= _NOTHING | {"mention_id": rest.latest.mention_id, "url": rest.latest.url, "mood": rest.latest.label}
    return replace(kept, item=_next(kept.item, at.astimezone(UTC), fields))


def pass_moment(kept: Kept, moment: datetime) -> Kept:
    """Time alone: at risk, then breached, each dated at the moment it came due."""
    return replace(kept, item=_next(kept.item, moment, {"sla": "at_risk" if kept.item.sla == "on_track" else "breached"}))


def _next(item: WorkItem, at: datetime, fields: dict[str, Any]) -> WorkItem:
    return replace(item, revision=item.revision + 1, updated_at=max(item.updated_at, at), **fields)
