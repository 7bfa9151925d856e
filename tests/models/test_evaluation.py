"""Figures on inputs whose answer is known by hand."""

import math

import numpy as np
import pytest

from models.evaluation import ac_at_k, avg_at_k, brier, chance_at_k, ece, mrr, rank_of, wilson


def test_equal_scores_share_their_mean_rank() -> None:
    assert [rank_of([2.0, 5.0, 2.0, 2.0], i) for i in range(4)] == [3.0, 1.0, 3.0, 3.0]


def test_a_root_that_is_not_listed_is_never_a_hit() -> None:
    ranks = [1.0, math.inf]
    assert ac_at_k(ranks, 5) == 0.5
    assert mrr(ranks) == 0.5


def test_avg_at_5_is_the_mean_over_k() -> None:
    assert avg_at_k([1, 2, 3, 4, 5], 5) == pytest.approx((0.2 + 0.4 + 0.6 + 0.8 + 1.0) / 5)


def test_a_single_candidate_is_always_guessed() -> None:
    assert chance_at_k([1, 1], 1) == 1.0


def test_wilson_contains_the_rate_and_narrows_with_trials() -> None:
    few, many = wilson(8, 10), wilson(800, 1000)
    assert few[0] < 0.8 < few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)


def test_honest_probabilities_have_a_small_calibration_error() -> None:
    rng = np.random.default_rng(1)
    said = rng.random(20_000)
    assert ece(said.tolist(), (rng.random(20_000) < said).tolist()) < 0.02


def test_overconfidence_is_the_calibration_error() -> None:
    assert ece([0.9] * 100, [True] * 50 + [False] * 50, bins=1) == pytest.approx(0.4)


def test_the_order_of_the_cases_does_not_change_the_calibration_error() -> None:
    said, came = [0.5] * 50 + [0.9] * 50, [True, False] * 50
    pairs = list(zip(said, came, strict=True))[::-1]
    assert ece(said, came) == ece([p for p, _ in pairs], [c for _, c in pairs])


def test_brier_is_nothing_only_for_certain_truth() -> None:
    assert brier([1.0, 0.0], [True, False]) == 0.0
    assert brier([0.5, 0.5], [True, False]) == 0.25


def test_figures_of_no_cases_are_no_numbers() -> None:
    for figure in (ac_at_k([], 1), mrr([]), brier([], []), ece([], []), chance_at_k([], 1)):
        assert math.isnan(figure)
