"""OTLP metrics, protobuf or JSON, to `MetricBatch` columns.

A histogram (of either kind) becomes `<name>_sum`, `<name>_count` and `<name>_max`; a summary
`<name>_sum`, `<name>_count` and a gauge per quantile. Resource and point attributes are merged,
the point's own first.
"""

from typing import Any

import numpy as np

from schemas.codecs import otlp_json, otlp_messages
from schemas.codecs.cloudevents import Headers
from schemas.codecs.instants import EARLIEST_MS, LATEST_MS
from schemas.codecs.limits import DEFAULT_LIMITS, CodecLimits, check_count
from schemas.codecs.otlp_attributes import Pair, freeze
from schemas.codecs.otlp_dialect import JSON, Dialect, open_otlp
from schemas.codecs.series_memo import SeriesMemo, SeriesTable
from schemas.errors import SchemaError
from schemas.telemetry import MetricBatch, MetricForm, Series

DELTA, CUMULATIVE = 1, 2
"""OTLP's AggregationTemporality."""

_NO_RECORDED_VALUE = 1
_MEMO = SeriesMemo()


def decode_metrics(
    value: bytes, headers: Headers = (), *, limits: CodecLimits = DEFAULT_LIMITS
) -> MetricBatch:
    """Decode one message of the OpenTelemetry Collector's Kafka exporter."""
    inner, dialect = open_otlp(value, headers, limits)
    if dialect is JSON:
        found = otlp_json.parse_metrics(inner, limits)
    else:
        found = otlp_messages.parse_metrics(inner, limits)
    _MEMO.begin_message(limits)
    samples = _Samples(dialect, limits)
    check_count(len(found), limits.resources_per_message, "resources", "resources_per_message")
    scopes = [scope for each in found for scope in each.scope_metrics]
    check_count(len(scopes), limits.resources_per_message, "scopes", "resources_per_message")
    count, limit = sum(len(scope.metrics) for scope in scopes), limits.samples_per_message
    check_count(count, limit, "metrics", "samples_per_message")
    for resource_metrics in found:
        pairs = tuple(dialect.resource_pairs(resource_metrics.resource.attributes))
        freeze(pairs, "resource", limits)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                samples.add_metric(metric, pairs)
    return samples.batch()


def form_of_sum(temporality: int, *, monotonic: bool) -> MetricForm:
    """Tell how a sum's values are to be read.

    >>> form_of_sum(CUMULATIVE, monotonic=True), form_of_sum(CUMULATIVE, monotonic=False)
    (<MetricForm.COUNTER: 1>, <MetricForm.GAUGE: 0>)
    """
    if temporality == DELTA:
        return MetricForm.DELTA
    return MetricForm.COUNTER if monotonic else MetricForm.GAUGE


