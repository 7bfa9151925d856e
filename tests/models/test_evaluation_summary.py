"""Judged answers summed up, against figures worked by hand."""

import math
from dataclasses import replace

import pytest

from models.evaluation import wilson
from models.evaluation_curves import POINTS, reliability, risk_coverage
from models.evaluation_placement import Placement
from models.evaluation_summary import Judged, Moment, curves, ranking, summary, times


def judged(above: int | None, confidence: float = 0.5, **facts: object) -> Judged:
    placement = Placement(above=above) if above is not None else None
    answer = Judged(
        case="c", truth=("root",), placement=placement, answered=True, confidence=confidence
    )
    return replace(answer, **facts)  # type: ignore[arg-type] - fields are named by the caller


def moments(*firsts: tuple[float, str]) -> tuple[Moment, ...]:
    return tuple(Moment(seconds=s, first=f, right=float(f == "root")) for s, f in firsts)


NEVER_ANSWERED = Judged(case="n", truth=("root",), placement=None, answered=False)


def test_a_case_without_an_incident_is_a_miss_and_says_no_probability():
    figures = summary([judged(0, 0.9), NEVER_ANSWERED])
    assert figures["cases"] == 2
    assert figures["ac@1"] == figures["ac@5"] == 0.5
    assert figures["answered"] == 1
    assert figures["ece"] == pytest.approx(0.1)
    assert figures["brier"] == pytest.approx(0.01)


def test_a_root_that_is_no_candidate_counts_against_the_probability_too():
    figures = summary([judged(None, 0.8)])
    assert figures["ac@5"] == 0.0
    assert figures["ece"] == pytest.approx(0.8)


def test_avg_at_5_is_the_mean_over_k():
    assert ranking([Placement(above=3)])["avg@5"] == pytest.approx(2 / 5)


def test_the_interval_of_a_rate_with_ties_lies_around_it():
    figures = ranking([Placement(above=0, ties=2)] * 4)
    assert figures["ac@1"] == 0.5
    assert figures["ci95_ac@1"] == list(wilson(2, 4))


def test_families_are_judged_where_they_are_known():
    figures = summary([judged(0, family=True), judged(0, family=False), judged(0)])
    assert figures["family_accuracy"] == 0.5
    assert figures["family_cases"] == 2


def test_nothing_to_sum_up_is_said_so():
    assert summary([])["cases"] == 0
    assert "ac@1" not in ranking([])
    assert times([])["seconds_to_stable"]["cases"] == 0


def test_time_runs_to_the_first_right_answer_and_to_the_last_change():
    wavering = judged(0, moments=moments((10, "x"), (30, "root"), (60, "x"), (90, "root")))
    at_once = judged(0, moments=moments((20, "root"), (50, "root")))
    wrong = judged(1, moments=moments((10, "root"), (40, "x")))
    figures = times([wavering, at_once, wrong])
    assert figures["seconds_to_first_correct"] == {"cases": 3, "median": 20.0, "p90": 30.0}
    assert figures["seconds_to_stable"] == {"cases": 2, "median": 55.0, "p90": 90.0}
    assert figures["right_after_s"] == pytest.approx(
        {"30": 1.0, "60": 1 / 3, "120": 2 / 3, "300": 2 / 3}
    )
    assert figures["first_changes"] == {"cases": 3, "median": 1.0, "p90": 3.0}


def test_reliability_bins_hold_all_cases_and_give_the_calibration_error():
    said, came = [0.9, 0.8, 0.3, 0.2], [1.0, 0.0, 0.0, 0.0]
    bins = reliability(said, came, bins=2)
    assert [b["cases"] for b in bins] == [2, 2]
    assert sum(abs(b["said"] - b["came"]) * b["cases"] / 4 for b in bins) == pytest.approx(0.3)


def test_equal_confidences_are_covered_together():
    points = risk_coverage([0.9, 0.5, 0.5], [1, 1, 0], cases=3)
    assert points == [
        {"coverage": pytest.approx(1 / 3, abs=1e-6), "risk": 0.0},
        {"coverage": 1.0, "risk": pytest.approx(1 / 3, abs=1e-6)},
    ]


def test_cases_that_were_not_answered_are_never_covered():
    found = curves([judged(0, 0.9), NEVER_ANSWERED])
    assert found["risk_coverage"] == [{"coverage": 0.5, "risk": 0.0}]


def test_a_long_curve_keeps_its_end():
    many = [i / 100 for i in range(100)]
    points = risk_coverage(many, [1.0] * 100, cases=100)
    assert len(points) == POINTS
    assert points[-1] == {"coverage": 1.0, "risk": 0.0}
    assert not math.isnan(points[0]["risk"])
