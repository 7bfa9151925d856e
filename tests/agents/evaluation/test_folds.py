"""Who may learn from whom."""

from dataclasses import replace

import pytest

from agents.evaluation.asked import Collected
from agents.evaluation.folds import FOLD_KEYS, SPLITS, folds
from agents.evaluation.identity import Identity

PLAIN = Identity(
    case="",
    suite="s",
    system="x",
    group="",
    start_ms=0,
    end_ms=9,
    fault_start_ms=3,
    fault_end_ms=6,
)


def case(name: str, *, system: str = "x", root: str = "a", fault: str = "cpu") -> Collected:
    roots = (root,) if root else ()
    identity = replace(
        PLAIN, case=name, system=system, group=f"{root}/{fault}", roots=roots, fault=fault
    )
    return Collected(identity=identity)


CASES = [
    case("1"),
    case("2"),
    case("3", root="b"),
    case("4", root="b", fault="mem"),
    case("5", system="y"),
    case("6", system="y", root="", fault=""),
]


@pytest.mark.parametrize("name", [*SPLITS, *FOLD_KEYS])
def test_every_case_is_held_once_and_never_learnt_from_by_its_fold(name):
    key = {**SPLITS, **FOLD_KEYS}[name]
    dealt = folds(CASES, CASES, key, 9)
    held = [c.identity.key for fold in dealt for c in fold.held]
    assert sorted(held) == sorted(c.identity.key for c in CASES)
    for fold in dealt:
        out = {key(c.identity) for c in fold.held}
        assert fold.training
        assert not out & {key(c.identity) for c in fold.training}


def test_repeats_of_one_root_and_fault_stay_together():
    for fold in folds(CASES, CASES, FOLD_KEYS["group"], 9):
        numbers = {c.identity.case for c in fold.held}
        assert len(numbers & {"1", "2"}) != 1


def test_a_root_is_left_out_within_its_system_only():
    dealt = folds(CASES, CASES, SPLITS["leave-one-root-out"], 9)
    (fold,) = [f for f in dealt if "1" in {c.identity.case for c in f.held}]
    assert {c.identity.case for c in fold.held} == {"1", "2"}
    assert "5" in {c.identity.case for c in fold.training}


def test_a_fault_is_left_out_in_all_systems():
    dealt = folds(CASES, CASES, SPLITS["leave-one-fault-out"], 9)
    (fold,) = [f for f in dealt if "1" in {c.identity.case for c in f.held}]
    assert {c.identity.case for c in fold.held} == {"1", "2", "3", "5"}


def test_few_folds_leave_several_keys_out_together():
    dealt = folds(CASES, CASES, FOLD_KEYS["case"], 2)
    assert [len(fold.held) for fold in dealt] == [3, 3]


def test_lessons_besides_the_cases_are_left_out_by_the_same_key():
    twin = case("another", root="b", fault="mem")
    dealt = folds(CASES, [*CASES, twin], FOLD_KEYS["group"], 9)
    (fold,) = [f for f in dealt if "4" in {c.identity.case for c in f.held}]
    assert twin not in fold.training
