"""The baselines that learn from other cases."""

import numpy as np
import pytest

from models.baselines.case import AlertCount, BaselineCase
from models.baselines.counts_forest import Counted, counts_forest, counts_of, forest
from models.baselines.label_prior import label_prior


def test_the_prior_prefers_who_was_the_root_before():
    scores = label_prior(("a", "b"), ("b", "z", "b"))
    assert scores == {"a": 0.0, "b": 2.0}


def test_the_prior_knows_nothing_of_a_system_without_other_cases():
    assert label_prior(("a",), ()) is None


def test_counts_are_ones_own_and_the_neighbours_mean_as_shares_of_the_cases_largest():
    case = BaselineCase(
        candidates=("a", "b"),
        alerts={
            "a": AlertCount(alerts=4, kinds=(1, 2)),
            "c": AlertCount(alerts=2, kinds=(0, 1)),
        },
        edges=(("a", "b"), ("c", "b")),
    )
    counts = counts_of(case)
    assert counts is not None
    # Own (alerts, kinds), then the mean of the neighbours: of a it is b's, of b it is a's and c's.
    assert counts[0].tolist() == pytest.approx([1, 1, 1, 0, 0, 0])
    assert counts[1].tolist() == pytest.approx([0, 0, 0, 1, 1, 1])


def test_neighbours_count_by_their_mean():
    case = BaselineCase(
        candidates=("a", "b"),
        alerts={"c": AlertCount(alerts=4), "d": AlertCount(alerts=2)},
        edges=(("a", "c"), ("d", "b"), ("b", "c")),
    )
    counts = counts_of(case)
    assert counts is not None
    assert counts[:, 1].tolist() == [1.0, 3 / 4]


def test_without_alerts_there_is_nothing_to_count():
    assert counts_of(BaselineCase(candidates=("a",))) is None


def training(count: int) -> list[Counted]:
    rng = np.random.default_rng(3)
    cases = []
    for _ in range(count):
        features = rng.integers(0, 3, (6, 4)).astype(np.float64)
        features[2, 1] = 9.0
        cases.append(Counted(features=features, roots=(2,)))
    return cases


def test_the_forest_learns_what_roots_have_in_common():
    fitted = forest(training(20))
    assert fitted is not None
    chances = counts_forest(fitted, training(30)[-1].features)
    assert int(np.argmax(chances)) == 2


def test_the_same_cases_give_the_same_forest():
    (last,) = training(21)[20:]
    both = [forest(training(20)) for _ in range(2)]
    answers = [counts_forest(f, last.features) for f in both if f is not None]
    assert answers[0] == answers[1]


def test_cases_without_a_root_teach_no_forest():
    rootless = Counted(features=np.zeros((3, 4)), roots=())
    assert forest([rootless]) is None
    assert forest([]) is None
