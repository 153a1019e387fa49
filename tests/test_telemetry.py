"""The metrics page holds nothing that is not declared."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agents.telemetry import Telemetry


def test_the_page_holds_nothing_undeclared_and_no_times_of_creation() -> None:
    telemetry = Telemetry(CollectorRegistry())
    telemetry.retries.labels("connect").inc()
    page = generate_latest(telemetry.registry).decode()
    declared = {metric.name.removesuffix("_total") for metric in telemetry.declared}
    assert {family.name for family in text_string_to_metric_families(page)} <= declared
    assert "_created" not in page
