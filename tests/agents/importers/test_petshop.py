import shutil
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.importers.errors import LayoutError
from agents.importers.petshop_metrics import read_metrics
from schemas.recording import Recording
from tests.agents.importers.imported import (
    alerts_in,
    assert_resolves,
    import_set,
    imported,
    incidents_of,
    judged,
    real_set,
)

SITE, SEARCH, TABLE, TWIN = "Site", "Search_X::ECS", "pets_X::DynamoDB::Table", "search_x::ecs"
NODES = (SITE, SEARCH, TABLE, TWIN)
OURS = {
    SITE: "site",
    SEARCH: "search_x-ecs",
    TABLE: "pets_x-dynamodb-table",
    TWIN: "search_x-ecs-2",
}
EDGES = ((SITE, SEARCH), (SEARCH, TABLE), (SITE, TWIN))
NORMAL_S, ISSUE_S = 1_692_000_000, 1_681_000_000
WINDOWS = 9
COLUMNS = (
    ("latency", "Average"),
    ("latency", "p90"),
    ("latency", "p99"),
    ("requests", "Sum"),
    ("availability", "Average"),
)


def write_metrics(path: Path, start_s: int, rows: int, *, slow: tuple[str, ...] = ()) -> None:
    """Measurements of our own making; of the last three rows, `slow` ones are of trouble."""
    rng = np.random.default_rng(start_s)
    keys = [(node, *column) for column in COLUMNS for node in NODES]
    lines = [
        "microservice," + ",".join(key[0] for key in keys),
        "metric," + ",".join(key[1] for key in keys),
        "statistic," + ",".join(key[2] for key in keys),
        "unix_timestamp" + "," * len(keys),
    ]
    for row in range(rows):
        cells = [str(float(start_s + 300 * row))]
        for node, metric, _ in keys:
            bad = node in slow and row >= rows - 3
            value = {"latency": 0.05, "requests": 300.0, "availability": 100.0}[metric]
            value *= 1 + 0.02 * rng.standard_normal() if metric != "availability" else 1
            value *= {"latency": 6.0, "requests": 1.0, "availability": 0.8}[metric] if bad else 1
            cells.append("" if node == TWIN and metric == "latency" else str(value))
        lines.append(",".join(cells))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_suite(folder: Path, *, normal_rows: int = 280) -> None:
    lines = ["," + ",".join(NODES)]
    lines += [
        a + "," + ",".join("1.0" if (a, b) in EDGES else "0.0" for b in NODES) for a in NODES
    ]
    folder.mkdir(parents=True)
    (folder / "graph.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_metrics(folder / "noissue" / "metrics.csv", NORMAL_S, normal_rows)
    for split, number in (("train", 0), ("test", 4)):
        issue = folder / split / f"issue_{number}"
        write_metrics(issue / "metrics.csv", ISSUE_S, 5, slow=(SITE, SEARCH))
        target = {
            "target": {"node": SITE, "metric": "latency", "timestamp": ISSUE_S + 480},
            "root_cause": {"node": SEARCH, "metric": None},
            "metadata": {"reproducibility": {"command": "put-parameter --name searchdelay"}},
        }
        (issue / "target.json").write_bytes(orjson.dumps(target))


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> dict[str, Recording]:
    tmp = tmp_path_factory.mktemp("petshop")
    write_suite(tmp / "some_traffic")
    return imported("petshop", tmp, tmp / "out")


@pytest.fixture(scope="module")
def case(cases):
    return cases["petshop/some_traffic/test/issue_4"]


def test_issues_of_both_splits_and_healthy_pieces_and_windows_come_out(cases):
    healthy = [f"petshop/some_traffic/healthy/{n}" for n in range(1 + WINDOWS)]
    assert sorted(cases) == [
        *sorted(healthy),
        "petshop/some_traffic/test/issue_4",
        "petshop/some_traffic/train/issue_0",
    ]
    assert [c.provenance["split"] for _, c in sorted(cases.items())] == [
        *(["all"] * len(healthy)),
        "test",
        "train",
    ]


def test_a_healthy_window_asks_what_an_issue_asks(cases, case):
    window = cases["petshop/some_traffic/healthy/1"]
    assert window.truth == ()
    asked, given = window.provenance["protocol"], case.provenance["protocol"]
    assert (asked["symptom"], asked["candidates"]) == (given["symptom"], given["candidates"])
    assert window.provenance["strata"] == {"symptom": "latency"}
    assert asked["window_end_ms"] == window.end_ms
    length_ms = given["window_end_ms"] - given["onset_ms"]
    assert asked["window_end_ms"] - asked["onset_ms"] == length_ms
    # As much history as an issue has.
    times = np.unique(window.metrics.time_ms)
    assert (times <= asked["onset_ms"]).sum() == 120
    starts = [cases[f"petshop/some_traffic/healthy/{n}"].start_ms for n in range(1, 1 + WINDOWS)]
    assert set(np.diff(starts).tolist()) == {18 * 300_000}


def test_a_suite_without_issues_has_no_question_to_ask(tmp_path):
    write_suite(tmp_path / "calm")
    for split in ("train", "test"):
        shutil.rmtree(tmp_path / "calm" / split)
    assert list(imported("petshop", tmp_path, tmp_path / "out")) == ["petshop/calm/healthy/0"]


def test_time_runs_ten_times_as_fast_and_the_normal_period_comes_first(case):
    times = np.unique(case.metrics.time_ms)
    assert len(times) == 125
    assert set(np.diff(times).tolist()) == {30_000}
    # The issue's own file begins at its own time, and its first values come at their period's end.
    assert times[120] == ISSUE_S * 1000 + 30_000
    assert case.resolution_seconds == 30.0
    assert case.truth[0].start_ms == ISSUE_S * 1000 + 48_000
    assert case.start_ms == times[0] - 30_000


def test_provenance_says_how_the_set_asks(case):
    told = case.provenance
    assert (told["time_scale"], told["baseline"], told["granularity"]) == (10, "shifted", "node")
    assert told["strata"] == {"symptom": "latency"}
    assert told["group"] == "search_x-ecs/latency"
    assert told["licence"] == "CC-BY-4.0"
    assert told["protocol"] == {
        "window_start_ms": case.truth[0].start_ms,
        "window_end_ms": case.end_ms,
        "onset_ms": case.truth[0].start_ms,
        "symptom": "site",
        "candidates": sorted(OURS.values()),
    }
    assert case.truth[0].details == {"family": "code"}


def test_names_resolve_and_namesakes_are_told_apart(case):
    assert_resolves(case)
    names = {dict(series.labels)["service"] for series in case.metrics.table}
    assert names == set(OURS.values())
    assert case.truth[0].component == OURS[SEARCH]
    kinds = {each["name"]: each["kind"] for each in case.graph["components"]}
    assert kinds[OURS[TABLE]] == "database"
    assert {(e["caller"], e["callee"]) for e in case.graph["edges"]} == {
        (OURS[a], OURS[b]) for a, b in EDGES
    }


def test_columns_become_what_they_mean(case):
    metrics = case.metrics
    of_site = [(n, s) for n, s in enumerate(metrics.table) if ("service", OURS[SITE]) in s.labels]
    first = {
        (s.name, dict(s.labels).get("quantile", "")): metrics.value[metrics.series == n][-1]
        for n, s in of_site
    }
    assert sorted(first) == [
        ("available_ratio", ""),
        ("request_duration_seconds", ""),
        ("request_duration_seconds", "0.9"),
        ("request_errors_ratio", ""),
        ("requests_rate", ""),
    ]
    assert first["available_ratio", ""] == pytest.approx(0.8)
    assert first["request_errors_ratio", ""] == pytest.approx(0.2)
    assert first["requests_rate", ""] == pytest.approx(1.0, rel=0.1)
    assert first["request_duration_seconds", ""] == pytest.approx(0.3, rel=0.1)


def test_the_healthy_piece_has_no_fault_and_no_alerts(cases):
    healthy = cases["petshop/some_traffic/healthy/0"]
    assert healthy.truth == ()
    assert healthy.alerts == ()
    assert "protocol" not in healthy.provenance
    assert len(np.unique(healthy.metrics.time_ms)) == 150


def test_the_engine_finds_an_incident_with_the_root_in_it(case):
    assert {dict(a.labels)["service"] for a in alerts_in(case)} == {OURS[SITE], OURS[SEARCH]}
    (published,) = incidents_of(case).values()
    assert OURS[SEARCH] in [c.component for c in published.incident.candidates]
    measures = judged(case)
    assert set(measures) == set(OURS.values())
    root, table = measures[OURS[SEARCH]], measures[OURS[TABLE]]
    for name, least in (("z_latency", 20), ("z_errors", 6), ("z_availability", 3)):
        assert abs(root[name]) > least > abs(table.get(name, 0.0))


def test_requests_of_five_minutes_that_were_fewer_than_ten_are_not_alerted_on(tmp_path):
    write_suite(tmp_path / "rare", normal_rows=130)
    for path in tmp_path.rglob("metrics.csv"):
        lines = path.read_text().splitlines()
        heads = lines[1].split(",")
        rows = [line.split(",") for line in lines[4:]]
        few = [
            [("5" if h == "requests" else c) for h, c in zip(heads, r, strict=True)] for r in rows
        ]
        path.write_text("\n".join([*lines[:4], *(",".join(r) for r in few)]) + "\n")
    cases = imported("petshop", tmp_path, tmp_path / "out")
    assert all(case.alerts == () for case in cases.values())
    # Too few rows for a healthy piece, enough for a window.
    assert len(cases) == 3
    assert all("protocol" in case.provenance for case in cases.values())


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("graph.csv", ",a,b\na,0,lots\n", "graph.csv is no adjacency matrix"),
        ("graph.csv", ",a,b\na,0\n", "graph.csv is no adjacency matrix"),
        ("test/issue_4/target.json", "{}", "target.json tells no target and root cause"),
        ("test/issue_4/target.json", "[", "target.json tells no target and root cause"),
        ("noissue/metrics.csv", "a,b\nc,d\ne,f\ng,\n1,2\n", "expected the header rows"),
        ("noissue/metrics.csv", None, "noissue/metrics.csv is not there"),
        ("test/issue_4/metrics.csv", None, "issue_4/metrics.csv is not there"),
    ],
)
def test_damaged_files_are_a_sentence(tmp_path, file, content, says):
    write_suite(tmp_path / "suite", normal_rows=20)
    (tmp_path / "suite" / file).unlink()
    if content is not None:
        (tmp_path / "suite" / file).write_text(content, encoding="utf-8")
    result = import_set("petshop", tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_root_that_nothing_else_names_is_a_sentence(tmp_path):
    write_suite(tmp_path / "suite", normal_rows=20)
    path = tmp_path / "suite" / "test" / "issue_4" / "target.json"
    path.write_bytes(path.read_bytes().replace(SEARCH.encode(), b"Nobody"))
    result = import_set("petshop", tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert "names 'Nobody', which no graph or metrics file has" in result.stderr


def test_rows_that_are_not_five_minutes_apart_are_a_sentence(tmp_path):
    write_metrics(tmp_path / "m.csv", ISSUE_S, 5)
    text = (tmp_path / "m.csv").read_text().replace(f"{float(ISSUE_S + 600)}", f"{ISSUE_S + 601}")
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(LayoutError, match="has rows that are not 300 s apart"):
        read_metrics(tmp_path / "m.csv")


def test_the_published_suite(tmp_path):
    cases = imported("petshop", real_set("petshop"), tmp_path, "--limit", 3)
    assert len(cases) == 3
    for case in cases.values():
        assert_resolves(case)
        protocol = case.provenance["protocol"]
        assert case.truth[0].component in protocol["candidates"]
        measures = judged(case)
        assert set(measures) == set(protocol["candidates"])
        assert "z_latency" in measures[case.truth[0].component]