class _Samples:
    """Lists that grow point by point and become one batch."""

    def __init__(self, dialect: Dialect, limits: CodecLimits) -> None:
        self._dialect = dialect
        self._limits = limits
        self._table = SeriesTable(limits)
        self._rows: list[int] = []
        self._times: list[int] = []
        self._values: list[float] = []

    def add_metric(self, metric: Any, resource: tuple[Pair, ...]) -> None:
        """Append the samples of one metric."""
        kind = self._dialect.data_of(metric)
        if kind is None:
            return
        if not metric.name:
            msg = "found a metric without a name: correct the exporter"
            raise SchemaError(msg)
        if max(len(metric.name), len(metric.unit)) > self._limits.label_name_chars:
            msg = (
                f"found a metric whose name and unit have {len(metric.name)} and"
                f" {len(metric.unit)} characters, at most {self._limits.label_name_chars} are"
                " accepted: shorten them or raise limits.label_name_chars"
            )
            raise SchemaError(msg)
        data = getattr(metric, kind)
        match kind:
            case "gauge":
                self._add_numbers(_Metric(metric, MetricForm.GAUGE, resource), data.data_points)
            case "sum":
                form = form_of_sum(data.aggregation_temporality, monotonic=data.is_monotonic)
                self._add_numbers(_Metric(metric, form, resource), data.data_points)
            case "summary":
                self._add_summaries(_Metric(metric, MetricForm.COUNTER, resource), data)
            case _:
                form = form_of_sum(data.aggregation_temporality, monotonic=True)
                self._add_histograms(_Metric(metric, form, resource), data)

    def batch(self) -> MetricBatch:
        """Turn the lists into columns."""
        try:
            nanoseconds = np.array(self._times, np.uint64)
            values = np.array(self._values, np.float64)
        except (OverflowError, ValueError, TypeError) as error:
            msg = "found a sample time or value outside 64 bits: correct the exporter"
            raise SchemaError(msg) from error
        time_ms = (nanoseconds // np.uint64(1_000_000)).astype(np.int64)
        wrong = (time_ms < EARLIEST_MS) | (time_ms >= LATEST_MS)
        if wrong.any():
            msg = (
                f"sample {int(wrong.argmax())} is at {time_ms[wrong.argmax()]} ms since 1970,"
                " expected a time between the years 2000 and 2200: check the unit and the"
                " producer's clock"
            )
            raise SchemaError(msg)
        return MetricBatch(
            series=np.array(self._rows, np.int32),
            time_ms=time_ms,
            value=values,
            table=tuple(self._table.series),
        )

    def _add_numbers(self, metric: "_Metric", points: Any) -> None:
        optional = self._dialect.optional
        for point in points:
            value = optional(point, "as_double")
            if value is None:
                value = optional(point, "as_int")
            if value is not None or point.flags & _NO_RECORDED_VALUE:
                self._add(metric, "", point, value)

    def _add_histograms(self, metric: "_Metric", data: Any) -> None:
        for point in data.data_points:
            self._add(metric, "_count", point, point.count)
            for name in ("sum", "max"):
                value = self._dialect.optional(point, name)
                if value is not None:
                    self._add(metric, f"_{name}", point, value)

    def _add_summaries(self, metric: "_Metric", data: Any) -> None:
        for point in data.data_points:
            self._add(metric, "_count", point, point.count)
            self._add(metric, "_sum", point, point.sum)
            for each in point.quantile_values:
                self._add(metric, f"{each.quantile:g}", point, each.value)

    def _add(self, metric: "_Metric", suffix: str, point: Any, value: float | None) -> None:
        if len(self._rows) >= self._limits.samples_per_message:
            found, limit = len(self._rows) + 1, self._limits.samples_per_message
            check_count(found, limit, "samples", "samples_per_message")
        raw = tuple(self._dialect.raw(point.attributes))
        key = (metric.key, suffix, raw)
        series = _MEMO.get(key)
        if series is None:
            series = self._new_series(metric, suffix, raw)
            size = sum(map(len, raw)) + metric.size
            series = _MEMO.add(key, series, raw_bytes=size)
        self._rows.append(self._table.row(series))
        self._times.append(point.time_unix_nano)
        stale = value is None or point.flags & _NO_RECORDED_VALUE
        self._values.append(float("nan") if stale or value is None else value)

    def _new_series(self, metric: "_Metric", suffix: str, raw: tuple[bytes, ...]) -> Series:
        own = tuple(self._dialect.point_pairs(raw))
        quantile = suffix if suffix and not suffix.startswith("_") else ""
        extra = (("quantile", quantile),) if quantile else ()
        gauge = quantile or suffix == "_max"
        name = f"{metric.name}{'' if quantile else suffix}"
        # The point's own attributes come first, because of two with one name the first stands.
        labels = freeze(
            (*extra, *own, *metric.resource), f"metric {metric.name[:80]}", self._limits
        )
        return Series(
            name=name,
            labels=labels,
            form=MetricForm.GAUGE if gauge else metric.form,
            unit=metric.unit,
        )


class _Metric:
    """What the points of one metric share, and the key under which their series are known."""

    __slots__ = ("form", "key", "name", "resource", "size", "unit")

    def __init__(self, metric: Any, form: MetricForm, resource: tuple[Pair, ...]) -> None:
        self.name: str = metric.name
        self.unit: str = metric.unit
        self.form = form
        self.resource = resource
        self.key = _Key((self.name, self.unit, int(form), resource))
        self.size = len(self.name) + sum(len(name) + len(text) for name, text in resource)


class _Key(tuple[object, ...]):
    """A tuple that hashes once: it is part of the key of every point of its metric."""

    _hash: int

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            self._hash = super().__hash__()
            return self._hash
