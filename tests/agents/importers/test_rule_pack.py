from dataclasses import replace
from pathlib import Path

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
    "much slower": (MetricClass.LATENCY, 0.1, 0.5, ["LatencyHigh", "LatencyRaised"]),
    "slower": (MetricClass.LATENCY, 0.1, 0.15, ["LatencyRaised"]),
    "a fifth fails": (MetricClass.ERRORS, 0.0, 0.2, ["ErrorRateHigh", "ErrorRateRaised"]),
    "some fail": (MetricClass.ERRORS, 0.0, 0.03, ["ErrorRateRaised"]),
    "not there": (MetricClass.AVAILABILITY, 1.0, 0.7, ["AvailabilityLow"]),
    "nobody calls": (MetricClass.TRAFFIC, 10.0, 2.0, ["TrafficDropped"]),
    "cpu": (MetricClass.CPU, 0.2, 0.9, ["CpuHigh"]),
    "memory": (MetricClass.MEMORY, 1e8, 2e8, ["MemoryHigh"]),
    "disk": (MetricClass.DISK, 1e3, 1e5, ["DiskBusy"]),
    "network": (MetricClass.NETWORK, 10.0, 100.0, ["NetworkBusy"]),
    "pool": (MetricClass.POOL, 10.0, 40.0, ["PoolFull"]),
    "queue": (MetricClass.QUEUE, 10.0, 400.0, ["QueueGrowing"]),
    "threads": (MetricClass.THREADS, 20.0, 90.0, ["ThreadsHigh"]),
    "gc": (MetricClass.GC, 0.01, 0.2, ["GcHigh"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_after_two_evaluations_and_ends_after_two_without(case):
    metric_class, calm, bad, rules = CASES[case]
    values = [calm] * 20 + [bad] * 4 + [calm] * 4
    told = alerts_of(a_series(values, metric_class))
    assert told == [
        *[(21 * 30, rule, "cart", "firing") for rule in rules],
        *[(25 * 30, rule, "cart", "resolved") for rule in rules],
    ]


def test_every_rule_has_a_case_above_and_a_row_in_the_document():
    page = (Path(__file__).parents[3] / "docs" / "IMPORT.md").read_text(encoding="utf-8")
    assert {rule.name for rule in RULES} == {
        name for *_, names in CASES.values() for name in names
    }
    for rule in RULES:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{rule.name}`"))
        assert rule.severity in row
        for number in (rule.factor, rule.score, rule.beyond, rule.change, rule.limit):
            if number not in (None, 0.0, 1.0):
                assert f"{number:g}" in row, f"{rule.name}: {number:g} is not in its row"


@pytest.mark.parametrize("case", CASES)
def test_a_single_bad_sample_and_the_other_direction_are_no_alerts(case):
    metric_class, calm, bad, _ = CASES[case]
    assert alerts_of(a_series([calm] * 20 + [bad] + [calm] * 6, metric_class)) == []
    if metric_class is not MetricClass.ERRORS:
        other = [calm] * 20 + [2 * calm - bad] * 6
        assert alerts_of(a_series(other, metric_class)) == []


def test_labels_and_severity_are_those_of_a_rule_file():
    message, _ = derive_alerts(
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
    assert [(row[1], row[2], row[3]) for row in told] == [
        ("LatencyHigh", "cart", "firing"),
        ("LatencyRaised", "cart", "firing"),
    ]
    assert 300 < told[0][0] <= 330


def test_two_series_of_a_component_make_one_alert():
    first = a_series([0.2] * 20 + [0.9] * 6 + [0.2] * 10, MetricClass.CPU)
    second = a_series([0.1] * 22 + [0.8] * 8 + [0.1] * 6, MetricClass.CPU)
    assert [row[0] for row in alerts_of(first, second)] == [21 * 30, 31 * 30]


def test_a_past_before_the_start_counts_but_is_not_told():
    values = [0.1] * 20 + [0.5] * 6 + [0.1] * 30
    assert alerts_of(a_series(values), start=900) == []
    assert len(alerts_of(a_series(values), start=0)) == 4
    assert {row[0] for row in alerts_of(a_series(values), start=720)} == {720, 810}


def test_values_of_a_few_calls_are_no_trouble():
    values = np.array([0.1] * 20 + [0.5] * 6)
    calls = np.full(26, 19.0)
    assert alerts_of(replace(a_series(values), calls=calls)) == []
    assert len(alerts_of(replace(a_series(values), calls=calls + 1), end=750)) == 2


def test_values_of_a_few_calls_are_a_past():
    values = np.array([0.1] * 20 + [0.5] * 6)
    calls = np.array([3.0] * 20 + [30.0] * 6)
    assert len(alerts_of(replace(a_series(values), calls=calls), end=750)) == 2


def test_who_is_often_at_zero_does_not_fall_to_it():
    busy, idle = [10.0] * 8, [0.0] * 2
    bursts = (busy + idle) * 4
    assert alerts_of(a_series(bursts + [0.0] * 6, MetricClass.TRAFFIC), end=1380) == []
    steady = [10.0] * 40 + [0.0] * 6
    assert len(alerts_of(a_series(steady, MetricClass.TRAFFIC), end=1380)) == 1


def test_gaps_and_empty_series_are_no_alerts():
    assert alerts_of(a_series([np.nan] * 40)) == []
    assert alerts_of() == []
    values = np.array([10.0] * 20 + [np.nan] * 20)
    assert alerts_of(a_series(values, MetricClass.TRAFFIC)) == []
