"""OTLP metrics in both encodings, to columns."""

import math

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from schemas.codecs.otlp_metrics import decode_metrics
from schemas.telemetry import MetricBatch, MetricForm, Series
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s

RESOURCE = (("route", "resource"), ("service.name", "checkout"))
EXPECTED = [
    (
        Series(
            name="pool.used",
            labels=(("route", "/pay"), ("service.name", "checkout"), ("tags", "a,b")),
            form=MetricForm.GAUGE,
            unit="{connections}",
        ),
        9.0,
    ),
    (
        Series(name="pool.used", labels=RESOURCE, form=MetricForm.GAUGE, unit="{connections}"),
        math.nan,
    ),
    (Series(name="requests", labels=RESOURCE, form=MetricForm.COUNTER), 5.5),
    (Series(name="retries", labels=RESOURCE, form=MetricForm.DELTA), 2.0),
    (Series(name="queue", labels=RESOURCE, form=MetricForm.GAUGE), -3.0),
    (Series(name="latency_count", labels=RESOURCE, form=MetricForm.COUNTER, unit="s"), 3.0),
    (Series(name="latency_sum", labels=RESOURCE, form=MetricForm.COUNTER, unit="s"), 0.6),
    (Series(name="latency_max", labels=RESOURCE, form=MetricForm.GAUGE, unit="s"), 0.4),
    (Series(name="size_count", labels=RESOURCE, form=MetricForm.DELTA), 4.0),
    (Series(name="size_sum", labels=RESOURCE, form=MetricForm.DELTA), 8.0),
    (Series(name="gc_count", labels=RESOURCE, form=MetricForm.COUNTER), 2.0),
    (Series(name="gc_sum", labels=RESOURCE, form=MetricForm.COUNTER), 0.5),
    (
        Series(name="gc", labels=(("quantile", "0.5"), *RESOURCE), form=MetricForm.GAUGE),
        0.2,
    ),
    (
        Series(name="gc", labels=(("quantile", "0.99"), *RESOURCE), form=MetricForm.GAUGE),
        0.3,
    ),
]


def rows(batch: MetricBatch) -> list[tuple[Series, float]]:
    return [
        (batch.table[row], value)
        for row, value in zip(batch.series.tolist(), batch.value.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "value",
    [otlp.metrics().SerializeToString(), s.dumps(otlp.METRICS_JSON)],
    ids=["protobuf", "json"],
)
def test_each_kind_of_metric_becomes_series(value: bytes) -> None:
    batch = decode_metrics(value)
    found = rows(batch)
    assert [series for series, _ in found] == [series for series, _ in EXPECTED]
    np.testing.assert_array_equal(batch.value, [value for _, value in EXPECTED])
    assert set(batch.time_ms.tolist()) == {s.T0}
    assert (batch.series.dtype, batch.time_ms.dtype, batch.value.dtype) == (
        np.int32,
        np.int64,
        np.float64,
    )


def test_a_series_that_comes_twice_is_one_row_of_the_table() -> None:
    data = otlp.metrics()
    data.resource_metrics.append(data.resource_metrics[0])
    once, twice = (
        decode_metrics(otlp.metrics().SerializeToString()),
        decode_metrics(data.SerializeToString()),
    )
    assert twice.table == once.table
    assert len(twice) == 2 * len(once)


def test_the_order_of_point_attributes_does_not_matter() -> None:
    data = otlp.metrics()
    gauge = data.resource_metrics[0].scope_metrics[0].metrics[0].gauge
    turned = gauge.data_points.add(as_int=1, time_unix_nano=s.T0 * 1_000_000)
    turned.attributes.extend(list(gauge.data_points[0].attributes)[::-1])
    batch = decode_metrics(data.SerializeToString())
    assert batch.series[0] == batch.series[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"NaN"', math.nan), ('"Infinity"', math.inf), ('"-Infinity"', -math.inf)],
)
def test_json_writes_special_numbers_as_text(text: str, expected: float) -> None:
    value = (
        '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":'
        f'[{{"timeUnixNano":"{s.T0}000000","asDouble":{text}}}]}}}}]}}]}}]}}'
    )
    np.testing.assert_array_equal(decode_metrics(value.encode()).value, [expected])


def test_metrics_of_the_real_sdk_are_read() -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], resource=Resource.create({"service.name": "checkout"}))
    meter = provider.get_meter("test")
    meter.create_counter("requests").add(3, {"route": "/pay"})
    meter.create_histogram("latency", unit="s").record(0.2)
    data = reader.get_metrics_data()
    assert data is not None
    value = encode_metrics(data).SerializeToString()
    provider.shutdown()
    found = {series.name: (series, number) for series, number in rows(decode_metrics(value))}
    assert set(found) == {"requests", "latency_count", "latency_sum", "latency_max"}
    series, number = found["requests"]
    assert (series.form, number) == (MetricForm.COUNTER, 3.0)
    assert dict(series.labels)["service.name"] == "checkout"
    assert "telemetry.sdk.name" not in dict(series.labels)


def test_a_metric_without_data_is_skipped() -> None:
    data = otlp.metrics()
    del data.resource_metrics[0].scope_metrics[0].metrics[:]
    data.resource_metrics[0].scope_metrics[0].metrics.add(name="future_kind")
    assert len(decode_metrics(data.SerializeToString())) == 0
