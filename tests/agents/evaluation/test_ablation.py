"""A block of measures taken out of questions: all of it goes, nothing else does."""

import pytest

from agents.evaluation.ablation import EACH, blocks_of, fold_without, without_block
from agents.evaluation.asked import Collected
from agents.evaluation.collect import Wanted, collect
from agents.evaluation.folds import Fold
from models.readings import BLOCKS, READINGS
from models.rules import RuleRanker
from tests.agents.evaluation.test_command import evaluated, run, written
from tests.agents.evaluation.worlds import healthy, recording

OF_BLOCK = {b: {r.measure for r in READINGS if r.block == b} for b in BLOCKS}


@pytest.fixture(scope="module")
def case() -> Collected:
    found = collect(recording(), Wanted(), RuleRanker())
    assert found is not None
    return found


def measures(case: Collected) -> set[str]:
    found = set()
    for inquiry in (case.online, case.published):
        assert inquiry is not None
        for timed in inquiry.questions:
            found |= {name for c in timed.question.candidates for name in c.measures}
    return found


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_goes_and_the_others_stay(case, block):
    assert measures(without_block(case, block)) == measures(case) - OF_BLOCK[block]


def test_there_is_something_to_take_out(case):
    there = {block for block in BLOCKS if measures(case) & OF_BLOCK[block]}
    assert {"alerts", "topics", "metrics", "topology"} <= there


def test_what_the_question_says_of_the_block_goes_with_it(case):
    assert case.online is not None
    context = case.online.last.context
    less = without_block(case, "metrics").online
    assert less is not None
    assert {"has_metrics", "max_z"} <= context.keys()
    assert less.last.context.keys() == context.keys() - {"has_metrics", "max_z"}


def test_a_case_without_an_incident_stays_one():
    found = collect(recording(alerts=()), Wanted(published=False), RuleRanker())
    assert found is not None
    assert without_block(found, "metrics") == found


def test_who_is_trained_is_trained_without_the_block_too(case):
    part = fold_without(Fold(held=(case,), training=(case,)), "metrics")
    for one in (*part.held, *part.training):
        assert not measures(one) & OF_BLOCK["metrics"]


def test_each_names_every_block_once():
    assert blocks_of((EACH, "spans")) == BLOCKS


def test_the_command_tells_what_each_block_is_worth(tmp_path):
    folder = written(tmp_path, [recording("stock"), recording("mail"), healthy()])
    options = ("--model", "rules", "--protocol", "published")
    blocks = ("--without", "alerts", "--without", "metrics")
    (suite,) = evaluated(folder, *options, *blocks)["suites"]
    assert list(suite["without"]) == ["alerts", "metrics"]
    assert suite["without"]["metrics"]["cases"] == suite["cases"] == 2
    whole = {key: suite[key] for key in ("ece", "brier")}
    assert any(suite["without"][b][k] != whole[k] for b in suite["without"] for k in whole)
    assert "without a block" in run(folder, *options, *blocks).stdout


def test_library_rows_that_keep_the_block_are_refused(tmp_path):
    result = run(tmp_path, "--without", "alerts", "--with-library", "--cross-validate", "2")
    assert result.exit_code != 0
    assert "expected one or the other" in result.stderr
