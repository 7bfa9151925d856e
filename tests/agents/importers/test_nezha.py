"""Nezha's layout; the shop, its day and its faults are made here."""

import csv
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.importers.errors import LayoutError
from agents.importers.layout import recordings_of
from agents.importers.nezha_baseline import BASELINE_MS, FAULT_MS, Piece, pieces_before
from agents.importers.nezha_files import FAULT_LIST
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.spans import SpanReducer
from schemas.component import ComponentKind
from schemas.recording import Recording
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import SpanKind, SpanStatus
from tests.agents.importers.imported import assert_resolves, import_set, judged, real_set

DAY = "2030-01-02"
PODS = {
    "web": "web-5f55b6cf68-77cfw",
    "cart": "cart-866bd68c97-xcqfx",
    "stock": "stock-786f864768-dqjwx",
}
FIRST, SECOND = "10:12:30", "10:42:30"


def at(clock: str) -> int:
    return int(datetime.fromisoformat(f"{DAY}T{clock}").replace(tzinfo=UTC).timestamp())


def request(rng: random.Random, second: float, *, slow: bool, page: bool):
    """One request: web -> cart -> stock -> its database; the cart may be slow or give up."""
    trace = f"{rng.getrandbits(128):032x}"
    ids = [f"{rng.getrandbits(64):016x}" for _ in range(7)]
    start = int(second * 1e9)

    def span(number: int, parent: int | None, service: str, name: str, times: tuple[float, float]):
        above = "root" if parent is None else ids[parent]
        begin, end = (start + int(ms * 1e6) for ms in times)
        return (trace, ids[number], above, PODS[service], name, begin, end, (end - begin) // 1000)

    work = 400.0 if slow else 20.0 + 5.0 * rng.random()
    yield span(0, None, "web", "/cart", (0, work + 20))
    yield span(1, 0, "web", "HTTP GET", (2, work + 15))
    yield span(2, 1, "cart", "/api/cart", (4, work + 12))
    yield span(3, 2, "cart", "CartController.list", (5, work + 11))
    if page:
        yield span(4, 2, "cart", "BasicErrorController.error", (work + 11, work + 12))
        return
    # The cart's controller calls without a span of its own for it.
    yield span(5, 3, "stock", "/api/stock", (8, 14))
    yield span(6, 5, "stock", "SELECT shop.items", (9, 13))


def write_trace(folder: Path, clock: str, spans) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    header = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano"
    lines = [f"{header},Duration", *(",".join(map(str, span)) for span in spans)]
    name = f"{clock[:2]}_{clock[3:5]}_trace.csv"
    (folder / name).write_text("\n".join(lines) + "\n")


def requests_of(rng: random.Random, start: int, seconds: int, *, fault: int = 0):
    for step in range(seconds * 2):
        second = start + step / 2
        bad = bool(fault) and second >= fault
        yield from request(rng, second, slow=bad, page=bad and step % 4 == 0)


def write_metrics(folder: Path, *, busy: tuple[int, int]) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    for service, pod in PODS.items():
        rows = []
        for second in range(at("08:41:09"), at("12:00:00"), 60):
            high = service == "cart" and busy[0] < second < busy[1] + 60
            time = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M:%S}.1 +0000 UTC m=+0.9"
            rows.append(
                {
                    "Time": time,
                    "TimeStamp": second - 8 * 3600,
                    "PodName": pod,
                    "CpuUsage(m)": 480.0 if high else 5.0 + rng.random(),
                    "MemoryUsage(Mi)": 400 + rng.random(),
                    "PodServerLatencyP90(s)": "NaN" if second // 60 % 3 == 0 else 0.03,
                    "PodWorkload(Ops)": 2.0,
                    "PodSuccessRate(%)": 0,
                }
            )
        with (folder / f"{pod}_metric.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (folder / "front_service.csv").write_text("Time,TimeStamp\n")


def write_set(src: Path) -> Path:
    """A day with two faults of the cart, a minute before each, and one declared normal."""
    rng = random.Random(4)
    day = src / "rca_data" / DAY
    for clock in (FIRST, SECOND):
        fault = at(clock)
        before = list(requests_of(rng, fault - 80, 80))
        write_trace(day / "trace", clock, before)
        # The next file repeats what the one before already had.
        after = requests_of(rng, fault, 90, fault=fault)
        write_trace(day / "trace", f"{clock[:3]}{int(clock[3:5]) + 1}:00", [*before[:30], *after])
    write_trace(
        src / "construct_data" / DAY / "trace", "10:02:00", requests_of(rng, at("10:00:00"), 240)
    )
    write_metrics(day / "metric", busy=(at(SECOND), at(SECOND) + 180))
    listed = [
        {
            "inject_time": f"{DAY} {clock}",
            "inject_timestamp": str(at("02:00:00")),
            "inject_pod": PODS["cart"],
            "inject_type": kind,
        }
        for clock, kind in ((FIRST, "exception"), (SECOND, "cpu_contention"))
    ]
    (day / f"{DAY}-fault_list.json").write_bytes(orjson.dumps({"10": listed}))
    return src


@pytest.fixture(scope="module")
def src(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("nezha"))


@pytest.fixture(scope="module")
def cases(src) -> list[Recording]:
    return list(recordings_of("nezha", src))


def test_each_fault_is_a_case_at_the_time_that_the_list_spells_out(cases):
    assert [c.provenance["case"] for c in cases] == [
        f"{DAY}/01-cart-exception",
        f"{DAY}/02-cart-cpu_contention",
    ]
    assert [c.truth[0].start_ms for c in cases] == [at(FIRST) * 1000, at(SECOND) * 1000]
    for case in cases:
        assert_resolves(case)
        assert case.provenance["suite"] == "nezha/onlineboutique"
        assert case.provenance["protocol"]["candidates"] == ["cart", "stock", "web"]
        assert case.end_ms - case.truth[0].start_ms == FAULT_MS


def test_pods_named_ts_are_train_tickets(src, tmp_path):
    day = src / "rca_data" / DAY / f"{DAY}-fault_list.json"
    other = tmp_path / "rca_data" / DAY
    (other / "trace").mkdir(parents=True)
    listed = day.read_text().replace("cart-866bd68c97", "ts-cart-service-866bd68c97")
    (other / day.name).write_text(listed)
    (first, _) = recordings_of("nezha", tmp_path)
    assert first.provenance["suite"] == "nezha/trainticket"
    assert (first.truth[0].component, first.spans) == ("ts-cart-service", None)


def test_normal_minutes_lie_without_a_gap_before_the_fault_and_say_that_they_were_moved(cases):
    first, second = cases
    assert first.provenance["baseline"] == "shifted"
    assert first.provenance["baseline_seconds"]["recorded"] == pytest.approx(80, abs=1)
    assert first.provenance["baseline_seconds"]["shifted"] == pytest.approx(240, abs=1)
    assert second.provenance["baseline_seconds"]["shifted"] == pytest.approx(320, abs=1)
    starts = np.unique(second.spans.start_ns[second.spans.parent_id == 0]) // 1_000_000
    before = starts[starts < at(SECOND) * 1000]
    assert np.diff(before).max() <= 2000
    assert before.min() == pytest.approx(at(SECOND) * 1000 - 400_000, abs=2000)


def test_a_span_in_two_files_is_one(cases):
    spans = cases[0].spans
    keys = set(zip(spans.trace_lo.tolist(), spans.span_id.tolist(), strict=True))
    assert len(keys) == len(spans)


def test_calls_are_seen_whether_or_not_the_caller_has_a_span_for_them(cases):
    batch = cases[0].spans
    reducer = SpanReducer("s", Resolver(ResolverConfig()), ReduceConfig())
    said = reducer.handle(batch, int(batch.end_ns.max() // 1_000_000)) + reducer.flush()
    edges = {(p.caller.name, p.callee.name) for _, signal in said for p in signal.edges}
    assert edges == {("web", "cart"), ("cart", "stock"), ("stock", "shop")}
    kinds = {p.callee.kind for _, signal in said for p in signal.edges if p.callee.name == "shop"}
    assert kinds == {ComponentKind.DATABASE}


def test_a_request_that_ended_at_the_error_page_has_failed_for_both_sides(cases):
    spans = cases[0].spans
    failed = spans.status == SpanStatus.ERROR
    pairs = zip(spans.name[failed].tolist(), spans.kind[failed].tolist(), strict=True)
    assert {(spans.names[name], kind) for name, kind in pairs} == {
        ("/api/cart", SpanKind.SERVER),
        ("HTTP GET", SpanKind.CLIENT),
    }
    assert spans.start_ns[failed].min() >= at(FIRST) * 10**9


def test_minutes_in_which_nobody_called_are_no_sample(cases):
    metrics = cases[1].metrics
    latency = [i for i, s in enumerate(metrics.table) if "latency" in s.name]
    values = metrics.value[np.isin(metrics.series, latency)]
    assert len(values)
    assert np.isfinite(values).all()


def test_the_fault_is_alerted_on_and_shows_in_the_root_s_measures(cases):
    second = cases[1]
    fired = [a for m in second.alerts for a in orjson.loads(m.value)["alerts"]]
    named = {(a["labels"]["alertname"], a["labels"]["service"]) for a in fired}
    assert ("CpuHigh", "cart") in named
    measures = judged(second)
    assert measures["cart"]["z_cpu"] > 10 > measures["stock"]["z_cpu"]
    assert measures["cart"]["edge_latency_ratio"] > 1 > measures["stock"]["edge_latency_ratio"]
    assert measures["cart"]["error_origin"] == 1.0


def test_earlier_faults_alerts_are_left_out(cases):
    at_ms = [m.arrived_ms for m in cases[1].alerts]
    assert min(at_ms) > at(FIRST) * 1000 + FAULT_MS


def test_what_is_moved_was_before_unless_the_set_declares_it_normal():
    fault = 10_000_000
    free = [(1_000_000, 2_000_000), (9_950_000, fault), (11_000_000, 12_000_000)]
    own, earlier = pieces_before(fault, free, [(11_000_000, 11_100_000)])
    assert own == Piece(start_ms=9_950_000, end_ms=fault)
    assert earlier.end_ms + earlier.by_ms == own.start_ms
    assert own.length_ms + earlier.length_ms == BASELINE_MS
    (_, declared) = pieces_before(fault, free[1:], [(11_000_000, 11_100_000)])
    assert (declared.start_ms, declared.by_ms) == (11_000_000, 9_950_000 - 11_100_000)


def test_a_day_with_enough_fault_free_minutes_has_a_healthy_recording(tmp_path):
    write_set(tmp_path)
    rng = random.Random(9)
    folder = tmp_path / "construct_data" / DAY / "trace"
    write_trace(folder, "11:10:00", requests_of(rng, at("11:00:00"), 400))
    *_, healthy = recordings_of("nezha", tmp_path)
    assert healthy.provenance["case"] == f"healthy/{DAY}"
    assert healthy.truth == ()
    span = healthy.spans.end_ns.max() - healthy.spans.start_ns.min()
    assert span / 1e9 == pytest.approx(400 + 240 + 160, abs=5)


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        (f"{DAY}-fault_list.json", "[1]", "no fault list"),
        (f"{DAY}-fault_list.json", '{"1": [{"inject_time": "noon"}]}', "expected one like"),
        ("trace/10_12_trace.csv", "A,B\n", "lacks the columns"),
        (f"metric/{PODS['web']}_metric.csv", "A,B\n1,2\n", "column Time"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, file, text, says):
    write_set(tmp_path)
    (tmp_path / "rca_data" / DAY / file).write_text(text)
    with pytest.raises(LayoutError, match=says):
        list(recordings_of("nezha", tmp_path))


def test_a_day_whose_files_are_named_by_another_clock_is_put_right(tmp_path):
    write_set(tmp_path)
    day = tmp_path / "rca_data" / DAY
    named = {path: f"{int(path.name[:2]) + 8}{path.name[2:]}" for path in day.glob("trace/*")}
    for path, name in named.items():
        path.rename(path.with_name(name))
    listed = day / f"{DAY}-fault_list.json"
    listed.write_text(listed.read_text().replace(f"{DAY} 10:", f"{DAY} 18:"))
    first = next(iter(recordings_of("nezha", tmp_path)))
    assert first.truth[0].start_ms == at(FIRST) * 1000
    assert first.provenance["baseline_seconds"]["recorded"] == pytest.approx(80, abs=1)


def test_rows_that_were_cut_off_are_no_spans(tmp_path):
    write_set(tmp_path)
    files = sorted((tmp_path / "rca_data" / DAY / "trace").iterdir())
    whole = next(iter(recordings_of("nezha", tmp_path)))
    for path in files:
        path.write_text(path.read_text() + "ab,cd,root,web-1\nab,ce,root,,GET,1,2,3\n")
    assert len(next(iter(recordings_of("nezha", tmp_path))).spans) == len(whole.spans)


def test_the_real_set_is_read_and_its_names_resolve(tmp_path):
    """Its first fault, with the files around it alone: a whole day takes a while."""
    first = sorted(real_set("nezha").glob(f"rca_data/*/*{FAULT_LIST}"))[0]
    day = tmp_path / first.parent.name
    (day / "trace").mkdir(parents=True)
    (day / first.name).symlink_to(first)
    (day / "metric").symlink_to(first.parent / "metric")
    for path in sorted((first.parent / "trace").iterdir())[:3]:
        (day / "trace" / path.name).symlink_to(path)
    case = next(iter(recordings_of("nezha", tmp_path)))
    assert_resolves(case)
    assert case.truth[0].component in case.provenance["protocol"]["candidates"]
    assert len(case.spans) > 5_000


def test_the_command_writes_a_folder_a_fault(src, tmp_path):
    result = import_set("nezha", src, tmp_path, "--limit", 1)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "nezha/onlineboutique" / DAY / "01-cart-exception/truth.json").is_file()
