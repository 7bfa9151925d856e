"""The fit: gradient, known answers, and what an absent root does."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from models.calibration import Calibration, posterior
from models.calibration_fit import fit_calibration
from models.conditional_logit import Coefficients, Pull, Stack, choose, fit, loss, stacked
from models.unseen import Unseen, folds_of, score_by_folds


def a_stack(*, seed: int = 0, questions: int = 60, width: int = 4) -> Stack:
    rng = np.random.default_rng(seed)
    features, roots = [], []
    for i in range(questions):
        matrix = rng.uniform(-1, 1, size=(3 + i % 4, width))
        features.append(matrix)
        roots.append(None if i % 5 == 0 else int(matrix[:, 0].argmax()))
    context = [np.array([1.0, float(r is None), 0.0, 0.5]) for r in roots]
    return stacked(features, context, roots, [1.0] * questions)


def towards(
    weights: tuple[float, ...] = (0.0,) * 4,
    *,
    ridge: float = 1e-3,
    floored: tuple[bool, ...] = (False,) * 4,
) -> Pull:
    prior = Coefficients(weights=np.array(weights), outside=np.zeros(4))
    return Pull(prior=prior, ridge=ridge, floored=floored)


def test_the_gradient_is_that_of_the_loss() -> None:
    stack, pull = a_stack(), towards(ridge=0.1)
    at = np.random.default_rng(1).normal(size=8)
    error = check_grad(lambda x: loss(x, stack, pull)[0], lambda x: loss(x, stack, pull)[1], at)
    assert error < 1e-5


def test_the_fit_finds_the_feature_that_decides() -> None:
    found = fit(a_stack(), towards())
    assert found.weights[0] > 4 * np.abs(found.weights[1:]).max()


def test_the_fit_finds_the_context_of_no_root() -> None:
    stack = a_stack()
    found = fit(stack, towards())
    choice = choose(
        stack.features @ found.weights, stack.context @ found.outside, stack.starts, stack.chosen
    )
    absent = stack.chosen < 0
    assert choice.none[absent].mean() > 0.8
    assert choice.none[~absent].mean() < 0.1


def test_a_strong_ridge_leaves_the_prior() -> None:
    pull = towards((1.0, 2.0, 0.0, -1.0), ridge=1e6)
    assert fit(a_stack(), pull).weights == pytest.approx(pull.prior.weights, abs=1e-4)


def test_where_the_search_begins_changes_nothing() -> None:
    far = Coefficients(weights=np.full(4, 3.0), outside=np.full(4, -3.0))
    one, two = (fit(a_stack(), towards(ridge=1e-2), start=start) for start in (None, far))
    assert one.weights == pytest.approx(two.weights, abs=1e-4)


def test_a_floored_weight_never_speaks_against() -> None:
    stack = a_stack()
    turned = Stack(
        features=-stack.features,
        starts=stack.starts,
        context=stack.context,
        chosen=stack.chosen,
        weights=stack.weights,
    )
    assert fit(turned, towards()).weights[0] < -1.0
    assert fit(turned, towards(floored=(True,) * 4)).weights.min() >= 0.0


def test_part_of_a_stack_is_that_part() -> None:
    stack = a_stack()
    part = stack.only(np.array([7, 2]))
    assert part.sizes.tolist() == stack.sizes[[7, 2]].tolist()
    first = stack.features[stack.starts[7] : stack.starts[7] + stack.sizes[7]]
    assert (part.features[: part.sizes[0]] == first).all()
    assert part.chosen[1] == part.starts[1] + stack.chosen[2] - stack.starts[2]


def test_a_question_is_scored_by_a_fit_that_did_not_see_it() -> None:
    stack = a_stack(questions=10)
    seen: list[int] = []

    def spy(part: Stack) -> Coefficients:
        seen.append(len(part.starts))
        return Coefficients(weights=np.full(4, float(len(seen))), outside=np.zeros(4))

    folds = np.array([0, 1] * 5)
    unseen = score_by_folds(stack, folds, spy)
    assert seen == [5, 5]
    rows_of_1 = np.repeat(folds, stack.sizes) == 1
    assert unseen.scores[rows_of_1] == pytest.approx(2 * stack.features[rows_of_1].sum(axis=1))


def test_groups_stay_whole_in_folds() -> None:
    groups = ["b", "a", "b", "c", "a"]
    folds = folds_of(groups, 2)
    assert {g: {int(f) for f, h in zip(folds, groups, strict=True) if h == g} for g in groups} == {
        "a": {0},
        "b": {1},
        "c": {0},
    }


def overconfident(*, sure_late: bool) -> Unseen:
    """Two candidates; the first scores +4 and is right in 3 of 4 (late: always, if so asked)."""
    rng = np.random.default_rng(3)
    elapsed = np.repeat([0.0, 1.0], 400)
    right = np.where((elapsed == 1.0) & sure_late, 1.0, (rng.random(800) < 0.75).astype(float))
    starts = np.arange(0, 1600, 2)
    return Unseen(
        scores=np.tile([4.0, 0.0], 800),
        outside=np.full(800, -9.0),
        elapsed=elapsed,
        starts=starts,
        chosen=np.where(right == 1.0, starts, starts + 1),
        weights=np.ones(800),
    )


def test_calibration_brings_overconfidence_down_to_the_rate() -> None:
    fitted = fit_calibration(overconfident(sure_late=False))
    said = posterior(np.array([4.0, 0.0]), -9.0, 0.5, fitted).candidates[0]
    assert said == pytest.approx(0.75, abs=0.04)


def test_calibration_may_be_surer_later() -> None:
    fitted = fit_calibration(overconfident(sure_late=True))
    early, late = (posterior(np.array([4.0, 0.0]), -9.0, e, fitted).candidates[0] for e in (0, 1))
    assert early == pytest.approx(0.75, abs=0.06)
    assert late > 0.95


def test_scores_beyond_any_scale_still_give_probabilities() -> None:
    said = posterior(np.array([5e3, -5e3]), 4e3, 1.0, Calibration(sharpness=3.0))
    assert said.candidates[0] == 1.0
