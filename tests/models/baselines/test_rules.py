"""Each baseline on a small case whose answer is known by hand."""

import math

import numpy as np
import pytest

from models.baselines.alert_count import alert_count
from models.baselines.baro import baro
from models.baselines.case import AlertCount, BaselineCase, RawSeries, Visits
from models.baselines.chance import chance
from models.baselines.latency_ratio import latency_ratio
from models.baselines.max_z import max_z
from models.baselines.nsigma import nsigma
from models.baselines.page_rank import page_rank
from models.baselines.prism import additive, prism
from models.baselines.rules import RULES
from models.baselines.spectrum import spectrum
from models.baselines.traversal import traversal

BEFORE = (1.0, 2.0, 3.0, 4.0, 5.0)  # median 3, quartiles 2 and 4, MAD 1, deviation sqrt 2


def series(component: str, *after: float, of: str = "cpu", quantile: bool = False) -> RawSeries:
    return RawSeries(
        component=component,
        metric_class=of,
        before=np.array(BEFORE),
        after=np.array(after),
        quantile=quantile,
    )


def case(*found: RawSeries, **parts: object) -> BaselineCase:
    facts: dict[str, object] = {"candidates": ("a", "b", "c"), "series": found}
    return BaselineCase(**(facts | parts))  # type: ignore[arg-type] - fields are named by the caller


def alerts(**counts: int) -> dict[str, AlertCount]:
    return {name: AlertCount(alerts=n) for name, n in counts.items()}


def first(scores: dict[str, float] | None) -> str:
    assert scores is not None
    return max(scores, key=lambda name: scores[name])


def test_chance_likes_everybody_alike():
    assert set(chance(case()).values()) == {0.0}


def test_without_input_a_baseline_says_nothing_but_chance():
    answers = {name: baseline(case()) for name, baseline in RULES.items()}
    assert {name for name, answer in answers.items() if answer is not None} == {"chance"}


def test_every_baseline_scores_every_candidate_and_nobody_else():
    full = case(
        series("a", 9.0, 8.0),
        series("stranger", 90.0, 80.0, of="latency"),
        series("b", 4.0, 3.0, of="latency"),
        visits=Visits(bad={"a": 1, "stranger": 1}, good={}, all_bad=1, all_good=0),
        alerts=alerts(a=1, stranger=2),
        edges=(("stranger", "a"), ("a", "b")),
        symptoms=("stranger",),
    )
    for name, baseline in RULES.items():
        answer = baseline(full)
        assert answer is not None, name
        assert set(answer) == {"a", "b", "c"}, name
        assert all(math.isfinite(v) for v in answer.values()), name


def test_most_alerts_win():
    assert alert_count(case(alerts=alerts(b=3, a=1))) == {"a": 1.0, "b": 3.0, "c": 0.0}


def test_baro_takes_the_largest_signed_deviation_in_quartile_ranges():
    scores = baro(case(series("a", 7.0, 6.0), series("b", -90.0, -91.0)))
    assert scores is not None
    assert scores["a"] == 2.0
    assert scores["b"] == -46.5
    assert scores["c"] < scores["b"]


def test_nsigma_is_signed_and_max_z_is_not():
    falls = case(series("a", 7.0, 6.0), series("b", -90.0, -91.0))
    assert first(dict(nsigma(falls) or {})) == "a"
    assert first(dict(max_z(falls) or {})) == "b"
    scores = nsigma(falls)
    assert scores is not None
    assert scores["a"] == pytest.approx(4 / math.sqrt(2))


def test_a_series_that_is_constant_on_one_side_is_left_out_as_published():
    flat = RawSeries(
        component="b", metric_class="cpu", before=np.ones(5), after=np.array([1e9, 2e9])
    )
    assert first(dict(baro(case(series("a", 7.0, 6.0), flat)) or {})) == "a"


def test_rounding_is_no_scale():
    noise = RawSeries(
        component="b",
        metric_class="cpu",
        before=np.array([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2, 0.3]),
        after=np.array([0.4, 0.5]),
    )
    scores = max_z(case(series("a", 7.0, 6.0), noise))
    assert scores is not None
    assert scores["b"] < 1.0


def test_prism_adds_the_inner_and_the_outer_deviation():
    both = case(series("a", 21.0, 20.0), series("a", 11.0, 9.0, of="latency"))
    scores = prism(both)
    assert scores is not None
    assert scores["a"] == pytest.approx(additive(9.0 + 4.0))
    assert scores["b"] == 0.0


def test_the_latency_control_compares_means_and_prefers_quantiles():
    scores = latency_ratio(
        case(
            series("a", 6.0, 6.0, of="latency"),
            series("b", 30.0, 30.0, of="latency"),
            series("b", 3.0, 3.0, of="latency", quantile=True),
        )
    )
    assert scores == {"a": 2.0, "b": 1.0, "c": 0.0}


def test_the_traversal_ends_where_no_callee_is_anomalous():
    chain = case(
        *(series(name, 60.0, 50.0) for name in ("a", "b")),
        series("c", 3.0, 4.0),
        edges=(("a", "b"), ("b", "c")),
        symptoms=("a",),
    )
    scores = traversal(chain)
    assert scores is not None
    assert scores["a"] == scores["c"] == 0.0
    assert scores["b"] == pytest.approx(1.0 + 2 * 57.0 / 1.4826)


def test_the_traversal_stays_on_the_symptoms_side():
    apart = case(
        series("b", 60.0, 50.0), series("c", 99.0, 90.0), edges=(("a", "b"),), symptoms=("a",)
    )
    assert first(dict(traversal(apart) or {})) == "b"


def test_the_spectrum_prefers_who_is_only_in_bad_traces():
    scores = spectrum(
        case(visits=Visits(bad={"a": 4, "b": 4}, good={"a": 5}, all_bad=4, all_good=6))
    )
    assert scores == {"a": pytest.approx(4 / 6), "b": 1.0, "c": 0.0}


def test_the_walk_ends_at_the_anomalous_callee():
    edges = (("a", "b"), ("a", "c"))
    by_metrics = case(series("a", 20.0, 9.0), series("c", 60.0, 50.0), edges=edges)
    assert first(dict(page_rank(by_metrics) or {})) == "c"
    by_alerts = case(edges=edges, alerts=alerts(a=1, b=5))
    assert first(dict(page_rank(by_alerts) or {})) == "b"
