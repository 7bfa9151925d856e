from pathlib import Path

import orjson
import pytest

from agents.importers.tvdiag_events import AlertEvents, messages
from tests.agents.importers.imported import (
    alerts_in,
    assert_resolves,
    import_set,
    imported,
    incidents_of,
    judged,
    real_set,
)

LABELS = "index,instance,anomaly_type,data_type\n7,orders-1,[memory],train\n3,cart-0,cpu,test\n"
NODES = ["front-0", "orders-0", "orders-1", "orders-db-0", "cart-0", "lonely-0"]
METRICS = [
    ["orders-1", "10.0.0.1", "mem_usage", "up"],
    ["orders-1", "10.0.0.1", "cpu_usage", "down"],
]
TRACES = [
    ["-1", "front-0", "POST /", "PD"],
    ["front-0", "orders-1", "/orders", "PD"],
    ["front-0", "orders-1", "/orders", "500"],
]
LOGS = [["orders-1", "orders-1-34"]]
CALLS = [[0, 1], [0, 2], [1, 3], [2, 3], [0, 4], [2, 2]]


def write_suite(folder: Path, *, edges: list[list[int]] = CALLS, labels: str = LABELS) -> None:
    """A suite of our own making: case 7 is told in full, case 3 has a graph and no events."""
    raw = {
        "metrics": {"7": METRICS, "99": METRICS},
        "traces": {"7": TRACES, "3": []},
        "logs": {"7": LOGS},
        "nodes": {"7": NODES, "3": NODES, "99": NODES},
        "edges": {"7": edges, "3": edges},
    }
    (folder / "raw").mkdir(parents=True)
    (folder / "label.csv").write_text(labels, encoding="utf-8")
    for name, content in raw.items():
        (folder / "raw" / f"{name}.json").write_bytes(orjson.dumps(content))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("tvdiag")
    write_suite(tmp / "deep" / "Shop")
    return imported("tvdiag", tmp, tmp / "out")


@pytest.fixture(scope="module")
def case(cases):
    return cases["tvdiag/shop/7"]


def test_each_label_is_a_case_and_keys_without_a_label_are_none(cases):
    assert sorted(cases) == ["tvdiag/shop/3", "tvdiag/shop/7"]
    assert [c.provenance["split"] for c in cases.values()] == ["test", "train"]


def test_provenance_and_truth_keep_the_instance_whole(case):
    (fault,) = case.truth
    assert (fault.component, fault.pattern) == ("orders-1", "memory")
    assert fault.details == {"family": "k8s_workload"}
    told = case.provenance
    assert (told["suite"], told["granularity"], told["group"]) == (
        "tvdiag/shop",
        "instance",
        "orders-1/memory",
    )
    assert told["strata"] == {"fault": "memory"}
    assert told["protocol"] == {
        "window_start_ms": case.start_ms,
        "window_end_ms": case.end_ms,
        "onset_ms": case.start_ms + 60_000,
        "symptom": "",
        "candidates": sorted(NODES),
    }
    assert case.end_ms - case.start_ms == 150_000
    assert_resolves(case)


def test_every_event_is_an_alert_in_the_order_of_its_list(case):
    told = [
        ((alert.starts_ms - case.start_ms) / 1000, dict(alert.labels)) for alert in alerts_in(case)
    ]
    call = {"severity": "warning", "operation": "/orders", "service": "orders-1"}
    call |= {"source_workload": "front-0", "destination_workload": "orders-1"}
    assert [(at, labels) for at, labels in told if labels["alertname"] == "CallLatency"][1:] == [
        (80.0, {"alertname": "CallLatency", "status": "PD", **call})
    ]
    assert [(at, labels) for at, labels in told if labels["alertname"] == "CallErrors"] == [
        (100.0, {"alertname": "CallErrors", "status": "500", **call})
    ]
    assert told[0] == (
        60.0,
        {
            "alertname": "mem_usage_up",
            "service": "orders-1",
            "metric": "mem_usage",
            "direction": "up",
            "severity": "warning",
        },
    )
    assert [at for at, _ in told] == [60.0, 60.0, 60.0, 80.0, 90.0, 100.0]
    assert {labels["severity"] for _, labels in told} == {"warning", "info"}
    assert len({alert.fingerprint for alert in alerts_in(case)}) == len(told)


