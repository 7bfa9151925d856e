"""Places of roots, ties and all, against figures worked by hand."""

import math

import pytest

from models.evaluation_placement import Placement, expected_ac, expected_mrr, placed


def test_a_root_that_ties_is_first_as_often_as_chance_has_it():
    three = Placement(above=0, ties=3)
    assert three.hit(1) == pytest.approx(1 / 3)
    assert three.hit(3) == three.hit(5) == 1.0
    assert three.rank == 2.0
    assert three.reciprocal == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_who_is_above_keeps_a_tie_from_being_first():
    placement = Placement(above=2, ties=2)
    assert [placement.hit(k) for k in (1, 2, 3, 4)] == [0.0, 0.0, 0.5, 1.0]


def test_the_best_of_several_roots_counts():
    assert placed([0.1, 0.9, 0.5], {0, 2}) == Placement(above=1)


def test_a_root_that_nobody_listed_has_no_place():
    assert placed([0.1, 0.2], set()) is None


def test_candidates_that_all_tie_give_the_arithmetic_of_chance():
    places = [placed([0.0] * n, {0}) for n in (2, 4)]
    assert expected_ac(places, 1) == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert expected_ac(places, 3) == pytest.approx((1 + 3 / 4) / 2)


def test_a_miss_counts_in_every_rate():
    places = [Placement(above=0), None]
    assert expected_ac(places, 5) == 0.5
    assert expected_mrr(places) == 0.5


def test_no_cases_are_no_number():
    assert math.isnan(expected_ac([], 1))
    assert math.isnan(expected_mrr([]))
