import numpy as np
import orjson
import pytest

from agents.importers.rule_pack import RuleSeries, derive_alerts
from agents.importers.rule_table import RULES
from pipeline.metric_meaning import MetricClass
from schemas.codecs.alerts import decode_alerts

START = 1_700_000_000_000
SECOND = 1_000


def a_series(
    values: list[float] | np.ndarray,
    metric_class: MetricClass = MetricClass.LATENCY,
    *,
    component: str = "cart",
    every: int = 30,
) -> RuleSeries:
    values = np.asarray(values, dtype=np.float64)
    return RuleSeries(
        component=component,
        metric_class=metric_class,
        times_ms=START + np.arange(len(values), dtype=np.int64) * every * SECOND,
        values=values,
    )


def alerts_of(*series: RuleSeries, start: int = 0, end: int = 3600) -> list[tuple]:
    """What is told, in order: (seconds, rule, service, status)."""
    told = []
    for message in derive_alerts(
        series, start_ms=START + start * SECOND, end_ms=START + end * SECOND
    ):
        for alert in decode_alerts(message.value, received_ms=message.arrived_ms):
            at = (alert.event_ms - START) // SECOND
            told.append((at, alert.rule, dict(alert.labels)["service"], alert.status.value))
    return told


CASES = {
    MetricClass.LATENCY: (0.1, 0.5, "LatencyHigh"),
    MetricClass.ERRORS: (0.0, 0.2, "ErrorRateHigh"),
    MetricClass.AVAILABILITY: (1.0, 0.7, "AvailabilityLow"),
    MetricClass.TRAFFIC: (10.0, 2.0, "TrafficDropped"),
    MetricClass.CPU: (0.2, 0.9, "CpuHigh"),
    MetricClass.MEMORY: (1e8, 2e8, "MemoryHigh"),
    MetricClass.DISK: (1e3, 1e5, "DiskBusy"),
    MetricClass.NETWORK: (10.0, 100.0, "NetworkBusy"),
    MetricClass.POOL: (10.0, 40.0, "PoolFull"),
    MetricClass.QUEUE: (10.0, 400.0, "QueueGrowing"),
    MetricClass.THREADS: (20.0, 90.0, "ThreadsHigh"),
    MetricClass.GC: (0.01, 0.2, "GcHigh"),
}


@pytest.mark.parametrize("metric_class", CASES, ids=str)
def test_a_rule_fires_after_two_evaluations_and_ends_after_two_without(metric_class):
    calm, bad, rule = CASES[metric_class]
    values = [calm] * 20 + [bad] * 4 + [calm] * 4
    assert alerts_of(a_series(values, metric_class)) == [
        (21 * 30, rule, "cart", "firing"),
        (25 * 30, rule, "cart", "resolved"),
    ]


def test_every_rule_has_a_case_above():
    assert {rule.name for rule in RULES} == {name for _, _, name in CASES.values()}


@pytest.mark.parametrize("metric_class", CASES, ids=str)
def test_a_single_bad_sample_and_the_other_direction_are_no_alerts(metric_class):
    calm, bad, _ = CASES[metric_class]
    assert alerts_of(a_series([calm] * 20 + [bad] + [calm] * 6, metric_class)) == []
    other = 2 * calm - bad
    if metric_class is not MetricClass.ERRORS:
        assert alerts_of(a_series([calm] * 20 + [other] * 6, metric_class)) == []


def test_labels_and_severity_are_those_of_a_rule_file():
    (message,) = derive_alerts(
        [a_series([0.1] * 20 + [0.5] * 4)], start_ms=START, end_ms=START + 690 * SECOND
    )
    payload = orjson.loads(message.value)
    assert payload["version"] == "4"
    assert payload["alerts"][0]["labels"] == {
        "alertname": "LatencyHigh",
        "service": "cart",
        "severity": "critical",
    }
    assert message.arrived_ms == START + 631 * SECOND


def test_nothing_is_said_without_a_past():
    assert alerts_of(a_series([0.1] * 6 + [0.5] * 2)) == []


def test_the_future_changes_nothing_that_was_said():
    rng = np.random.default_rng(3)
    values = 0.1 + 0.02 * rng.random(80)
    values[40:50] *= 8
    whole = alerts_of(a_series(values))
    for cut in (42, 45, 60):
        told = alerts_of(a_series(values[:cut]), end=(cut - 1) * 30)
        assert told == [row for row in whole if row[0] <= (cut - 1) * 30]


def test_quick_samples_are_averaged_over_an_evaluation():
    values = np.full(600, 0.1)
    values[300:] = 0.5
    spikes = np.full(600, 0.1)
    spikes[::50] = 0.9
    told = alerts_of(
        a_series(values, every=1), a_series(spikes, every=1, component="user"), end=599
    )
    assert [(row[1], row[2], row[3]) for row in told] == [("LatencyHigh", "cart", "firing")]
    assert 300 < told[0][0] <= 330


def test_two_series_of_a_component_make_one_alert():
    first = a_series([0.1] * 20 + [0.5] * 6 + [0.1] * 10)
    second = a_series([0.2] * 22 + [0.9] * 8 + [0.2] * 6)
    assert [row[0] for row in alerts_of(first, second)] == [21 * 30, 31 * 30]


def test_a_past_before_the_start_counts_but_is_not_told():
    values = [0.1] * 20 + [0.5] * 6 + [0.1] * 30
    assert alerts_of(a_series(values), start=900) == []
    assert len(alerts_of(a_series(values), start=0)) == 2


def test_gaps_and_empty_series_are_no_alerts():
    assert alerts_of(a_series([np.nan] * 40)) == []
    assert alerts_of() == []
    values = np.array([10.0] * 20 + [np.nan] * 20)
    assert alerts_of(a_series(values, MetricClass.TRAFFIC)) == []
