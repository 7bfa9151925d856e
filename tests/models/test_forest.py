"""The forest: as scikit-learn answers, split up by feature, through text, and hostile text."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from models.answer import Parameters
from models.artefact import read_artefact, write_artefact
from models.blend import Blend, blended, fit_blend
from models.conditional_logit import Stack
from models.errors import ModelError
from models.features import FEATURES
from models.forest import ODDS_LIMIT, Forest
from models.forest_growth import ForestConfig, grow, grow_on
from models.forest_text import forest_document, read_forest
from models.unseen import Unseen, folds_of, odds_by_folds

WIDTH = 5
CONFIG = ForestConfig(trees=12, feature_share=1.0)


def a_stack(questions: int = 120, seed: int = 3) -> Stack:
    """The root is where exactly one of the first two features is high: no sum of weights tells."""
    rng = np.random.default_rng(seed)
    features, starts, chosen = [], [], []
    for place in range(questions):
        matrix = rng.uniform(size=(4, WIDTH))
        matrix[:, :2] = [
            [0.9, 0.9],
            [0.1, 0.1],
            [0.8, 0.9],
            [0.9, 0.1] if place % 2 else [0.1, 0.9],
        ]
        starts.append(4 * place)
        chosen.append(4 * place + 3)
        features.append(matrix)
    return Stack(
        features=np.concatenate(features),
        starts=np.array(starts),
        context=np.zeros((questions, len(FEATURES.context))),
        chosen=np.array(chosen),
        weights=np.ones(questions),
    )


def grown(stack: Stack | None = None) -> Forest:
    return grow_on(stack or a_stack(), CONFIG, seed=1)


def test_it_answers_as_the_trees_that_were_grown() -> None:
    rng = np.random.default_rng(0)
    features = rng.uniform(size=(200, WIDTH))
    is_root = features[:, 0] > 0.7
    forest = grow(features, is_root, np.ones(200), CONFIG, seed=5)
    theirs = ExtraTreesClassifier(
        CONFIG.trees, min_samples_leaf=CONFIG.least_leaf, max_features=1.0, random_state=5
    ).fit(features.astype(np.float32), is_root.astype(int))
    share = theirs.predict_proba(features.astype(np.float32))[:, 1]
    share = np.clip(share, ODDS_LIMIT, 1 - ODDS_LIMIT)
    assert forest.log_odds(features) == pytest.approx(np.log(share / (1 - share)), abs=0.1)


def test_it_sees_that_one_thing_counts_only_without_another() -> None:
    stack, fresh = a_stack(), a_stack(seed=9)
    odds = grown(stack).log_odds(fresh.features)
    best = fresh.starts + odds.reshape(-1, 4).argmax(axis=1)
    assert (best == fresh.chosen).mean() > 0.95


def test_what_each_feature_added_sums_to_the_share() -> None:
    stack, forest = a_stack(), grown()
    parts = forest.attribution(stack.features)
    share = 1 / (1 + np.exp(-forest.log_odds(stack.features)))
    at_roots = forest.share[forest.roots].mean()
    inside = (share > ODDS_LIMIT * 1.01) & (share < 1 - ODDS_LIMIT * 1.01)
    assert parts.sum(axis=1)[inside] == pytest.approx((share - at_roots)[inside], abs=1e-6)
    assert np.abs(parts[:, :2]).sum() > 5 * np.abs(parts[:, 2:]).sum()


def test_text_brings_back_the_same_answers() -> None:
    forest, features = grown(), a_stack(seed=4).features
    back = read_forest(forest_document(forest), WIDTH)
    assert (back.log_odds(features) == forest.log_odds(features)).all()


@pytest.mark.parametrize(
    ("name", "edit", "says"),
    [
        ("left", lambda v: [0, *v[1:]], "does not stand after it"),
        ("right", lambda v: [len(v) + 7, *v[1:]], "does not stand after it"),
        ("feature", lambda v: [WIDTH, *v[1:]], "a feature outside"),
        ("share", lambda v: [1.5, *v[1:]], "shares outside"),
        ("threshold", lambda v: ["x", *v[1:]], "something else than numbers"),
        ("threshold", lambda v: v[1:], "different lengths"),
        ("roots", lambda v: [-1, *v[1:]], "begins outside"),
        ("roots", lambda v: [], "a tree that begins outside"),
    ],
)
def test_a_forest_that_leads_astray_is_refused(name: str, edit, says: str) -> None:
    document = forest_document(grown())
    assert document["feature"][0] >= 0, "the first node splits"
    with pytest.raises(ModelError, match=says):
        read_forest({**document, name: edit(document[name])}, WIDTH)


def unseen_of(stack: Stack, scores: np.ndarray) -> Unseen:
    count = len(stack.starts)
    return Unseen(
        scores=scores,
        outside=np.full(count, -3.0),
        elapsed=np.zeros(count),
        starts=stack.starts,
        chosen=stack.chosen,
        weights=stack.weights,
    )


def test_a_forest_that_knows_unseen_cases_gets_a_say_and_no_more_than_is_allowed() -> None:
    stack = a_stack()
    folds = folds_of([str(i % 5) for i in range(len(stack.starts))], 5)
    odds = odds_by_folds(stack, folds, lambda part: grow_on(part, CONFIG, seed=1))
    unseen = unseen_of(stack, np.zeros(len(stack.features)))
    free, capped = fit_blend(unseen, odds), fit_blend(unseen, odds, most=0.3)
    assert free.has_forest
    assert capped.forest == pytest.approx(0.3 * capped.logit, rel=1e-3)
    best = blended(unseen, odds, free).scores.reshape(-1, 4).argmax(axis=1)
    assert (best == 3).mean() > 0.95


def test_a_forest_that_learnt_nothing_that_lasts_gets_no_say() -> None:
    stack = a_stack()
    right = np.zeros(len(stack.features))
    right[stack.chosen] = 4.0
    noise = np.random.default_rng(2).normal(size=len(stack.features))
    assert fit_blend(unseen_of(stack, right), -right + 0.01 * noise) == Blend()


def test_an_artefact_brings_the_forest_back_and_its_part_is_explained() -> None:
    rng = np.random.default_rng(1)
    features = rng.uniform(size=(80, len(FEATURES.names)))
    forest = grow(features, features[:, 2] > 0.6, np.ones(80), CONFIG, seed=1)
    parameters = Parameters(
        weights=(0.0,) * len(FEATURES.names),
        outside=(0.0,) * len(FEATURES.context),
        blend=Blend(logit=1.0, forest=0.5),
        forest=forest,
    )
    back = read_artefact(write_artefact(parameters, {}))
    assert back.version.startswith("logit-forest/")
    odds = back.parameters.odds(features)
    scores = back.parameters.scores(features, odds)
    assert (scores == parameters.scores(features, parameters.odds(features))).all()
    explained = back.parameters.parts(features, odds).sum(axis=1)
    assert explained == pytest.approx(scores - scores.mean(), abs=1e-6)
