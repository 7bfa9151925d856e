"""How answers are put together: contributions, refusals, patterns, moments."""

from dataclasses import replace

import numpy as np
import pytest

from models.abstention import Abstention
from models.answer import CONTRIBUTIONS_SHOWN, PATTERNS_FOR_TOP, answer, contributions
from models.features import FEATURES, vectors
from models.moments import kept_moments
from models.pattern_catalogue import default_catalogue
from models.rules import RULE_OUTSIDE, RULE_WEIGHTS, RuleRanker, rule_parameters
from schemas.candidate import Ranked
from schemas.component import Component
from tests.models.synthetic import candidate, evidence, question, storm


def ranked(*probabilities: float) -> tuple[Ranked, ...]:
    return tuple(
        Ranked(component=Component(name=f"c{i}"), probability=p, score=0.0)
        for i, p in enumerate(probabilities)
    )


LOUD = vectors(question(candidate("a", z_cpu=9.0)))


def test_rule_weights_name_features_that_exist() -> None:
    assert set(RULE_WEIGHTS) <= set(FEATURES.names)
    assert set(RULE_OUTSIDE) <= set(FEATURES.context)


def test_contributions_add_up_to_the_score_less_the_mean_score() -> None:
    parameters = rule_parameters()
    diagnosis = RuleRanker()(storm("pool", 3, 60.0)[0])
    mean = sum(r.score for r in diagnosis.ranked) / len(diagnosis.ranked)
    named = sum(weight != 0 for weight in parameters.weights)
    assert named > CONTRIBUTIONS_SHOWN
    for one in diagnosis.ranked:
        if len(one.contributions) < CONTRIBUTIONS_SHOWN:
            total = sum(value for _, value in one.contributions)
            assert total == pytest.approx(one.score - mean)


def test_readings_of_one_measure_are_one_contribution() -> None:
    parts = np.zeros(len(FEATURES.names))
    parts[FEATURES.names.index("z_traffic+:value")] = 0.5
    parts[FEATURES.names.index("z_traffic-:percentile")] = 0.25
    parts[FEATURES.names.index("z_cpu:value")] = -1.0
    assert contributions(parts) == (("z_cpu", -1.0), ("z_traffic", 0.75))


def test_more_than_half_for_none_is_a_refusal_that_says_how_much() -> None:
    reason = Abstention().reason(ranked(0.3, 0.1), 0.6, LOUD)
    assert "60%" in reason
    assert "2 candidates" in reason


def test_two_that_cannot_be_told_apart_are_a_refusal_that_names_them() -> None:
    reason = Abstention().reason(ranked(0.2, 0.19, 0.18), 0.43, LOUD)
    assert "c0 and c1" in reason
    assert Abstention().reason(ranked(0.2, 0.1), 0.43, LOUD) == ""
    assert Abstention().reason(ranked(0.45, 0.44), 0.11, LOUD) == ""


def test_a_lone_candidate_with_little_is_not_called_a_tie() -> None:
    assert Abstention().reason(ranked(0.6), 0.4, LOUD) == ""


def test_where_trouble_was_said_to_be_seen_and_is_not_nobody_is_blamed() -> None:
    calm = {"alerts": 3.0, "symptom_severity": 0.3, "symptom_lasting": 0.1}
    assert "nothing to explain" in Abstention().reason(ranked(0.9), 0.1, LOUD, calm)
    assert Abstention().reason(ranked(0.9), 0.1, LOUD, {**calm, "symptom_severity": 0.5}) == ""


def test_trouble_without_any_alert_must_last() -> None:
    brief = {"alerts": 0.0, "symptom_severity": 5.0, "symptom_lasting": 0.4}
    assert "40%" in Abstention().reason(ranked(0.9), 0.1, LOUD, brief)
    assert Abstention().reason(ranked(0.9), 0.1, LOUD, {**brief, "symptom_lasting": 0.5}) == ""
    assert Abstention().reason(ranked(0.9), 0.1, LOUD, {**brief, "alerts": 1.0}) == ""
    assert Abstention().reason(ranked(0.9), 0.1, LOUD, {"alerts": 0.0}) == ""


def test_an_answer_heeds_the_symptom_and_keeps_its_order() -> None:
    asked, _ = storm("pool", 3, 90.0)
    calm = replace(asked, context={**asked.context, "symptom_severity": 0.0})
    diagnosis = RuleRanker()(calm)
    assert diagnosis.abstained
    assert [r.component for r in diagnosis.ranked] == [
        r.component for r in RuleRanker()(asked).ranked
    ]


def test_the_limits_of_refusal_come_from_the_parameters() -> None:
    asked, _ = storm("pool", 3, 90.0)
    shy = replace(rule_parameters(), abstention=Abstention(none_above=0.0))
    diagnosis = answer(asked, shy, default_catalogue(), "shy")
    assert diagnosis.abstained
    assert diagnosis.ranked[0].component == RuleRanker()(asked).ranked[0].component


def test_only_the_first_few_get_patterns() -> None:
    reasons = [evidence("cpu_saturated"), evidence("self_time_up")]
    many = [candidate(f"s{i}", "service", *reasons, z_cpu=5.0 + i) for i in range(8)]
    diagnosis = RuleRanker()(question(*many))
    assert [bool(r.patterns) for r in diagnosis.ranked] == [
        place < PATTERNS_FOR_TOP for place in range(8)
    ]


def test_first_actions_come_with_the_pattern() -> None:
    hit = candidate("d", "database", evidence("pool_saturated"), z_pool=20.0, pool_usage=1.0)
    best = RuleRanker()(question(hit)).ranked[0].patterns[0]
    assert best.family == "db_sql"
    assert len(best.first_actions) >= 2


@pytest.mark.parametrize(
    ("elapsed", "kept"),
    [((), ()), ((5.0,), (0,)), ((10.0, 30.0, 60.0), (0, 2)), ((300.0, 310.0), (0, 1))],
)
def test_moments_are_kept_once_and_the_last_always(
    elapsed: tuple[float, ...], kept: tuple[int, ...]
) -> None:
    assert kept_moments(elapsed) == kept
