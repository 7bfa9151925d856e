"""`rootline cases` as its users call it, over the library that ships and one of their own."""

from dataclasses import asdict, replace

import orjson
import pytest
from click.testing import CliRunner

from agents.cases.case_file import CaseFile
from agents.cli import main
from agents.offline import run_offline
from agents.recordings import read_recording, write_recording
from models.case_library import read_library
from models.rules import RuleRanker
from models.simulator.config import SimulationConfig
from models.simulator.simulate import simulate
from pipeline.outputs import IncidentPublished
from tests.models import synthetic

SHORT = SimulationConfig(warmup_seconds=240, storm_seconds=210, request_rate=8)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["cases", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


def told(*arguments, code=0):
    return orjson.loads(run(*arguments, "--json", code=code))


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    CaseFile(folder / "mine.jsonl").append(synthetic.rows(range(2)))
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recording") / "crash"
    write_recording(simulate("crash_loop", seed=3, topology="shop", config=SHORT), folder)
    return folder


def test_the_shipped_cases_are_listed_and_counted():
    assert "cases:" in run("list").splitlines()[-1]
    found = told("list", "--counts")
    assert found["total"] == found["of"] == sum(found["counts"]["source"].values()) > 100
    assert found["cases"] == []


def test_own_cases_join_the_shipped_ones_or_stand_alone(own):
    shipped = told("list", "--counts")["total"]
    assert told("list", "--library", own)["total"] == shipped + 12
    alone = told("list", "--library", own, "--own", "--family", "db_sql")
    assert [case["case"] for case in alone["cases"]] == ["pool-0", "query-0", "pool-1", "query-1"]
    assert alone["cases"][0]["root_kind"] == "database"
    assert alone["cases"][0]["moments"] == [10.0, 30.0, 90.0]


def test_the_folder_of_the_settings_is_taken(own, tmp_path):
    config = tmp_path / "rootline.toml"
    config.write_text(f'[cases]\nlibrary_dir = "{own}"\n', encoding="utf-8")
    assert told("list", "--own", "--config", config)["total"] == 12


def test_a_list_says_how_many_it_does_not_show(own):
    text = run("list", "--library", own, "--own", "--limit", "3")
    assert "12 of 12 cases: 12 simulated; 9 are not shown" in text.replace("\n", " ")
    assert "--counts` says what there is" in run("list", "--own", "--pattern", "x").replace(
        "\n", " "
    )


def test_a_case_is_shown_with_its_verdict_and_the_roots_evidence(own):
    text = run("show", "pool-1", "--library", own, "--own")
    for words in ("db_sql.pg.conn_exhausted", "a database, of 12 candidates", "pool_saturated"):
        assert words in text
    (question, *_) = told("show", "pool-1", "--library", own, "--own")["questions"]
    root = question["candidates"][question["root"]]
    assert root["kind"] == "database"
    assert "pool_saturated" in root["evidence"]


def test_a_case_that_is_not_there_is_guessed_at(own):
    assert "did you mean pool-1" in run("show", "pool-11", "--own", "--library", own, code=2)
    assert "has all" in run("show", "?", "--own", "--library", own, code=2)


def test_a_folder_that_is_none_is_said(tmp_path):
    assert "is no folder" in run("list", "--library", tmp_path / "none", code=2)


def test_verify_ends_with_1_when_a_row_is_wrong(own):
    assert run("verify", "--own", "--library", own).strip().endswith("fine")
    bad = replace(synthetic.rows(range(1))[0], pattern="db_sql.moon", case="bad")
    CaseFile(own / "bad.jsonl").append([bad])
    text = run("verify", "--own", "--library", own, code=1)
    assert "problem bad.jsonl:2 case bad has the pattern 'db_sql.moon'" in text
    checked = told("verify", "--own", "--library", own, code=1)
    assert (checked["files"], checked["cases"], len(checked["problems"])) == (2, 13, 1)


def test_verify_goes_on_where_list_must_stop(own):
    (own / "broken.jsonl").write_bytes(b"{\n")
    assert "broken.jsonl: case rows, line 1: not JSON" in run("list", "--library", own, code=2)
    assert len(told("verify", "--own", "--library", own, code=1)["problems"]) == 1


def test_a_recording_becomes_a_case_once_and_names_nobody(recording, own):
    first = told("add", recording, "--library", own)
    assert first["added"] == ["simulated/shop/crash_loop/3"]
    assert first["rows"] > 1
    again = told("add", recording, "--library", own)
    assert (again["rows"], again["known"]) == (0, first["added"])
    (case,) = read_library([("a", (own / "added.jsonl").read_bytes())]).cases
    assert case.last.pattern == "k8s_workload.crashloop"
    assert case.last.root is not None
    names = {fault["component"] for fault in truth_of(recording)}
    assert not any(name in repr(case) for name in names)
    assert not told("verify", "--own", "--library", own)["problems"]


@pytest.fixture(scope="module")
def incident(recording):
    """Give the last revision of the largest incident."""
    outputs = run_offline(read_recording(recording), RuleRanker()).outputs
    incidents = [o.incident for o in outputs if isinstance(o, IncidentPublished)]
    return max(incidents, key=lambda i: (i.alert_count, i.revision))


def truth_of(recording):
    return orjson.loads((recording / "truth.json").read_bytes())["faults"]


def test_adding_wants_a_truth_and_a_place(recording, tmp_path):
    assert "where to is not known" in run("add", recording, code=2)
    untold = tmp_path / "untold"
    write_recording(
        replace(simulate("none", seed=1, topology="shop", config=SHORT), truth=None), untold
    )
    text = run("add", untold, "--to", tmp_path / "f.jsonl", code=2)
    assert "does not say what was wrong" in text


def test_similar_cases_of_a_published_incident_come_with_first_actions(
    recording, incident, tmp_path
):
    path = tmp_path / "incident.json"
    path.write_bytes(orjson.dumps(asdict(incident)))
    (root,) = {fault["component"] for fault in truth_of(recording)}
    found = told("similar", path, "--component", root)
    assert found["component"] == root
    # A container that is killed over and over looks the same from outside.
    assert found["cases"][0]["pattern"].startswith("k8s_workload.")
    assert found["cases"][0]["first_actions"]
    scores = [case["similarity"] for case in found["cases"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    # A line of `rootline replay --json` holds the incident within it.
    path.write_bytes(orjson.dumps({"transition": "updated", "incident": asdict(incident)}))
    assert told("similar", path, "--component", root) == found
    assert "first:" in run("similar", path, "--component", root)
    assert "is no candidate of incident" in run("similar", path, "--component", "x", code=2)


def test_similar_cases_of_a_recording_are_of_the_same_pattern(recording):
    (root,) = {fault["component"] for fault in truth_of(recording)}
    found = told("similar", recording, "--component", root, "--limit", "1")
    # A container that is killed over and over looks the same from outside.
    assert found["cases"][0]["pattern"].startswith("k8s_workload.")


@pytest.mark.parametrize("content", [b"{", b"{}", b"[]", b'{"incident": {}}'])
def test_what_is_no_incident_is_said(tmp_path, content):
    path = tmp_path / "incident.json"
    path.write_bytes(content)
    assert "incident" in run("similar", path, code=2)
