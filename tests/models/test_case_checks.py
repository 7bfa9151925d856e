"""`check_library` finds each thing that is wrong with a row, and nothing in right ones."""

from dataclasses import replace

import orjson
import pytest

from models.case_checks import Checked, check_library
from models.case_library import shipped_files
from models.case_rows import encode_rows
from models.cases import CaseRow
from models.pattern_catalogue import default_catalogue
from tests.models import synthetic

UUID = "0c3a0f5e-6f0e-5b6a-9a37-2f3c4de5a601"


def a_row() -> CaseRow:
    return synthetic.rows(range(1), ("pool",))[0]


def check(*rows: CaseRow, file: str = "mine.jsonl") -> Checked:
    return check_text(b"".join(encode_rows(rows)), file)


def check_text(data: bytes, file: str = "mine.jsonl") -> Checked:
    return check_library([(file, data)], default_catalogue())


def with_words(row: CaseRow, *words: str) -> CaseRow:
    first, *others = row.candidates
    return replace(row, candidates=(replace(first, words=words), *others))


def test_rows_that_are_right_have_no_finding() -> None:
    checked = check(*synthetic.rows(range(2)))
    assert checked.findings == ()
    assert (checked.files, checked.rows, checked.cases) == (1, 36, 12)


def test_the_shipped_library_has_no_problem() -> None:
    assert check_library(shipped_files(), default_catalogue()).problems == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pattern": "db_sql.pg.conn_exhaustd"}, "did you mean db_sql.pg.conn_exhausted?"),
        ({"pattern": "zz"}, "docs/PATTERNS.md says how to add one"),
        ({"fault": "none"}, "expected neither where nothing was wrong"),
        ({"case": "http://shop.example/17"}, "looks like an address"),
        ({"topology": "10.0.0.7"}, "topology is '10.0.0.7', which looks like an address"),
        ({"fault": "ann@example.org"}, "fault is"),
    ],
    ids=str,
)
def test_a_wrong_field_is_a_problem(change: dict[str, object], words: str) -> None:
    (problem,) = check(replace(a_row(), **change)).problems
    assert words in problem.sentence
    assert (problem.file, problem.line) == ("mine.jsonl", 2)


def test_a_line_that_cannot_be_read_is_named_and_the_others_are_checked() -> None:
    good = b"".join(encode_rows([a_row()]))
    lines = good.splitlines()
    beyond = orjson.dumps({**orjson.loads(lines[1]), "root": 99})
    data = b"\n".join([lines[0], b"{", lines[1], beyond, b'{"case": 1}']) + b"\n"
    checked = check_text(data)
    assert [problem.line for problem in checked.problems] == [2, 4, 5]
    assert "not JSON" in checked.problems[0].sentence
    assert "place of a candidate, found 99" in checked.problems[1].sentence
    assert (checked.rows, checked.cases) == (4, 1)


@pytest.mark.parametrize("data", [b"", b"{}\n", b"\x00\xff", b'{"format": "else"}'])
def test_a_file_without_a_header_is_one_problem(data: bytes) -> None:
    (problem,) = check_text(data).problems
    assert "expected a header" in problem.sentence or "not JSON" in problem.sentence
    assert problem.line == 1


def test_an_unknown_measure_is_a_problem_and_a_missing_one_a_remark() -> None:
    header, line = b"".join(encode_rows([replace(a_row(), candidates=(), root=None)])).splitlines()
    names = orjson.loads(header)
    strange = orjson.dumps({**names, "measures": [*names["measures"], "z_moon"]})
    (problem,) = check_text(strange + b"\n" + line).problems
    assert "'z_moon' is not known" in problem.sentence
    older = orjson.dumps({**names, "measures": names["measures"][:-2]})
    checked = check_text(older + b"\n" + line)
    assert checked.problems == ()
    assert "written before 2 of" in checked.findings[0].sentence


def test_the_same_moment_twice_is_a_problem_whichever_file_has_it() -> None:
    data = b"".join(encode_rows([a_row()]))
    checked = check_library([("a.jsonl", data), ("b.jsonl", data)], default_catalogue())
    (problem,) = checked.problems
    assert (problem.file, problem.line) == ("b.jsonl", 2)
    assert "a.jsonl, line 2" in problem.sentence


def test_words_that_no_pattern_looks_for_may_be_names() -> None:
    row = with_words(a_row(), "checkout-of-acme")
    published = check(row)
    assert published.problems == ()
    assert "'checkout-of-acme'" in published.findings[0].sentence
    operators = replace(row, case=UUID, topology="env-0123456789ab", source="real")
    (problem,) = check(operators, file="verdicts-0.jsonl").problems
    assert "'checkout-of-acme'" in problem.sentence


@pytest.mark.parametrize(
    ("case", "topology", "right"),
    [
        (UUID, "env-0123456789ab", True),
        (UUID, "prod-eu", False),
        ("the outage of May", "env-0123456789ab", False),
    ],
)
def test_an_operators_case_is_named_by_its_incident_alone(
    case: str, topology: str, right: bool
) -> None:
    row = replace(a_row(), case=case, topology=topology, source="real")
    assert (check(row, file="verdicts-11.jsonl").problems == ()) is right
    assert check(row, file="mine.jsonl").problems == ()
