import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.grouping_metrics import (
    ari,
    bcubed_precision,
    bcubed_recall,
    judge,
    pairwise_precision,
)

labels = st.sampled_from(["a", "b", "c", None])
storms = st.lists(st.tuples(labels, labels), min_size=1, max_size=25)


def pairs_by_hand(truth, found):
    """Pairs together in both, in truth, in found, and all, by looking at each."""

    def same(row, i, j):
        return row[i] is not None and row[i] == row[j]

    pairs = [(i, j) for i in range(len(truth)) for j in range(i)]
    both = sum(same(truth, i, j) and same(found, i, j) for i, j in pairs)
    return (
        both,
        sum(same(truth, i, j) for i, j in pairs),
        sum(same(found, i, j) for i, j in pairs),
        len(pairs),
    )


@given(storms)
def test_ari_is_what_counting_every_pair_gives(storm):
    truth, found = zip(*storm, strict=True)
    both, first, second, everything = pairs_by_hand(truth, found)
    chance = first * second / everything if everything else 0.0
    most = (first + second) / 2
    expected = 1.0 if most == chance else (both - chance) / (most - chance)
    assert ari(truth, found) == pytest.approx(expected)


@given(storms)
def test_pairwise_precision_is_what_counting_every_pair_gives(storm):
    truth, found = zip(*storm, strict=True)
    both, _, second, _ = pairs_by_hand(truth, found)
    got = pairwise_precision(truth, found)
    assert math.isnan(got) if second == 0 else got == pytest.approx(both / second)


@given(storms)
def test_the_right_grouping_is_perfect_in_every_figure(storm):
    truth = [t for t, _ in storm]
    figures = judge(truth, truth)
    assert figures.ari == figures.bcubed_precision == figures.bcubed_recall == 1.0
    assert figures.missed == figures.split_faults == figures.merged_incidents == 0


def test_one_giant_incident_has_full_recall_and_no_reduction():
    figures = judge(["a", "a", "b", "b", None], ["x"] * 5)
    assert figures.bcubed_recall == 1.0
    assert figures.pairwise_precision == pytest.approx(0.2)
    assert figures.reduction is None
    assert figures.noise_kept_out == 0.0
    assert figures.merge_rate == 2.0


def test_an_incident_an_alert_has_full_precision_and_splits_every_fault():
    truth, found = ["a", "a", "b", "b"], ["w", "x", "y", "z"]
    assert bcubed_precision(truth, found) == 1.0
    assert bcubed_recall(truth, found) == 0.5
    assert judge(truth, found).split_rate == 2.0


def test_noise_that_has_an_incident_of_its_own_is_kept_out():
    assert judge(["a", "a", None], ["x", "x", "y"]).noise_kept_out == 1.0


def test_two_faults_that_no_incident_has_are_missed():
    figures = judge(["a", "b", "c"], [None, None, "x"])
    assert figures.missed == 2
    assert figures.reduction is not None
