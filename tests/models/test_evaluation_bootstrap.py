"""Intervals that know that repeats are not independent."""

import math

import pytest

from models.evaluation_bootstrap import cluster_interval


def test_independent_cases_give_the_interval_of_a_binomial_rate():
    values = [1.0] * 80 + [0.0] * 20
    low, high = cluster_interval(values, [str(i) for i in range(100)])
    spread = 1.96 * math.sqrt(0.8 * 0.2 / 100)
    assert low == pytest.approx(0.8 - spread, abs=0.015)
    assert high == pytest.approx(0.8 + spread, abs=0.015)


def test_repeats_of_few_clusters_widen_it():
    values = ([1.0] * 10 + [0.0] * 10) * 5
    alone = cluster_interval(values, [str(i) for i in range(100)])
    repeated = cluster_interval(values, [str(i // 10) for i in range(100)])
    assert repeated[1] - repeated[0] > 2 * (alone[1] - alone[0])


def test_the_same_cases_give_the_same_interval():
    values, clusters = [0.0, 1.0, 1.0, 0.5], ["a", "b", "b", "c"]
    assert cluster_interval(values, clusters) == cluster_interval(values, clusters)


def test_a_difference_that_is_always_there_excludes_zero():
    low, _ = cluster_interval([0.5] * 6 + [0.0] * 2, [str(i) for i in range(8)])
    assert low > 0.0


def test_no_cases_have_no_interval():
    assert all(map(math.isnan, cluster_interval([], [])))
