"""What every ranker owes its users, whatever it is made of."""

import copy
import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.artefact import read_artefact, write_artefact
from models.errors import ModelError
from models.ranker import LearnedRanker, from_artefact, load_ranker
from models.rules import RuleRanker
from models.training import TrainingResult
from schemas.candidate import Candidate, Diagnosis, Question
from schemas.component import Component, ComponentKind
from schemas.measures import CONTEXT, MEASURES
from tests.models import synthetic

Asked = Callable[[Question], Diagnosis]
FOUND = ("rules", "learned", "shipped")


@pytest.fixture(params=FOUND)
def ranker(request: pytest.FixtureRequest, trained: TrainingResult) -> Asked:
    return ranker_called(request.param, trained)


def ranker_called(name: str, trained: TrainingResult) -> Asked:
    if name == "rules":
        return RuleRanker()
    if name == "learned":
        return trained.ranker
    try:
        return load_ranker()
    except ModelError as error:
        pytest.skip(str(error))


STORMS = [
    (fault, seed, at) for fault in synthetic.FAULTS for seed in (101, 102) for at in (15, 90)
]


@pytest.fixture(params=STORMS, ids=lambda s: f"{s[0]}-{s[1]}-{s[2]}s")
def question(request: pytest.FixtureRequest) -> Question:
    asked, _ = synthetic.storm(*request.param)
    return asked


def probabilities(diagnosis: Diagnosis) -> dict[str, float]:
    return {r.component.name: r.probability for r in diagnosis.ranked}


def test_the_question_is_left_as_it_was(ranker: Asked, question: Question) -> None:
    before = copy.deepcopy(question)
    ranker(question)
    assert question == before


def test_the_same_question_gets_the_same_answer(ranker: Asked, question: Question) -> None:
    assert ranker(question) == ranker(copy.deepcopy(question))


def test_probabilities_and_none_sum_to_one(ranker: Asked, question: Question) -> None:
    diagnosis = ranker(question)
    said = [*probabilities(diagnosis).values(), diagnosis.p_none]
    assert all(0.0 <= p <= 1.0 for p in said)
    assert math.fsum(said) == pytest.approx(1.0, abs=1e-12)


def test_candidates_come_best_first_and_each_once(ranker: Asked, question: Question) -> None:
    ranked = ranker(question).ranked
    assert [r.probability for r in ranked] == sorted((r.probability for r in ranked), reverse=True)
    assert sorted(r.component for r in ranked) == sorted(c.component for c in question.candidates)


def test_the_order_of_the_candidates_does_not_matter(ranker: Asked, question: Question) -> None:
    shuffled = list(question.candidates)
    random.Random(3).shuffle(shuffled)
    assert ranker(replace(question, candidates=tuple(shuffled))) == ranker(question)


def test_the_names_of_the_components_do_not_matter(ranker: Asked, question: Question) -> None:
    names = [c.component.name for c in question.candidates]
    aliases = [f"renamed-{i}" for i in range(len(names))]
    random.Random(5).shuffle(aliases)
    alias = dict(zip(names, aliases, strict=True))
    renamed = replace(
        question,
        candidates=tuple(
            replace(c, component=replace(c.component, name=alias[c.component.name]))
            for c in question.candidates
        ),
    )
    before, after = ranker(question), ranker(renamed)
    expected = {alias[name]: p for name, p in probabilities(before).items()}
    assert probabilities(after) == pytest.approx(expected, abs=1e-12)
    assert after.p_none == pytest.approx(before.p_none, abs=1e-12)
    assert alias[before.ranked[0].component.name] == after.ranked[0].component.name


def test_measures_nobody_knows_change_nothing(ranker: Asked, question: Question) -> None:
    more = tuple(
        replace(c, measures={**c.measures, "z_moon": float(i)})
        for i, c in enumerate(question.candidates)
    )
    assert ranker(replace(question, candidates=more)) == ranker(question)


def test_context_nobody_knows_changes_nothing(ranker: Asked, question: Question) -> None:
    wider = replace(question, context={**question.context, "weather": 7.0})
    assert ranker(wider) == ranker(question)