def test_nobody_is_called_outside(case):
    (first,) = [dict(a.labels) for a in alerts_in(case) if ("operation", "POST /") in a.labels]
    assert (first["source_workload"], first["service"]) == ("outside", "front-0")
    silent = messages(AlertEvents(metrics=[], traces=[["-1", "", "x", "PD"]], logs=[]), 0)
    assert b'"service":"outside"' in silent[0].value


def test_repeats_are_told_apart_and_no_more_than_twenty_are_kept():
    events = AlertEvents(metrics=[], traces=[], logs=[["a", "1"]] * 30)
    values = [message.value for message in messages(events, 0)]
    assert len(values) == 20
    assert len({orjson.loads(v)["alerts"][0]["fingerprint"] for v in values}) == 20
    assert b"occurrence" not in values[0]
    assert b'"occurrence":"20"' in values[-1]


def test_the_graph_has_kinds_and_no_calls_to_oneself(case):
    pairs = {(edge["caller"], edge["callee"]) for edge in case.graph["edges"]}
    assert pairs == {(NODES[a], NODES[b]) for a, b in CALLS if a != b}
    kinds = {each["name"]: each["kind"] for each in case.graph["components"]}
    assert kinds["orders-db-0"] == "database"
    assert kinds["lonely-0"] == "service"


def test_a_graph_of_both_ways_is_directed_by_the_calls_that_were_seen(tmp_path):
    write_suite(tmp_path / "shop", edges=[[0, 2], [2, 0], [1, 3], [3, 1]])
    case = imported("tvdiag", tmp_path, tmp_path / "out")["tvdiag/shop/7"]
    assert [(edge["caller"], edge["callee"]) for edge in case.graph["edges"]] == [
        ("front-0", "orders-1"),
        ("orders-0", "orders-db-0"),
        ("orders-db-0", "orders-0"),
    ]


def test_the_engine_groups_the_events_and_counts_them_by_component(case):
    (published,) = incidents_of(case).values()
    components = {c.component for c in published.incident.candidates}
    assert components >= {"orders-1", "front-0"}
    measures = judged(case)
    assert set(measures) == set(NODES)
    assert measures["orders-1"]["alert_count"] == 5
    assert measures["orders-1"]["alert_share"] > measures["front-0"]["alert_share"]
    assert measures["lonely-0"].get("alert_count", 0) == 0


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("label.csv", "index,instance\n7,orders-1\n", "expected at least ['anomaly_type'"),
        ("label.csv", LABELS + "8,cart-0,cpu,test\n", "label 8 of tvdiag's shop has no nodes"),
        ("raw/logs.json", "[1", "logs.json is no JSON"),
        ("raw/logs.json", "[]", "logs.json holds no object of lists keyed by case"),
        ("raw/traces.json", '{"7": [["a", "b"]]}', "an event ['a', 'b'], expected 4 texts"),
        ("raw/edges.json", '{"7": [[0, 77]], "3": []}', "case 7 has an edge [0, 77]"),
        ("raw/metrics.json", None, "metrics.json is not there, but tvdiag has it"),
    ],
)
def test_damaged_files_are_a_sentence(tmp_path, file, content, says):
    write_suite(tmp_path / "shop")
    (tmp_path / "shop" / file).unlink()
    if content is not None:
        (tmp_path / "shop" / file).write_text(content, encoding="utf-8")
    result = import_set("tvdiag", tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert says in result.stderr


@pytest.mark.parametrize("suite", ["gaia", "sockshop"])
def test_the_published_sets(tmp_path, suite):
    cases = imported("tvdiag", real_set(f"tvdiag/{suite}"), tmp_path, "--limit", 3)
    assert len(cases) == 3
    for name, case in cases.items():
        assert name.startswith(f"tvdiag/{suite}/")
        assert_resolves(case)
        protocol, root = case.provenance["protocol"], case.truth[0].component
        assert root in protocol["candidates"]
        assert set(judged(case)) == set(protocol["candidates"])
