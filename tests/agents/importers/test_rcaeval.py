"""RCAEval's cases by their published layout; the files are made here."""

import csv
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.given_window import question_of_window
from agents.importers.errors import LayoutError
from agents.importers.layout import recordings_of
from schemas.recording import Recording
from schemas.telemetry import SpanKind, SpanStatus
from tests.agents.importers.imported import real_set

INJECTED = 1_700_000_400
SERVICES = ("frontend", "cartservice", "redis")


def metric_rows(*, before: int = 660, after: int = 660, surge: float = 9.0):
    """A second a row; the cart service's CPU rises at the injection."""
    rng = np.random.default_rng(5)
    for second in range(INJECTED - before, INJECTED + after):
        row: dict[str, object] = {"time": second}
        for service in SERVICES:
            row[f"{service}_cpu"] = 1.0 + 0.05 * rng.random()
            row[f"{service}_mem"] = 5e7 + 1e5 * rng.random()
            row[f"{service}_latency-50"] = 99.0
            row[f"{service}_latency-90"] = 0.010 + 0.001 * rng.random()
            row[f"{service}_workload"] = 20 + rng.random()
        if second >= INJECTED:
            row["cartservice_cpu"] = surge
        row |= {"istio-proxy_cpu": 3, "gke-pool-1_cpu": 4, "PassthroughCluster_workload": 1}
        row["frontend_latency-90"] = "inf" if second % 7 == 0 else row["frontend_latency-90"]
        yield row


def write_case(src: Path, case: str, rows, *, table: str = "data.csv") -> Path:
    folder = src / case
    folder.mkdir(parents=True)
    rows = list(rows)
    with (folder / table).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (folder / "inject_time.txt").write_text(f"{INJECTED}\n")
    return folder


def only(src: Path) -> Recording:
    (found,) = recordings_of("rcaeval", src)
    return found


def write_traces(folder: Path, spans, columns: str) -> None:
    lines = [columns, *(",".join(map(str, span)) for span in spans)]
    (folder / "traces.csv").write_text("\n".join(lines) + "\n")


def test_a_case_says_where_it_comes_from_and_what_was_wrong(tmp_path):
    write_case(tmp_path, "RE1-OB/cartservice_cpu/3", metric_rows())
    recording = only(tmp_path)
    assert recording.provenance["suite"] == "rcaeval/RE1-OB"
    assert recording.provenance["case"] == "cartservice_cpu/3"
    assert recording.provenance["group"] == "cartservice/cpu"
    assert recording.provenance["protocol"] == {
        "window_start_ms": INJECTED * 1000,
        "window_end_ms": (INJECTED + 600) * 1000,
        "onset_ms": INJECTED * 1000,
        "symptom": "",
        "candidates": sorted(SERVICES),
    }
    (fault,) = recording.truth
    assert (fault.component, fault.pattern) == ("cartservice", "cpu")


def test_ten_minutes_on_each_side_of_the_injection_are_imported(tmp_path):
    write_case(tmp_path, "RE1-OB/cartservice_cpu/1", metric_rows())
    recording = only(tmp_path)
    times = recording.metrics.time_ms
    assert (times.min(), times.max()) == ((INJECTED - 600) * 1000, (INJECTED + 599) * 1000)
    assert recording.end_ms - recording.start_ms == 1_200_000


def test_one_latency_a_service_stands_for_all_quantiles_and_infinity_is_no_sample(tmp_path):
    write_case(tmp_path, "RE1-OB/cartservice_cpu/1", metric_rows())
    metrics = only(tmp_path).metrics
    latency = [i for i, s in enumerate(metrics.table) if "duration" in s.name]
    assert len(latency) == len(SERVICES)
    values = metrics.value[np.isin(metrics.series, latency)]
    assert values.max() < 0.02
    assert len(values) < 1200 * len(SERVICES)


def test_latencies_that_are_too_long_for_seconds_are_milliseconds(tmp_path):
    rows = [
        {k: v * 1000 if k.endswith("-90") and v != "inf" else v for k, v in row.items()}
        for row in metric_rows()
    ]
    write_case(tmp_path, "RE2-OB/cartservice_cpu/1", rows, table="simple_metrics.csv")
    metrics = only(tmp_path).metrics
    latency = [i for i, s in enumerate(metrics.table) if "duration" in s.name]
    assert metrics.value[np.isin(metrics.series, latency)].max() < 0.02