def test_a_question_without_candidates_is_declined(ranker: Asked) -> None:
    diagnosis = ranker(synthetic.question())
    assert diagnosis.ranked == ()
    assert diagnosis.p_none == 1.0
    assert diagnosis.abstained
    assert "no candidate" in diagnosis.reason


def test_candidates_without_any_measure_are_declined(ranker: Asked) -> None:
    bare = synthetic.question(synthetic.candidate("a"), synthetic.candidate("b"))
    diagnosis = ranker(bare)
    assert diagnosis.abstained
    assert "out of the ordinary" in diagnosis.reason
    assert len(diagnosis.ranked) == 2


def test_alerts_on_one_component_alone_are_enough_to_answer(ranker: Asked) -> None:
    alerting = synthetic.candidate(
        "a",
        alert_count=3.0,
        alert_share=1.0,
        alert_rules=2.0,
        alert_onset_s=0.0,
        alert_severity=4.0,
        alert_cause_share=1.0,
    )
    diagnosis = ranker(synthetic.question(synthetic.candidate("b"), alerting))
    assert diagnosis.ranked[0].component.name == "a"


@pytest.mark.parametrize("many", [1, 30])
def test_a_quiet_stranger_does_not_change_the_winner(
    ranker: Asked, question: Question, many: int
) -> None:
    strangers = tuple(
        synthetic.candidate(f"quiet-{i}", z_latency=0.4, z_cpu=0.2, page_rank=0.01)
        for i in range(many)
    )
    widened = replace(question, candidates=(*question.candidates, *strangers))
    before, after = ranker(question), ranker(widened)
    assert after.ranked[0].component == before.ranked[0].component


def test_reasons_are_named_and_bounded(ranker: Asked, question: Question) -> None:
    for ranked in ranker(question).ranked:
        sizes = [abs(value) for _, value in ranked.contributions]
        assert len(sizes) <= 8
        assert sizes == sorted(sizes, reverse=True)
        for name, _ in ranked.contributions:
            assert name in MEASURES or name.startswith(("rule ", "has "))


def test_an_answer_has_no_reason_and_a_refusal_has_one(ranker: Asked, question: Question) -> None:
    diagnosis = ranker(question)
    assert diagnosis.abstained == bool(diagnosis.reason)


def test_the_answer_names_the_version(ranker: Asked, question: Question) -> None:
    assert ranker(question).model_version == ranker.version  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["learned", "shipped"])
def test_a_ranker_survives_being_written_and_read(
    name: str, trained: TrainingResult, question: Question
) -> None:
    ranker = ranker_called(name, trained)
    assert isinstance(ranker, LearnedRanker)
    again = from_artefact(read_artefact(write_artefact(ranker.parameters, {})))
    assert again(question).ranked == ranker(question).ranked


numbers = st.floats(allow_nan=True, allow_infinity=True)
candidates = st.lists(
    st.builds(
        Candidate,
        component=st.builds(
            Component, name=st.text(max_size=5), kind=st.sampled_from(list(ComponentKind))
        ),
        measures=st.dictionaries(st.sampled_from(sorted(MEASURES)), numbers, max_size=20),
    ),
    max_size=6,
    unique_by=lambda c: c.component.name,
)


@pytest.mark.parametrize("name", FOUND)
@settings(max_examples=60, deadline=None)
@given(
    listed=candidates,
    context=st.dictionaries(st.sampled_from(sorted(CONTEXT)), numbers, max_size=8),
)
def test_any_numbers_get_an_answer(
    name: str, trained: TrainingResult, listed: list[Candidate], context: dict[str, float]
) -> None:
    ranker = ranker_called(name, trained)
    asked = Question(incident_id="i", at_ms=0, candidates=tuple(listed), context=context)
    diagnosis = ranker(asked)
    total = math.fsum([*(r.probability for r in diagnosis.ranked), diagnosis.p_none])
    assert total == pytest.approx(1.0)
    assert len(diagnosis.ranked) == len(listed)
