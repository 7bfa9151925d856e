"""Files of case rows that grow: whole lines, on the disk, whoever wrote them before."""

import multiprocessing
from dataclasses import replace

import orjson
import pytest

from agents.cases.case_file import CaseFile, Standing
from agents.cases.errors import CasesError
from models.case_rows import decode_rows
from tests.models import synthetic


def rows(count=3):
    return [replace(row, seed=1) for row in synthetic.rows(range(count), ("pool",))[2::3]]


def names(path):
    return [row.case for row in decode_rows(path.read_bytes())]


def test_rows_are_appended_under_one_header(tmp_path):
    path = tmp_path / "new" / "verdicts-0.jsonl"
    one, two, three = rows()
    CaseFile(path).append([one])
    CaseFile(path).append([two, three])
    assert names(path) == [one.case, two.case, three.case]
    CaseFile(path).append([])
    assert len(path.read_bytes().splitlines()) == 4


def test_nothing_is_made_until_something_is_appended(tmp_path):
    CaseFile(tmp_path / "a" / "b.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("torn", [b"{", b'{"case":"x"', b"\xff\xfe", b'{"a":1}\x00'])
def test_a_line_cut_short_is_taken_off_and_the_others_stay(tmp_path, torn):
    path = tmp_path / "f.jsonl"
    one, two, _ = rows()
    CaseFile(path).append([one])
    path.write_bytes(path.read_bytes() + torn)
    file = CaseFile(path)
    assert file.has(one.source, one.topology, one.case)
    file.append([two])
    assert names(path) == [one.case, two.case]


def test_a_header_cut_short_is_written_again(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b'{"format":"rootline.ca')
    one, _, _ = rows()
    CaseFile(path).append([one])
    assert names(path) == [one.case]


def test_a_last_line_without_an_end_is_kept(tmp_path):
    path = tmp_path / "f.jsonl"
    one, two, _ = rows()
    CaseFile(path).append([one])
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    CaseFile(path).append([two])
    assert names(path) == [one.case, two.case]


def test_a_file_of_a_version_with_fewer_measures_is_written_anew_with_its_numbers(tmp_path):
    path = tmp_path / "f.jsonl"
    one, two, _ = rows()
    CaseFile(path).append([one])
    header, line = path.read_bytes().splitlines()
    head, body = orjson.loads(header), orjson.loads(line)
    # The order of an older table: place 0 and 1 mean each other's measure.
    head["measures"][:2] = head["measures"][1::-1]
    for candidate in body["candidates"]:
        pairs = candidate[1]
        pairs[::2] = [{0: 1, 1: 0}.get(place, place) for place in pairs[::2]]
    path.write_bytes(orjson.dumps(head) + b"\n" + orjson.dumps(body) + b"\n")
    before = list(decode_rows(path.read_bytes()))
    CaseFile(path).append([two])
    after = list(decode_rows(path.read_bytes()))
    assert [after[0]] == before
    assert after[1].case == two.case
    assert path.read_bytes().splitlines()[0] == header
    assert [p.name for p in tmp_path.iterdir()] == ["f.jsonl"]


def test_how_a_verdict_stands_to_those_before(tmp_path):
    file = CaseFile(tmp_path / "f.jsonl")
    row = replace(rows()[0], seed=3)
    assert file.standing(row) is Standing.NEW
    file.append([row])
    for known in (file, CaseFile(file.path)):
        assert known.standing(row) is Standing.REPEATED
        assert known.standing(replace(row, root=None)) is Standing.CONTRADICTORY
        assert known.standing(replace(row, pattern="")) is Standing.CONTRADICTORY
        assert known.standing(replace(row, seed=2, root=None)) is Standing.OVERRULED
        assert known.standing(replace(row, seed=4, root=None)) is Standing.NEW
        assert known.standing(replace(row, topology="elsewhere")) is Standing.NEW


def test_a_file_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"shopping list\nmilk\n")
    with pytest.raises(CasesError, match="Nothing is appended"):
        CaseFile(path)
    assert path.read_bytes() == b"shopping list\nmilk\n"


def test_a_place_that_cannot_be_written_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(CasesError, match=r"cannot be (read|written)"):
        CaseFile(tmp_path / "file" / "f.jsonl").append(rows())


def _write(path, first):
    for n in range(20):
        row = replace(rows(1)[0], case=f"case-{first + n}")
        CaseFile(path).append([row])


@pytest.mark.integration
def test_two_writers_lose_nothing_of_each_other(tmp_path):
    path = tmp_path / "f.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, first)) for first in (0, 20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert sorted(names(path)) == sorted(f"case-{n}" for n in range(40))
