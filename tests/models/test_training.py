"""Training on rows with a known structure: it must find it, say how well, and repeat itself."""

from dataclasses import replace

import pytest

from models.artefact import read_artefact
from models.errors import ModelError
from models.ranker import from_artefact
from models.rules import RuleRanker
from models.training import TrainingConfig, TrainingResult, train
from schemas.candidate import Question
from tests.models import synthetic

FRESH = [
    (fault, seed, at) for fault in synthetic.FAULTS for seed in range(50, 60) for at in (30, 90)
]


def hits(rank, storms) -> float:  # type: ignore[no-untyped-def]
    right = 0
    for storm in storms:
        asked, root = synthetic.storm(*storm)
        right += rank(asked).ranked[0].component == root
    return right / len(storms)


def test_it_finds_what_is_there_in_cases_it_has_not_seen(trained: TrainingResult) -> None:
    assert hits(trained.ranker, FRESH) >= 0.9
    assert hits(trained.ranker, FRESH) >= hits(RuleRanker(), FRESH)


def test_the_report_predicts_how_well_it_does(trained: TrainingResult) -> None:
    late = [storm for storm in FRESH if storm[2] == 90]
    low, high = trained.report["splits"]["case"]["final"]["ci95_ac@1"]
    assert low - 0.05 <= hits(trained.ranker, late) <= high + 0.05


def test_confidence_means_what_it_says_on_fresh_cases(trained: TrainingResult) -> None:
    said, right = [], []
    for storm in FRESH:
        asked, root = synthetic.storm(*storm)
        best = trained.ranker(asked).ranked[0]
        said.append(best.probability)
        right.append(best.component == root)
    assert abs(sum(said) / len(said) - sum(right) / len(right)) < 0.1


def test_an_early_question_is_answered_less_surely_than_a_late_one(
    trained: TrainingResult,
) -> None:
    def mean_top(at: float) -> float:
        tops = [
            trained.ranker(synthetic.storm(f, s, at)[0]).ranked[0].probability
            for f in synthetic.FAULTS
            for s in range(50, 60)
        ]
        return sum(tops) / len(tops)

    assert mean_top(10.0) < mean_top(90.0)


def test_the_same_rows_in_any_order_give_the_same_bytes() -> None:
    some = synthetic.rows(range(4))
    one, two = train(some), train(some[::-1])
    assert one.artefact == two.artefact
    assert one.report == two.report


def test_the_artefact_brings_the_ranker_back(trained: TrainingResult) -> None:
    asked, _ = synthetic.storm("heap", 70, 60.0)
    again = from_artefact(read_artefact(trained.artefact))
    assert again(asked) == trained.ranker(asked)


def test_the_artefact_says_what_it_was_trained_on() -> None:
    result = train(synthetic.rows(range(3)), provenance={"simulator": {"version": 1}})
    said = read_artefact(result.artefact).provenance
    assert said["simulator"] == {"version": 1}
    assert said["figures"]["cases"] == 18
    assert said["figures"]["faults"] == dict.fromkeys(sorted(synthetic.FAULTS), 3)


def test_a_fault_that_was_never_trained_on_is_reported_apart(trained: TrainingResult) -> None:
    splits = trained.report["splits"]
    assert set(splits) == {"case", "fault", "topology"}
    assert set(splits["fault"]["by_fault"]) == set(synthetic.FAULTS)
    assert splits["fault"]["final"]["cases"] == trained.report["cases"]


def test_baselines_are_measured_on_the_same_cases(trained: TrainingResult) -> None:
    baselines = trained.report["baselines"]
    assert baselines["rules"]["final"]["cases"] == trained.report["cases"]
    assert baselines["chance"]["ac@1"] == pytest.approx(1 / 12, abs=1e-4)


def test_labels_that_mean_nothing_teach_nothing() -> None:
    shuffled = [
        replace(row, root=(7 * row.seed + len(row.fault)) % 12) for row in synthetic.rows(range(8))
    ]
    report = train(shuffled).report
    assert report["splits"]["case"]["final"]["ac@1"] < 0.3


def test_a_masked_root_is_answered_with_none_more_often(trained: TrainingResult) -> None:
    def p_none(asked: Question) -> float:
        return trained.ranker(asked).p_none

    with_root, without = [], []
    for seed in range(50, 60):
        asked, root = synthetic.storm("pool", seed, 90.0)
        with_root.append(p_none(asked))
        rest = tuple(c for c in asked.candidates if c.component != root)
        without.append(p_none(replace(asked, candidates=rest)))
    assert sum(without) > 2 * sum(with_root)


def test_patterns_are_measured_given_the_true_root(trained: TrainingResult) -> None:
    patterns = trained.report["patterns"]
    assert patterns["cases"] == trained.report["cases"]
    assert patterns["pattern@3"] >= patterns["pattern@1"] > 0.0


def test_too_little_to_learn_from_is_said_in_words() -> None:
    with pytest.raises(ModelError, match="at least two cases"):
        train(synthetic.rows(range(1), ("pool",)))


@pytest.mark.parametrize("wrong", [{"ridge": 0.0}, {"folds": 1}, {"fault_folds": 1}])
def test_a_config_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ModelError, match=r"training\."):
        TrainingConfig(**wrong)  # type: ignore[arg-type]


def test_every_key_is_documented() -> None:
    for field in TrainingConfig.__dataclass_fields__.values():
        assert field.metadata["doc"]


def test_progress_is_told_step_by_step() -> None:
    told: list[str] = []
    train(synthetic.rows(range(2)), progress=told.append)
    steps = [line.split()[0] for line in told if not line.startswith("growing")]
    assert steps == ["reading", "fitting"] + ["cross-validating"] * 3
