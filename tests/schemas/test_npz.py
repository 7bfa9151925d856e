"""Recordings' columns on disk."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from schemas.codecs.npz import Unpacked, pack
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.recordings import (
    metrics_from_npz,
    metrics_to_npz,
    spans_from_npz,
    spans_to_npz,
)
from schemas.errors import SchemaError
from schemas.telemetry import MetricBatch, MetricForm, Series
from tests.schemas import otlp_samples as otlp
from tests.schemas.test_otlp_spans import same

SPANS = decode_spans(otlp.traces().SerializeToString())
METRICS = decode_metrics(otlp.metrics().SerializeToString())
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)


def equal(one: MetricBatch, other: MetricBatch) -> bool:
    return (
        one.table == other.table
        and np.array_equal(one.series, other.series)
        and np.array_equal(one.time_ms, other.time_ms)
        and np.array_equal(one.value, other.value, equal_nan=True)
    )


def test_spans_come_back_as_they_were() -> None:
    assert same(spans_from_npz(spans_to_npz(SPANS)), SPANS)
    empty = decode_spans(b"")
    assert same(spans_from_npz(spans_to_npz(empty)), empty)


def test_metrics_come_back_as_they_were() -> None:
    assert equal(metrics_from_npz(metrics_to_npz(METRICS)), METRICS)


def test_the_same_batch_gives_the_same_bytes() -> None:
    assert spans_to_npz(SPANS) == spans_to_npz(SPANS)
    assert metrics_to_npz(METRICS) == metrics_to_npz(METRICS)


def test_numpy_reads_what_is_written_without_pickle() -> None:
    with np.load(io.BytesIO(metrics_to_npz(METRICS)), allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["value"], METRICS.value)
        assert archive["table"].dtype == np.uint8


@given(
    table=st.lists(
        st.builds(
            lambda name, labels, form, unit: Series(
                name=name, labels=tuple(sorted(labels.items())), form=form, unit=unit
            ),
            TEXT,
            st.dictionaries(TEXT, TEXT, max_size=3),
            st.sampled_from(MetricForm),
            TEXT,
        ),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    values=arrays.arrays(np.float64, st.integers(0, 6)),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_any_metrics_come_back(
    table: list[Series], values: np.ndarray, data: st.DataObject
) -> None:
    rows = [data.draw(st.integers(0, len(table) - 1)) for _ in values]
    batch = MetricBatch(
        series=np.array(rows, np.int32),
        time_ms=np.arange(len(rows), dtype=np.int64),
        value=values,
        table=tuple(table),
    )
    assert equal(metrics_from_npz(metrics_to_npz(batch)), batch)


BAD: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "cut or no .npz"),
    "no archive": (b"hello", "cut or no .npz"),
    "cut": (spans_to_npz(SPANS)[:-30], "cut or no .npz"),
    "metrics": (metrics_to_npz(METRICS), "cannot be read at trace_hi"),
}


@pytest.mark.parametrize(("data", "sentence"), BAD.values(), ids=BAD)
def test_what_is_no_spans_file_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(SchemaError) as caught:
        spans_from_npz(data)
    assert sentence in str(caught.value)


def test_an_index_beyond_its_table_is_refused() -> None:
    wrong = replace(SPANS, name=SPANS.name + np.int32(9))
    with pytest.raises(SchemaError, match=r"column name of the \.npz points to rows 9 to 10"):
        spans_from_npz(spans_to_npz(wrong))


def test_columns_of_different_lengths_are_refused() -> None:
    wrong = replace(METRICS, value=METRICS.value[1:])
    with pytest.raises(SchemaError, match=r"have lengths \[13, 14\], expected one length"):
        metrics_from_npz(metrics_to_npz(wrong))


def test_a_column_of_another_type_is_refused() -> None:
    wrong = replace(METRICS, time_ms=METRICS.time_ms.astype(np.float64))
    with pytest.raises(
        SchemaError,
        match=r"column time_ms of the \.npz begins .*'<f8'.* expected one dimension of int64",
    ):
        metrics_from_npz(metrics_to_npz(wrong))


@pytest.mark.parametrize(
    "table",
    [{}, [1], [["a"]], [["a", [["b"]], 0, ""]], [["a", [], 9, ""]], [["a", [["b", 1]], 0, ""]]],
)
def test_a_wrong_table_is_refused(table: object) -> None:
    columns = {name: getattr(METRICS, name)[:0] for name in ("series", "time_ms", "value")}
    with pytest.raises(SchemaError, match=r"table table of the \.npz is wrong at row 0"):
        metrics_from_npz(pack(columns, {"table": table}))


def test_pickled_objects_are_never_loaded() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, series=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SchemaError):
        metrics_from_npz(buffer.getvalue())


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    data = pack({"value": np.zeros(1_000_000)}, {})
    assert len(data) < 20_000
    with pytest.raises(SchemaError, match="bytes unpacked, at most 1000000 are accepted"):
        Unpacked(data, limit=1_000_000)


def test_a_header_that_promises_more_than_there_is_is_refused() -> None:
    buffer = io.BytesIO()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)}
    )
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("value.npy", header.getvalue())
    with pytest.raises(
        SchemaError, match=r"column value of the \.npz begins .*1000000000000000.* has 0 bytes"
    ):
        Unpacked(buffer.getvalue()).column("value", np.float64)


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_files_never_raise_anything_else(data: st.DataObject) -> None:
    value = bytearray(metrics_to_npz(METRICS))
    for _ in range(data.draw(st.integers(1, 6))):
        value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    try:
        metrics_from_npz(bytes(value))
    except SchemaError as error:
        assert str(error)  # noqa: PT017 -- either outcome is right; nothing else may be raised


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_mutated_columns_never_raise_anything_else(data: st.DataObject) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(metrics_to_npz(METRICS))) as archive:
        members = {each: bytearray(archive.read(each)) for each in archive.namelist()}
    body = members[data.draw(st.sampled_from(sorted(members)))]
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, min(len(body) - 1, 200)))] = data.draw(st.integers(0, 255))
    with zipfile.ZipFile(stored, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, bytes(content))
    try:
        metrics_from_npz(stored.getvalue())
    except SchemaError as error:
        assert str(error)  # noqa: PT017 -- either outcome is right; nothing else may be raised
