"""The tables of docs/EVALUATION.md: filled between markers, the rest of the page untouched."""

from pathlib import Path

import orjson
import pytest

from agents.evaluation.errors import EvaluationError
from agents.evaluation.report import Run
from agents.evaluation.report_markdown import TABLES, main, renewed
from tests.agents.evaluation.test_command import evaluated, written
from tests.agents.evaluation.worlds import healthy, recording

PAGE = Path(__file__).parents[3] / "docs" / "EVALUATION.md"
BEFORE = "# Page\n\n<!-- table {kind} toy -->\nold\n<!-- end -->\n\nafter\n"


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> dict:
    cases = [recording("stock"), recording("mail"), healthy(), recording("cart", 2, alerts=())]
    folder = written(tmp_path_factory.mktemp("suite"), cases)
    return evaluated(folder, "--model", "rules", "--baselines", "--without", "metrics")


@pytest.mark.parametrize("kind", TABLES)
def test_each_table_is_well_formed_and_stands_between_its_markers(figures, kind):
    page = renewed(BEFORE.format(kind=kind), [Run(name="toy", figures=figures)])
    assert page.startswith(f"# Page\n\n<!-- table {kind} toy -->\n\n")
    assert page.endswith("\n<!-- end -->\n\nafter\n")
    assert "old" not in page
    widths = {line.count("|") for line in page.splitlines() if line.startswith("|")}
    assert len(widths) <= 1


@pytest.mark.parametrize("kind", ["suites", "baselines", "parts", "without", "failures", "calm"])
def test_what_was_measured_is_in_its_table(figures, kind):
    page = renewed(BEFORE.format(kind=kind), [Run(name="toy", figures=figures)])
    assert "| toy/shop" in page


def test_renewing_twice_changes_nothing(figures):
    runs = [Run(name="toy", figures=figures)]
    once = renewed(BEFORE.format(kind="suites"), runs)
    assert renewed(once, runs) == once


def test_tables_of_other_runs_stay(figures):
    page = BEFORE.format(kind="suites")
    assert renewed(page, [Run(name="other", figures=figures)]) == page


def test_an_unknown_table_is_refused(figures):
    with pytest.raises(EvaluationError, match="there is no table nothing"):
        renewed(BEFORE.format(kind="nothing"), [Run(name="toy", figures=figures)])


def test_a_hostile_name_ends_no_cell_and_begins_no_markup(figures):
    suites = [{**s, "suite": "a|b<b>[x](y)"} for s in figures["suites"]]
    page = renewed(
        BEFORE.format(kind="suites"), [Run(name="toy", figures={**figures, "suites": suites})]
    )
    assert r"a\|b\<b\>\[x\](y)" in page


def test_the_page_of_the_docs_names_only_tables_that_there_are(figures, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    file = tmp_path / "toy.json"
    file.write_bytes(orjson.dumps(figures))
    assert main([str(file)], page) == 0
    assert page.read_text(encoding="utf-8") == PAGE.read_text(encoding="utf-8")
