"""The demo's scenario through language, sentiment and crisis on the demo's own brands: the row is found, and nothing else is one."""

from collections import Counter
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

import msgspec
import pytest

from agents.demo.phrases import load_phrases
from agents.demo.planted import CAMPAIGN, FLOOD, FLOOD_POSTS, ROW, WAVE
from agents.demo.scenario import BRANDS, scenario
from agents.deployment import packaged_deployments
from agents.lexicons import load_engine
from agents.models import load_identifier
from agents.offline import OfflineChain
from agents.replay import in_order, read_line, replay
from pipeline.brands import Registry, parse_brands
from pipeline.crisis import CrisisStage
from pipeline.door import AuthorHasher
from pipeline.language import LanguageStage
from pipeline.partition import Partitioner
from pipeline.sentiment import SentimentStage
from pipeline.stage import DeadLetter
from schemas.codec import assessed_decoder
from schemas.mention import AssessedMention
from schemas.outputs import Alert
from schemas.topics import ALERT_EVENT, ALERT_EVENT_SHADOW, ASSESSED


class Run(NamedTuple):
    alerts: list[Alert]
    mentions: list[AssessedMention]
    dead: int
    own: int


@pytest.fixture(scope="module")
def brands() -> Registry:
    return parse_brands((packaged_deployments() / "demo" / "brands.toml").read_bytes())


@pytest.fixture(scope="module")
def run(brands: Registry) -> Run:
    partitioner = Partitioner(1)
    stages = [
        LanguageStage(brands, AuthorHasher(b"a key for tests only"), load_identifier(), partitioner),
        SentimentStage(load_engine()),
        CrisisStage(brands, "test"),
    ]
    lines, times = in_order([read_line(n, line.value) for n, line in enumerate(scenario(load_phrases()), 1)], sort=False, name="demo")
    own = sum(line.value.count(f'"author":{{"id":"{line.brand}"'.encode()) for line in lines)
    chain, result, decoder, dead = OfflineChain(stages), Run([], [], 0, 0), assessed_decoder(), 0
    records = replay(lines, times, partitioner)
    while chunk := list(islice(records, 2_000)):
        for _, item in chain.feed(chunk):
            if isinstance(item, DeadLetter):
                dead += 1
            elif item.topic in (ALERT_EVENT, ALERT_EVENT_SHADOW) and item.value is not None:
                result.alerts.append(msgspec.json.decode(item.value, type=Alert))
            elif item.topic is ASSESSED and isinstance(record := decoder.decode(item.value), AssessedMention):
                result.mentions.append(record)
    return result._replace(dead=dead, own=own)


def crises(run: Run, brand: str) -> list[Alert]:
    return sorted((alert for alert in run.alerts if alert.brand == brand and alert.kind == "crisis"), key=lambda alert: alert.updated_at)


def test_the_row_is_warned_of_and_escalates_within_hours(run: Run):
    raised, escalated, *_ = (alert for alert in crises(run, ROW.brand) if alert.transition != "updated")  # confirmed, as told early
    assert (raised.transition, raised.tier) == ("raised", "warning")
    assert ROW.starts_at < raised.raised_at <= ROW.starts_at + timedelta(hours=3)
    assert (escalated.transition, escalated.tier) == ("escalated", "crisis")
    assert escalated.incident_id == raised.incident_id
    assert raised.raised_at < escalated.updated_at <= ROW.starts_at + timedelta(hours=5)


def test_the_row_is_one_incident_and_calms_down(run: Run):
    alerts = crises(run, ROW.brand)
    assert len({alert.parent_incident_id or alert.incident_id for alert in alerts}) == 1  # what comes by mail is a child of it
    assert (alerts[-1].status, alerts[-1].resolved_reason) == ("resolved", "calmed")


@pytest.mark.parametrize("brand", [pytest.param(brand.slug, id=brand.slug) for brand in BRANDS if brand.slug != ROW.brand])
def test_flood_wave_campaign_and_normal_weeks_are_no_crisis(run: Run, brand: str):
    assert crises(run, brand) == []


def test_the_only_surge_is_where_one_was_planted(run: Run):
    assert {alert.brand for alert in run.alerts if alert.kind == "surge"} <= {WAVE.brand, ROW.brand}


def test_the_campaign_is_announced_where_it_is_planted(brands: Registry):
    (event,) = brands.brand(CAMPAIGN.brand).events
    assert (event.starts_at, event.ends_at) == (CAMPAIGN.starts_at, CAMPAIGN.ends_at)


def test_the_registry_knows_the_brands_and_their_accounts(brands: Registry, run: Run):
    assert {brand.slug for brand in brands} == {brand.slug for brand in BRANDS}
    assert {brand.slug for brand in brands if brand.mode == "observe"} == {"bloemenbank"}
    assert sum(mention.direction == "outbound" for mention in run.mentions) == run.own > 2_000


def test_what_goes_wrong_on_the_way_is_marked(run: Run):
    assert run.dead == 8
    assert 10 <= sum(mention.duplicate for mention in run.mentions) <= 20
    assert sum(mention.retracted for mention in run.mentions) == 2
    assert sum(mention.clock_ahead for mention in run.mentions) == 1
    assert sum(mention.late for mention in run.mentions) == 2


def test_the_mood_is_in_the_words(run: Run):
    """Found, not stamped on: most posts of the row and the flood are heard as negative, most of the wave as positive."""
    during = [m for m in run.mentions if m.brand == WAVE.brand and WAVE.starts_at <= m.published_at < WAVE.starts_at + timedelta(hours=8)]
    labels = Counter(mention.sentiment.label for mention in during)
    assert labels["positive"] > 0.7 * len(during)
    row = [m for m in run.mentions if m.brand == ROW.brand and "NoordBox" in m.text and m.kind == "post" and m.direction == "inbound"]
    assert Counter(mention.sentiment.label for mention in row)["negative"] > 0.7 * len(row)
    flood = [m for m in run.mentions if m.brand == FLOOD.brand and FLOOD.starts_at <= m.published_at < FLOOD.ends_at]
    assert Counter(mention.sentiment.label for mention in flood)["negative"] >= FLOOD_POSTS


def test_languages_are_found(run: Run):
    languages = Counter(mention.language for mention in run.mentions)
    assert languages.most_common(1)[0][0] == "nl"
    assert {"nl", "en", "de", "fr", None} <= languages.keys()
    assert languages["nl"] > 0.75 * len(run.mentions)
