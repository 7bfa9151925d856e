"""Similar cases: those whose root stood out in the same things, whatever the system's scale."""

from dataclasses import replace

import pytest

from models.case_library import library_of
from models.case_similarity import signature_of, similar
from models.features import FEATURES, vectors
from schemas.candidate import Question
from tests.models import synthetic


def library(seeds: range):
    return library_of(("file", row) for row in synthetic.rows(seeds)).cases


def asked(fault: str, seed: int) -> tuple[Question, str]:
    question, root = synthetic.storm(fault, seed, 90.0)
    return question, root.name


@pytest.mark.parametrize("fault", sorted(synthetic.FAULTS))
def test_the_nearest_cases_are_of_the_same_fault(fault: str) -> None:
    question, root = asked(fault, seed=50)
    found = similar(library(range(6)), signature_of(question, root), 3)
    # The third may be a lookalike: what a root shows besides its fault is noise.
    assert [nearest.case.last.fault for nearest in found][:2] == [fault] * 2
    assert found[0].similarity >= found[-1].similarity > 0.5


def test_a_case_is_most_like_itself_and_what_is_shared_is_named() -> None:
    question, root = asked("pool", seed=3)
    nearest, *_ = similar(library(range(6)), signature_of(question, root), 2)
    assert nearest.case.name == "pool-3"
    assert nearest.similarity == pytest.approx(1.0)
    assert "pool_saturated" in nearest.shared


def test_magnitudes_do_not_count() -> None:
    question, root = asked("cpu", seed=7)
    louder = replace(
        question,
        candidates=tuple(
            replace(c, measures={m: v * 3 if m == "z_cpu" else v for m, v in c.measures.items()})
            for c in question.candidates
        ),
    )
    cases = library(range(4))
    one = similar(cases, signature_of(question, root), 4)
    two = similar(cases, signature_of(louder, root), 4)
    assert [n.case.name for n in one] == [n.case.name for n in two]


def test_evidence_alone_is_enough_when_nothing_was_measured() -> None:
    question, root = asked("crash", seed=50)
    bare = replace(
        question, candidates=tuple(replace(c, measures={}) for c in question.candidates)
    )
    found = similar(library(range(4)), signature_of(bare, root), 3)
    assert {nearest.case.last.fault for nearest in found} == {"crash"}


def test_only_roots_of_the_same_kind_are_compared() -> None:
    question, root = asked("query", seed=50)
    found = similar(library(range(3)), signature_of(question, root), 100)
    assert {nearest.case.last.fault for nearest in found} == {"pool", "query"}


def test_cases_without_a_root_and_candidates_that_show_nothing_are_like_nobody() -> None:
    rows = [replace(row, root=None) for row in synthetic.rows(range(2))]
    question, root = asked("pool", seed=1)
    cases = library_of(("file", row) for row in rows).cases
    assert similar(cases, signature_of(question, root), 5) == ()
    quiet = synthetic.question(synthetic.candidate("a"), synthetic.candidate("b", z_cpu=1.0))
    assert similar(library(range(2)), signature_of(quiet, "a"), 5) == ()


def test_a_stranger_has_no_signature() -> None:
    with pytest.raises(KeyError):
        signature_of(asked("pool", seed=1)[0], "nobody")


@pytest.mark.parametrize("fault", sorted(synthetic.FAULTS))
def test_a_signature_holds_the_percentiles_of_the_rankers_features(fault: str) -> None:
    question, root = asked(fault, seed=2)
    place = [c.component.name for c in question.candidates].index(root)
    columns = [i for i, name in enumerate(FEATURES.names) if name.endswith(":percentile")]
    expected = vectors(question)[place, columns]
    assert signature_of(question, root).measures.tolist() == expected.tolist()
    assert expected.any()
