"""`webcare explain`: why a mention went where it went, from its own record."""

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from agents.commands.context import EXIT_FAILED, explained, fail, out, settings_of
from agents.commands.score import GROUNDS
from agents.deployment import Deployment, build_stages, load_deployment
from agents.offline import OfflineChain
from agents.replay import InputError, RawRecord, read_line
from agents.settings import DEMO_KEY
from agents.text_files import without_mark
from pipeline.decisions import Decider
from pipeline.stage import DeadLetter
from schemas.mention import Situation
from schemas.outputs import Fact, RoutedMention, WorkItem
from schemas.topics import ROUTED, ROUTED_SHADOW


def explain(
    file: Annotated[
        str, typer.Argument(help="One JSON record: a raw mention, a routed record or a work item; - reads standard input.")
    ] = "-",
    config: Annotated[Path | None, typer.Option(help="Folder with brands.toml and routing.toml.")] = None,
) -> None:
    """Show every rule that was tried and why it did not hold; of a recorded decision, whether this configuration decides the same."""
    with explained():
        deployment = load_deployment(settings_of(config=config).config)
        content = without_mark(sys.stdin.buffer.read() if file == "-" else _read(file))
        try:
            body = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{file}: not one JSON record ({error}); give a single line of a topic or file") from None
        if not isinstance(body, dict):
            raise InputError(f"{file}: not a JSON object")
        if "item_id" in body and "queue" in body:
            item = _as(WorkItem, body, file)
            _show_rules(deployment, item.facts, item.rule, item.config_hash)
            again = (
                Decider(deployment.rules, deployment.brands).decide(item.facts, item.mention_id, item.root_id).rule
                if item.facts
                else item.rule
            )
            if again != item.rule:
                out.print(f"this configuration would decide otherwise now: {again}", style="yellow")
                raise typer.Exit(EXIT_FAILED)
            out.print("decided again from its own facts: the same rule")
        elif "decision" in body:
            _show_routed(deployment, _as(RoutedMention, body, file))
        else:
            _explain_raw(deployment, content)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None


def _as(record: type[Any], body: dict[str, Any], file: str) -> Any:
    try:
        return msgspec.convert(body, record)
    except msgspec.ValidationError as error:
        raise InputError(f"{file}: looks like a {record.__name__}, but {error}") from None


def _explain_raw(deployment: Deployment, content: bytes) -> None:
    """Run the mention through all stages, with no history: what the words alone lead to."""
    chain = OfflineChain(build_stages(deployment, DEMO_KEY, 1))
    at = max(read_line(1, content).at or 0.0, 0.0)  # as if it came in when it was published
    for stage, item in chain.feed([RawRecord(0, None, content.strip(), at, is_tick=False)]):
        if isinstance(item, DeadLetter):
            fail(f"{stage}: dead letter, {item.reason}: {item.detail}", EXIT_FAILED)
        if item.topic in (ROUTED, ROUTED_SHADOW) and item.value is not None:
            out.print("without history: as if nothing had been said of this brand before")
            _show_routed(deployment, msgspec.json.decode(item.value, type=RoutedMention))


def _show_routed(deployment: Deployment, routed: RoutedMention) -> None:
    if routed.sentiment is not None:
        sure = f" ({routed.language_confidence:.0%} sure)" if routed.language_confidence is not None else ""
        ground = routed.language_ground or "nothing"
        out.print(f"language   {routed.language or 'not known'}{sure}, by {GROUNDS.get(ground, ground)}")
        compound = "" if routed.sentiment.compound is None else f" {routed.sentiment.compound:+.3f}"
        out.print(f"sentiment  {routed.sentiment.label}{compound}")
        for hit in routed.sentiment.hits:
            out.print(f"           {hit.valence:+.2f}  {hit.text}", markup=False)
    if routed.situation is not None:
        out.print(f"situation  {routed.situation.tier or 'calm'}{_counted(routed.situation)}")
    decision = routed.decision
    again = Decider(deployment.rules, deployment.brands).decide_again(routed)
    zone = deployment.brands.brand(routed.brand).zone()
    due = "never" if decision.due_at is None else f"{decision.due_at.astimezone(zone):%a %d %b %Y %H:%M %Z}"
    out.print(f"decision   queue {decision.queue or 'none'}, {decision.priority}, due {due}, {decision.handling}")
    out.print(f"policy     {decision.response_policy}: {decision.response_reason}", markup=False)
    for inform in decision.informs:
        out.print(f"informs    {inform.recipient}")
    _show_rules(deployment, decision.facts, decision.rule, decision.config_hash)
    if again != decision:
        out.print("this configuration would decide otherwise now", style="yellow")
        raise typer.Exit(EXIT_FAILED)
    out.print("decided again from its own facts: the same")


def _counted(situation: Situation) -> str:
    """What the detector saw of the brand's last hour, where it has closed one."""
    if situation.observed is None or situation.expected is None:
        return "; no hour of this brand has been counted yet"
    return f"; {situation.observed:g} negatives in the last hour counted, {situation.expected:.1f} expected"


def _show_rules(deployment: Deployment, facts: dict[str, Fact], rule: str, config_hash: str) -> None:
    out.print(f"rule       {rule} (configuration {config_hash})")
    if deployment.rules.rule(rule) is None:
        out.print("           a built-in rule, or one that this configuration does not have")
    else:
        for step in deployment.rules.trace(facts):
            out.print(
                f"           {'→' if step.matched else ' '} {step.rule}: {'decides' if step.matched else f'not, {step.failing}'}",
                markup=False,
            )
    for name, value in facts.items():
        out.print(f"fact       {name} = {value!r}", markup=False)
