from pathlib import Path

import numpy as np
import pytest

from agents.recordings import read_recording
from tests.agents.importers.imported import (
    alerts_in,
    assert_resolves,
    import_set,
    imported,
    incidents_of,
    judged,
    real_set,
)

NORMAL_DAY, BAD_DAY = 1_652_000_000, 1_653_000_000


def write_case(folder: Path, *, root: str = "carts", seconds: int = 300) -> None:
    """Two files of our own making: `root` takes a whole core and answers late on the bad day."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for file, start in (("normal.csv", NORMAL_DAY), ("anomalous.csv", BAD_DAY)):
        lines = ["time,carts_cpu,carts-db_cpu,carts_mem,carts_lod,carts_lat_90,carts_strange"]
        for second in range(seconds):
            noise = rng.random(4)
            bad = file == "anomalous.csv"
            cpu = dict.fromkeys(("carts", "carts-db"), 2.0 + noise[0])
            late = 0.05 + 0.01 * noise[1]
            if bad:
                cpu[root], late = 99.0 + noise[0], 0.4 + 0.1 * noise[1]
            cells = (cpu["carts"], cpu["carts-db"], 3e8 + noise[2], 5 + noise[3], late, 1)
            lines.append(",".join(str(cell) for cell in (start + second, *cells)))
        (folder / file).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    tmp = tmp_path_factory.mktemp("rcd")
    write_case(tmp / "data" / "carts-cpu" / "3")
    return imported("rcd", tmp, tmp / "out")["rcd/sockshop/carts-cpu/3"]


def test_the_normal_file_is_put_right_before_the_anomalous_one(case):
    seconds = np.unique(case.metrics.time_ms) // 1000
    assert np.array_equal(seconds, np.arange(BAD_DAY - 300, BAD_DAY + 300))
    assert (case.start_ms, case.end_ms) == ((BAD_DAY - 300) * 1000, (BAD_DAY + 300) * 1000)
    assert case.resolution_seconds == 1.0


def test_provenance_and_truth_say_what_the_folder_says(case):
    onset = BAD_DAY * 1000
    assert case.provenance == {
        "kind": "injected",
        "set": "rcd",
        "suite": "rcd/sockshop",
        "system": "sockshop",
        "case": "carts-cpu/3",
        "split": "all",
        "strata": {"fault": "cpu"},
        "group": "carts-cpu",
        "licence": "none stated",
        "granularity": "service",
        "baseline": "shifted",
        "protocol": {
            "window_start_ms": onset,
            "window_end_ms": onset + 300_000,
            "onset_ms": onset,
            "symptom": "",
        },
    }
    (fault,) = case.truth
    assert (fault.component, fault.pattern, fault.start_ms) == ("carts", "cpu", onset)
    assert fault.details == {"family": "k8s_workload"}
    assert_resolves(case)


def test_columns_become_series_and_unknown_ones_are_left_out(case):
    assert sorted((s.name, dict(s.labels)["service"]) for s in case.metrics.table) == [
        ("container_cpu_usage_percent", "carts"),
        ("container_cpu_usage_percent", "carts-db"),
        ("container_memory_usage_bytes", "carts"),
        ("request_duration_seconds", "carts"),
        ("requests_rate", "carts"),
    ]


def test_the_rules_speak_of_the_root_alone_and_soon(case):
    alerts = alerts_in(case)
    rules = {(a.rule, dict(a.labels)["service"]) for a in alerts}
    assert rules == {("CpuHigh", "carts"), ("LatencyHigh", "carts"), ("LatencyRaised", "carts")}
    late_s = [(a.starts_ms - case.truth[0].start_ms) / 1000 for a in alerts]
    assert 0 < min(late_s) <= max(late_s) <= 45


def test_the_engine_opens_an_incident_and_measures_what_the_columns_mean(case):
    (published,) = incidents_of(case).values()
    assert [c.component for c in published.incident.candidates] == ["carts"]
    measures = judged(case)
    assert set(measures) == {"carts", "carts-db"}
    assert measures["carts"]["z_cpu"] > 10 > abs(measures["carts-db"].get("z_cpu", 0.0))
    assert measures["carts"]["z_latency"] > 10


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("anomalous.csv", "when,carts_cpu\n1,2\n", "expected `time` and at least a row"),
        ("anomalous.csv", "time,carts_cpu\n", "expected `time` and at least a row"),
        ("anomalous.csv", "time,carts_cpu\n1,2\n2\n", "anomalous.csv:3 has 1 cells, expected 2"),
        ("normal.csv", "time,carts_cpu\n1,lots\n", "normal.csv:2 holds no numbers"),
        ("normal.csv", None, "normal.csv is not there, but rcd has it"),
    ],
)
def test_damaged_files_are_a_sentence(tmp_path, name, text, says):
    folder = tmp_path / "carts-cpu" / "1"
    write_case(folder, seconds=5)
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text, encoding="utf-8")
    result = import_set("rcd", tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_case_folder_of_another_form_is_a_sentence(tmp_path):
    write_case(tmp_path / "strange" / "1", seconds=5)
    result = import_set("rcd", tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert "expected <service>-<fault> such as carts-cpu" in result.stderr


def test_the_published_set(tmp_path):
    cases = imported("rcd", real_set("rcd-sockshop"), tmp_path, "--limit", 6)
    assert len(cases) == 6
    for case in cases.values():
        assert_resolves(case)
        root = case.truth[0].component
        assert case.provenance["group"].startswith(root)
        assert root in judged(case)
    folder = next(iter(cases))
    assert read_recording(tmp_path / folder).truth == cases[folder].truth
