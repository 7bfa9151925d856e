"""The library as a whole: cases of many files, the verdict that stands, filters, counts."""

from dataclasses import replace

import pytest

from models.case_library import (
    CaseFilter,
    CaseLibrary,
    counts,
    library_of,
    read_library,
    shipped_files,
)
from models.case_rows import encode_rows
from models.cases import CaseRow
from models.errors import ModelError
from tests.models import synthetic


def rows_of(*faults: str, seeds: int = 2) -> list[CaseRow]:
    return synthetic.rows(range(seeds), faults)


def library(rows: list[CaseRow]) -> CaseLibrary:
    return library_of(("file", row) for row in rows)


def test_a_case_has_all_its_moments_in_order_and_the_last_counts() -> None:
    found = library(rows_of("pool")[::-1])
    assert [case.name for case in found.cases] == ["pool-0", "pool-1"]
    assert [row.elapsed_s for row in found.cases[0].rows] == [10.0, 30.0, 90.0]
    assert found.cases[0].last.elapsed_s == 90.0
    assert found.cases[0].family == "db_sql"


def test_any_order_of_rows_gives_the_same_library() -> None:
    rows = rows_of("pool", "heap", "crash")
    assert library(rows) == library(rows[::-1])


def test_of_two_verdicts_on_an_incident_the_later_one_stands() -> None:
    first = replace(rows_of("pool", seeds=1)[0], source="real", seed=1, root=0)
    later = replace(first, seed=2, root=None, pattern="", fault="none")
    found = library([later, first])
    assert [row.root for row in found.rows()] == [None]
    assert found.dropped == 1


def test_a_row_that_two_files_have_is_there_once() -> None:
    row = rows_of("pool", seeds=1)[0]
    found = library_of([("a", row), ("b", row)])
    assert len(found.cases) == 1
    assert (found.dropped, found.cases[0].file) == (1, "a")


def test_cases_of_one_name_on_two_systems_are_two_and_are_named_apart() -> None:
    row = rows_of("pool", seeds=1)[0]
    found = library([row, replace(row, topology="elsewhere")])
    assert len(found.named("pool-0")) == 2
    (case,) = found.named("elsewhere:pool-0")
    assert case.last.topology == "elsewhere"


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (CaseFilter(), ["crash-0", "heap-0", "pool-0", "query-0"]),
        (CaseFilter(family="db_sql"), ["pool-0", "query-0"]),
        (CaseFilter(pattern="db_sql.pg.conn_exhausted"), ["pool-0"]),
        (CaseFilter(pattern="db_sql.pg"), ["pool-0", "query-0"]),
        (CaseFilter(pattern="db_sql.p"), []),
        (CaseFilter(source="real"), []),
        (CaseFilter(system="t0", family="jvm"), ["heap-0"]),
        (CaseFilter(system="t1"), []),
    ],
    ids=str,
)
def test_filters_choose_by_what_a_case_is(wanted: CaseFilter, names: list[str]) -> None:
    found = library(rows_of("pool", "query", "heap", "crash", seeds=1))
    assert [case.name for case in found.matching(wanted)] == names


def test_a_system_wants_its_numbered_ones_and_a_numbered_one_only_itself() -> None:
    row = rows_of("pool", seeds=1)[0]
    found = library([replace(row, topology=f"random/{n}") for n in (1, 2)])
    assert len(found.matching(CaseFilter(system="random"))) == 2
    assert len(found.matching(CaseFilter(system="random/2"))) == 1


def test_counts_are_of_cases_not_of_rows() -> None:
    told = counts(library(rows_of("pool", "heap")).cases)
    assert told["source"] == {"simulated": 4}
    assert told["family"] == {"db_sql": 2, "jvm": 2}
    assert told["system"] == {"t0": 2, "t1": 2}


def test_files_are_read_together_and_a_bad_one_is_named() -> None:
    files = [(name, b"".join(encode_rows(rows_of(name)))) for name in ("pool", "heap")]
    assert len(read_library(files).cases) == 4
    with pytest.raises(ModelError, match=r"^broken: case rows, line 2: not JSON"):
        read_library([*files, ("broken", files[0][1].splitlines()[0] + b"\n{\n")])


def test_the_shipped_files_can_be_read() -> None:
    files = shipped_files()
    assert [name for name, _ in files] == sorted(name for name, _ in files)
    assert read_library(files).cases