def test_columns_of_machines_and_sidecars_are_nobodys(tmp_path):
    write_case(tmp_path, "RE1-OB/cartservice_cpu/1", metric_rows())
    services = {dict(series.labels)["service"] for series in only(tmp_path).metrics.table}
    assert services == set(SERVICES)


def test_a_surge_is_alerted_on_and_shows_in_the_root_s_measures(tmp_path):
    write_case(tmp_path, "RE1-OB/cartservice_cpu/1", metric_rows())
    recording = only(tmp_path)
    fired = [a for m in recording.alerts for a in orjson.loads(m.value)["alerts"]]
    assert {(a["labels"]["alertname"], a["labels"]["service"]) for a in fired} == {
        ("CpuHigh", "cartservice")
    }
    z = {c.component.name: c.measures["z_cpu"] for c in question_of_window(recording).candidates}
    assert z["cartservice"] > 10 > max(z["frontend"], z["redis"])


def test_traces_become_calls_whichever_way_the_file_tells_the_start(tmp_path):
    start = INJECTED * 1_000
    spans = [
        ("t1", "a1", "", "frontend", "GET /cart", start, 9_000, 200),
        ("t1", "a2", "a1", "cartservice", "GetCart", start + 1, 5_000, 14),
        ("t2", "b1", "", "frontend", "GET /old", start - 700_000, 9_000, 200),
        ("cut", "off"),
    ]
    folder = write_case(tmp_path / "millis", "RE2-OB/cartservice_delay/1", metric_rows())
    columns = "traceID,spanID,parentSpanID,serviceName,operationName,{},duration,statusCode"
    write_traces(folder, spans, columns.format("startTimeMillis"))
    batch = only(tmp_path / "millis").spans
    kinds = sorted(batch.kind.tolist())
    assert kinds == [SpanKind.SERVER, SpanKind.SERVER, SpanKind.CLIENT]
    assert (batch.status == SpanStatus.ERROR).sum() == 2
    assert (batch.end_ns - batch.start_ns).max() == 9_000_000
    folder = write_case(tmp_path / "micros", "RE2-OB/cartservice_delay/1", metric_rows())
    micros = [(*s[:5], s[5] * 1000, *s[6:]) for s in spans if len(s) > 5]
    write_traces(folder, micros, columns.format("startTime"))
    again = only(tmp_path / "micros").spans
    assert again.start_ns.tolist() == batch.start_ns.tolist()


def test_the_table_that_rcaeval_ranks_on_comes_first(tmp_path):
    folder = write_case(tmp_path, "RE2-TT/cartservice_cpu/1", metric_rows())
    (folder / "simple_metrics.csv").write_text(f"time,ts-order-service_cpu\n{INJECTED},1\n")
    (series,) = only(tmp_path).metrics.table
    assert dict(series.labels)["service"] == "ts-order-service"


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda f: (f / "data.csv").unlink(), "simple_metrics.csv"),
        (lambda f: (f / "data.csv").write_text("a,b\n1,2\n"), "no column time"),
        (lambda f: (f / "inject_time.txt").write_text("soon"), "seconds since 1970"),
        (lambda f: (f / "traces.csv").write_text("a,b\n"), "startTimeMillis"),
        (lambda f: f.parent.rename(f.parent.with_name("cart")), "<service>_<fault>"),
    ],
)
def test_what_is_no_case_is_refused_with_what_was_expected(tmp_path, break_it, says):
    break_it(write_case(tmp_path, "RE1-OB/cartservice_cpu/1", metric_rows(before=5, after=5)))
    with pytest.raises(LayoutError, match=says):
        only(tmp_path)


def test_an_example_beside_the_cases_is_passed_over(tmp_path):
    write_case(tmp_path, "RE2-OB/cartservice_cpu/1", metric_rows(before=5, after=5))
    write_case(tmp_path, "RE2-OB/multi-source-data", metric_rows(before=5, after=5))
    assert only(tmp_path).provenance["case"] == "cartservice_cpu/1"


def test_the_real_set_is_read_where_it_is():
    first = next(iter(recordings_of("rcaeval", real_set("rcaeval"))))
    assert first.truth[0].component in first.provenance["protocol"]["candidates"]
