"""Cases behind patterns: each case once, by source; and the table of families in the docs."""

from dataclasses import replace
from pathlib import Path

from models.cases import CaseRow
from models.pattern_catalogue import default_catalogue
from models.pattern_counts import case_counts, families_table
from tests.models import synthetic

PAGE = Path(__file__).parents[2] / "docs" / "PATTERNS.md"
NONE = {"real": 0, "injected": 0, "simulated": 0}


def rows_of(fault: str, seeds: range) -> list[CaseRow]:
    return synthetic.rows(seeds, (fault,))


def test_a_case_counts_once_however_many_questions_it_asked() -> None:
    rows = rows_of("crash", range(3))
    assert len(rows) == 9
    assert case_counts(rows) == {"k8s_workload.crashloop": {**NONE, "simulated": 3}}


def test_sources_are_counted_apart() -> None:
    rows = rows_of("cpu", range(2))
    injected = [replace(row, source="injected") for row in rows]
    real = [replace(row, source="real") for row in rows if row.seed == 0]
    assert case_counts([*rows, *injected, *real]) == {
        "jvm.cpu.hot_method": {"real": 1, "injected": 2, "simulated": 2}
    }


def test_cases_of_one_name_on_two_systems_are_two() -> None:
    rows = rows_of("heap", range(1))
    elsewhere = [replace(row, topology="elsewhere") for row in rows]
    assert case_counts([*rows, *elsewhere])["jvm.gc.long_pause"]["simulated"] == 2


def test_rows_without_a_pattern_count_nowhere() -> None:
    assert case_counts([replace(row, pattern="") for row in rows_of("pool", range(2))]) == {}


def test_any_order_of_rows_gives_the_same_text() -> None:
    rows = synthetic.rows(range(2))
    assert str(case_counts(rows)) == str(case_counts(rows[::-1]))


def test_every_pattern_is_in_the_table_once() -> None:
    lines = families_table(default_catalogue()).splitlines()
    rows = [[int(cell) for cell in line.split("|")[2:-1]] for line in lines[2:]]
    *families, total = rows
    assert total == [sum(column) for column in zip(*families, strict=True)]
    assert all(patterns == sum(by_provenance) for patterns, *by_provenance in rows)
    assert total[0] == len(default_catalogue().patterns)


def test_the_table_in_the_docs_is_that_of_the_catalogue() -> None:
    assert families_table(default_catalogue()) in PAGE.read_text(encoding="utf-8")
