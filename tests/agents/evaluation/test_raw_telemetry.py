"""Raw series and traces as baselines get them."""

import numpy as np
import pytest

from agents.evaluation.raw_series import Cut, raw_series
from agents.evaluation.raw_traces import edges_of, latency_series, raw_traces, visits_of
from models.baselines.case import Visits
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import MetricForm
from tests.pipeline.reduce.metric_feeds import a_batch as metric_batch
from tests.pipeline.reduce.metric_feeds import a_series
from tests.pipeline.reduce.span_feeds import CLIENT, MYSQL, SERVER, STORY, T0, A
from tests.pipeline.reduce.span_feeds import a_batch as span_batch

RESOLVER = Resolver(ResolverConfig())
CUT = Cut(start_ms=T0, onset_ms=T0 + 40_000, until_ms=T0 + 80_000)


def read(*series, **cut: int):
    rows = [
        (one, T0 + i * 10_000, value) for one, values in series for i, value in enumerate(values)
    ]
    return raw_series(metric_batch(rows), RESOLVER, CUT)


def test_a_gauge_is_cut_at_the_onset():
    gauge = a_series("queue_depth", MetricForm.GAUGE)
    (found,) = read((gauge, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)))
    assert found.before.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert found.after.tolist() == [5.0, 6.0]
    assert found.component == "cart"


def test_a_counter_is_a_rate_and_survives_a_reset():
    counter = a_series("errors_total", MetricForm.COUNTER)
    (found,) = read((counter, (0.0, 10.0, 30.0, 30.0, 5.0)))
    assert found.before.tolist() == [1.0, 2.0, 0.0]
    assert found.after.tolist() == [0.5]
    assert found.metric_class == "errors"


def test_a_histogram_is_its_mean():
    total = a_series("http_server_duration_seconds_sum")
    count = a_series("http_server_duration_seconds_count")
    found = read((total, (0.0, 1.0, 4.0)), (count, (0.0, 10.0, 20.0)))
    (latency,) = [s for s in found if s.metric_class == "latency"]
    assert latency.before.tolist() == pytest.approx([0.1, 0.3])


def test_bytes_are_megabytes_and_stale_markers_no_samples():
    memory = a_series("process_resident_memory_bytes", MetricForm.GAUGE)
    (found,) = read((memory, (2e6, np.nan, 4e6)))
    assert found.before.tolist() == [2.0, 4.0]


def test_a_p95_latency_is_known_as_such():
    kinds = read(
        (a_series("request_latency_p95_seconds"), (1.0, 2.0)),
        (a_series("request_latency_avg_seconds"), (1.0, 2.0)),
    )
    assert [s.quantile for s in kinds] == [True, False]


def test_calls_are_found_by_parents_and_by_peers():
    traces = raw_traces(span_batch(*STORY), RESOLVER)
    assert edges_of(traces) == {("cart", "stock"), ("stock", "mysql")}


def request(trace: int, at_ms: float, took_ms: float, *, failed: bool = False) -> list[A]:
    number, end = trace * 10, at_ms + took_ms
    kinds = {"trace": trace, "start": at_ms, "end": end}
    return [
        A(service="web", kind=SERVER, number=number + 1, **kinds),
        A(service="web", kind=CLIENT, number=number + 2, parent=number + 1, **kinds),
        A(
            service="cart",
            kind=SERVER,
            number=number + 3,
            parent=number + 2,
            failed=failed,
            **kinds,
        ),
    ]


def test_traces_are_bad_when_they_fail_or_are_slow_for_their_entry():
    spans = [span for i in range(8) for span in request(i + 1, i * 4_000, 90 + i)]
    spans += request(20, 50_000, 95)
    spans += request(21, 52_000, 95, failed=True)
    spans += request(22, 54_000, 5_000)
    visits = visits_of(raw_traces(span_batch(*spans), RESOLVER), CUT)
    assert visits == Visits(
        bad={"web": 2, "cart": 2}, good={"web": 1, "cart": 1}, all_bad=2, all_good=1
    )


def test_latency_is_read_from_spans_of_who_serves_and_of_who_is_asked():
    spans = [span for i in range(8) for span in request(i + 1, i * 8_000, 100)]
    spans.append(A(service="cart", kind=CLIENT, number=99, attributes=MYSQL, start=0, end=30))
    found = {s.component: s for s in latency_series(raw_traces(span_batch(*spans), RESOLVER), CUT)}
    assert set(found) == {"web", "cart", "mysql"}
    assert set(found["cart"].before.tolist()) == {100.0}
    assert len(found["cart"].after) == 2
    assert found["mysql"].before.tolist() == [30.0]
