"""`rootline evaluate` from the command line to its JSON and tables."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.cli import main
from agents.recordings import write_recording
from schemas.recording import Recording
from tests.agents.evaluation.worlds import healthy, recording

FIGURES = ("ac@1", "ac@3", "ac@5", "avg@5", "mrr")


def written(folder: Path, recordings: Sequence[Recording]) -> Path:
    for one in recordings:
        write_recording(one, folder / one.provenance["case"])
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments), "--jobs", "1"])


def evaluated(*arguments: str | Path) -> dict:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return orjson.loads(result.stdout)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cases = [recording(root, n) for root in ("stock", "cart", "mail") for n in (1, 2)]
    silent = recording("stock", 3, alerts=(), provenance={"strata": {"symptom": "none"}})
    return written(tmp_path_factory.mktemp("suite"), [*cases, silent, healthy()])


@pytest.fixture(scope="module")
def figures(suite: Path) -> dict:
    return evaluated(suite, "--model", "rules", "--baselines")


def test_each_suite_has_a_part_for_each_protocol(figures):
    parts = [(s["suite"], s["system"], s["protocol"], s["cases"]) for s in figures["suites"]]
    assert parts == [("toy/shop", "toy", "online", 7), ("toy/shop", "toy", "published", 7)]
    assert figures["model"] == "rules"
    assert figures["recordings"] == 8


def test_a_suite_has_the_figures_of_the_contract(figures):
    for suite in figures["suites"]:
        assert all(0.0 <= suite[name] <= 1.0 for name in (*FIGURES, "ece", "brier"))
        low, high = suite["ci95_ac@1"]
        assert low <= suite["ac@1"] <= high
        assert suite["trained_on"] is False  # the rules never are
        assert suite["reliability"]
        assert suite["risk_coverage"]
        for baseline in suite["baselines"].values():
            assert baseline is None or all(name in baseline for name in FIGURES)


def test_a_case_without_an_incident_is_a_miss_online_and_a_stratum_of_its_own(figures):
    online, published = figures["suites"]
    assert online["answered"] == 6
    assert published["answered"] == 7
    assert online["strata"]["symptom=none"]["ac@5"] == 0.0
    assert online["strata"]["symptom=latency"]["cases"] == 6
    reasons = {f["case"]: f["why"] for f in online["failures"]}
    assert reasons["toy/shop/stock/3"] == "no incident"


def test_baselines_are_on_the_same_cases(figures):
    online, published = figures["suites"]
    assert published["baselines"]["chance"]["ac@1"] == pytest.approx(1 / 4)
    assert published["baselines"]["baro"]["ac@1"] == 1.0
    assert published["baselines"]["spectrum"] is None
    assert published["baselines"]["latency_ratio"]["ac@1"] == 1.0
    assert published["hard"] == {"cases": 0}
    for suite in (online, published):
        counts = {b["cases"] for b in suite["baselines"].values() if b is not None}
        assert counts == {7}
    # The three cases of stock see three roots tie, two of each; the others see stock three times.
    assert published["baselines"]["label_prior"]["ac@1"] == pytest.approx(1 / 7, abs=1e-6)


def test_healthy_recordings_give_false_incidents_and_specificity(figures):
    online = figures["suites"][0]["healthy"]
    assert online["recordings"] == 1
    assert online["false_incidents"] == online["blaming"] == 0
    assert online["specificity"] == 1.0
    assert online["hours"] == pytest.approx(7 / 60, abs=1e-6)


def test_online_figures_say_when_answers_became_right(figures):
    online, published = figures["suites"]
    assert online["seconds_to_first_correct"]["cases"] >= 1
    assert online["seconds_to_first_correct"]["median"] >= 10
    assert online["revisions"]["median"] >= 1
    assert "seconds_to_stable" not in published


def test_one_protocol_can_be_asked_for(suite):
    result = evaluated(suite / "cart", "--protocol", "published", "--model", "rules")
    assert [s["protocol"] for s in result["suites"]] == ["published"]
    assert "baselines" not in result["suites"][0]


def test_tables_fit_a_terminal(suite):
    result = run(suite / "cart", "--model", "rules", "--baselines")
    assert result.exit_code == 0, result.stderr
    assert "toy/shop" in result.stdout
    assert "baro" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folders = [tmp_path_factory.mktemp(name) for name in ("learn", "answer")]
    for place, folder in enumerate(folders):
        written(folder, [recording(root, place) for root in ("stock", "cart", "mail")])
    return folders[0], folders[1]


def test_a_ranker_can_be_trained_on_other_recordings(pairs):
    learn, answer = pairs
    result = evaluated(answer, "--train-on", learn, "--protocol", "published")
    (suite,) = result["suites"]
    assert result["model"] == "trained on --train-on"
    assert suite["cases"] == 3
    assert suite["ac@1"] == 1.0
    assert suite["trained_on"] is True


def test_what_is_learnt_from_is_not_answered(pairs):
    learn, _ = pairs
    result = run(learn, "--train-on", learn)
    assert result.exit_code == 2
    assert "--cross-validate" in result.stderr
    assert "expected different recordings" in result.stderr


def test_a_copy_of_what_is_learnt_from_is_not_answered_either(pairs, tmp_path):
    learn, _ = pairs
    copy = shutil.copytree(learn, tmp_path / "copy")
    result = run(copy, "--train-on", learn, "--protocol", "published")
    assert result.exit_code == 2
    assert "toy/shop/cart/0" in result.stderr


def test_cross_validation_and_splits_train_without_what_they_ask(pairs):
    learn, answer = pairs
    result = evaluated(
        *(learn, answer, "--cross-validate", "3", "--split", "leave-one-root-out"),
        *("--split", "leave-one-system-out", "--folds", "3", "--protocol", "published"),
    )
    (suite,) = result["suites"]
    assert result["model"] == "cross-validated by group in 3 folds"
    assert suite["cases"] == 6
    assert set(suite["splits"]) == {"leave-one-root-out"}
    assert suite["splits"]["leave-one-root-out"]["cases"] == 6
    assert any("leave-one-system-out" in note for note in result["notes"])


@pytest.mark.integration
def test_two_processes_find_what_one_finds(pairs):
    learn, _ = pairs
    alone, shared = (
        orjson.loads(
            CliRunner()
            .invoke(main, ["evaluate", str(learn), "--model", "rules", "--json", "--jobs", jobs])
            .stdout
        )
        for jobs in ("1", "2")
    )
    assert alone["suites"] == shared["suites"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "--model", "rules"], "holds no recording"),
        ([".", "--model", "rules", "--cross-validate", "2"], "expected one or the other"),
        ([".", "--model", "nowhere.json"], "cannot be read"),
    ],
    ids=["no recording", "two rankers", "no model"],
)
def test_what_cannot_be_evaluated_gets_a_sentence(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_recordings_without_a_truth_are_no_evaluation(tmp_path):
    folder = written(tmp_path, [recording("stock", truth=None)])
    result = run(folder, "--model", "rules")
    assert result.exit_code == 2
    assert "truth.json" in result.stderr
