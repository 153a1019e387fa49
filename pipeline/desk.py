"""What becomes of a brand's items when something is said, answered or deleted. Which step that is decides this file; `pipeline/items.py`
takes the step."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pipeline import items
from pipeline.brand_memory import BrandMemory, root_of
from pipeline.decisions import task_id
from pipeline.items import RETRACTED, Kept, Remaining, Scene, Tell
from pipeline.threads import Thread
from schemas.mention import AssessedMention
from schemas.outputs import Decision


class Placed(NamedTuple):
    """A decision with what the rule book adds to it: the kind of queue, and when its deadline is at risk. ``text`` is redacted;
    ``moment``: when the mention was detected, in seconds."""

    decision: Decision
    text: str
    moment: float
    marketing: bool
    at_risk_at: datetime | None


class Desk:
    """One brand's."""

    def __init__(self, memory: BrandMemory) -> None:
        self.memory = memory

    def take(self, mention: AssessedMention, placed: Placed, tell: Tell) -> None:
        """A mention that is news, of somebody else than the brand, and no spam."""
        memory, decision = self.memory, placed.decision
        talk, root, moment = memory.conversations, root_of(mention), placed.moment
        thread = talk.thread(root, mention.detected_at)
        is_edit = thread.find(mention.mention_id) is not None
        history = talk.remember(mention, thread, moment)
        talk.put(mention, decision, root, thread, moment)
        item_id = decision.item_id or task_id(memory.slug, root)
        kept = memory.items.get(item_id)
        if kept is None and decision.queue is None and not (is_edit or decision.informs):
            return  # it asks for nothing, and nobody is at work on its thread
        found = thread.found()
        scene = Scene(
            mention=mention,
            decision=decision,
            text=placed.text,
            thread=thread.quotes(),
            thread_size=thread.size,
            history=history,
            found=found,
            moved=bool(found) and thread.is_exposed(),
            marketing=placed.marketing,
            at_risk_at=placed.at_risk_at,
        )
        if is_edit:
            self._edited_post(kept, scene, item_id, thread, tell)
        else:
            self._later_post(kept, scene, item_id, tell)
        if is_edit or decision.informs:
            self._inform(scene, tell)

    def _later_post(self, kept: Kept | None, scene: Scene, item_id: str, tell: Tell) -> None:
        memory, mention = self.memory, scene.mention
        is_task = scene.decision.queue is not None
        if kept is None:
            if is_task:
                memory.core.counters.tasks_opened += 1
                memory.store(items.open_task(scene, item_id, root_of(mention)), tell)
        elif kept.is_open_task:
            if is_task or mention.kind != "repost":
                memory.store(items.update_task(kept, scene), tell)
        elif is_task:
            memory.core.counters.tasks_reopened += 1
            memory.store(items.reopen_task(kept, scene), tell)

    def _edited_post(self, kept: Kept | None, scene: Scene, item_id: str, thread: Thread, tell: Tell) -> None:
        """An edit never reopens what was answered: the answer may have been to it. It does undo an edit before it."""
        memory = self.memory
        is_task = scene.decision.queue is not None
        if kept is None or (kept.item.closed_reason == "rerouted" and is_task):
            self._later_post(kept, scene, item_id, tell)
        elif not kept.is_open_task:
            if kept.item.mention_id == scene.mention.mention_id:
                memory.store(items.refresh(kept, scene), tell)
        elif thread.has_other_task(scene.mention.mention_id):
            memory.store(items.update_task(kept, scene), tell)
        elif is_task:
            memory.store(items.redecide_task(kept, scene), tell)
        else:
            memory.core.counters.tasks_closed += 1
            memory.store(items.reroute_task(kept, scene), tell)

    def _inform(self, scene: Scene, tell: Tell) -> None:
        """Tell those whom the decision names; who has been told of an earlier version gets the newest words."""
        memory = self.memory
        told = {kept.item.item_id for kept in memory.showing(scene.mention.mention_id) if kept.item.kind == "inform"}
        named = {inform.item_id: inform for inform in scene.decision.informs}
        for item_id in sorted(told | named.keys()):
            kept = memory.items.get(item_id)
            if kept is not None:
                memory.store(items.refresh(kept, scene), tell)
            else:
                memory.core.counters.informs += 1
                memory.store(items.open_inform(scene, named[item_id], root_of(scene.mention)), tell)

    def answer(self, mention: AssessedMention, tell: Tell) -> None:
        """The brand's own post: it answers the tasks of its thread, if it is not older than what they show."""
        if mention.kind == "repost":
            return
        for kept in list(self.answered_by(mention)):
            if kept.is_open_task and mention.detected_at >= kept.latest_at:
                self.memory.core.counters.tasks_closed += 1
                self.memory.store(items.answer_task(kept, mention.detected_at), tell)

    def answered_by(self, mention: AssessedMention) -> Iterator[Kept]:
        """Tasks of the thread in which the brand posts, by its root, thread or parent."""
        memory, parent = self.memory, mention.parent_id
        roots = {mention.root_id, mention.thread_id, parent, None if parent is None else memory.conversations.root_of(parent)}
        for root in sorted(root for root in roots if root is not None):
            kept = memory.items.get(task_id(memory.slug, root))
            if kept is not None:
                yield kept

    def task_of(self, mention_id: str) -> Kept | None:
        """The task that a mention has or had a part in."""
        return next((kept for kept in self.memory.concerned(mention_id) if kept.item.kind == "task"), None)

    def retract(self, mention_id: str, at: datetime, tell: Tell) -> None:
        """Its author has deleted it: it leaves threads, histories and items.

        A task that another post of the thread asks for stays open and loses this one. A task that none asks for any more closes, and
        keeps no words of the thread.
        """
        memory = self.memory
        concerned = memory.concerned(mention_id)
        task = self.task_of(mention_id)
        quoted_in = memory.conversations.forget(mention_id, None if task is None else task.item)
        for kept in concerned:
            item = kept.item
            is_shown = item.mention_id == mention_id
            if item.rule == RETRACTED or not (is_shown or quoted_in is not None):
                continue  # nothing said is left, or it has no part in it any more
            thread = memory.conversations.threads.get(item.root_id or mention_id) if item.kind == "task" else None
            asked_for = thread is not None and thread.has_other_task(mention_id)
            if thread is not None and (asked_for or not (is_shown or kept.is_open_task)):
                memory.store(items.lose_post(kept, mention_id, _remaining(thread), at), tell)
            else:
                memory.core.counters.tasks_closed += kept.is_open_task
                memory.store(items.take_back(kept, at), tell)


def _remaining(thread: Thread) -> Remaining:
    return Remaining(
        latest=thread.posts[-1].quote() if thread.posts else None,
        thread=thread.quotes(),
        thread_size=thread.size,
        found=thread.found(),
        moved=thread.is_exposed(),
    )
