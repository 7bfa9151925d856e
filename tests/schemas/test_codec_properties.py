"""Whatever the bytes are, a codec answers or raises SchemaError."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.alert import AlertStatus
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.fingerprint import fingerprint_of
from schemas.codecs.json_text import check_depth
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.codecs.statements import STATEMENT_CHARS, normalise_statement
from schemas.errors import SchemaError
from schemas.telemetry import labels_of
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s

Decode = Callable[[bytes, list[tuple[str, bytes]]], object]

CODECS: dict[str, tuple[Decode, tuple[bytes, ...]]] = {
    "alerts": (
        decode_alerts,
        tuple(
            s.dumps(each)
            for each in (
                s.WEBHOOK,
                s.GETTABLE,
                s.EVENT_RESOLVED,
                s.GRAFANA_WEBHOOK,
                s.GRAFANA_RECORD,
                {**s.ENVELOPE, "data": s.WEBHOOK},
            )
        ),
    ),
    "changes": (decode_change, (s.dumps(s.CHANGE),)),
    "spans": (decode_spans, (otlp.traces().SerializeToString(), s.dumps(otlp.TRACES_JSON))),
    "metrics": (decode_metrics, (otlp.metrics().SerializeToString(), s.dumps(otlp.METRICS_JSON))),
    "samples": (lambda value, headers: decode_samples([value], [headers]), (s.dumps(s.SAMPLE),)),
}
ALL = pytest.mark.parametrize(("decode", "valid"), CODECS.values(), ids=CODECS)

HEADERS = st.sampled_from([[], s.BINARY, s.STRUCTURED, [("content-type", b"\xff")]])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def answers(decode: Decode, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    try:
        decode(value, headers)
    except SchemaError as error:
        assert str(error)  # noqa: PT017 -- either outcome is right; nothing else may be raised


@ALL
@given(value=st.binary(max_size=300), headers=HEADERS)
@settings(max_examples=150, deadline=None)
def test_arbitrary_bytes_never_raise_anything_else(
    decode: Decode, valid: tuple[bytes, ...], value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    del valid
    answers(decode, value, headers)


@ALL
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_messages_never_raise_anything_else(
    decode: Decode, valid: tuple[bytes, ...], data: st.DataObject
) -> None:
    value = bytearray(data.draw(st.sampled_from(valid)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(value) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert", "drop"])):
            case "flip":
                value[at] = data.draw(st.integers(0, 255))
            case "cut":
                del value[max(at, 1) :]
            case "insert":
                value[at:at] = data.draw(st.binary(min_size=1, max_size=4))
            case _:
                del value[at : min(at + data.draw(st.integers(1, 9)), len(value) - 1)]
    answers(decode, bytes(value), data.draw(HEADERS))


def replaced(document: object, path: int, new: object) -> tuple[object, int]:
    """Replace the path-th value of a document, counted depth first."""
    if path == 0:
        return new, -1
    path -= 1
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        copied = dict(document) if isinstance(document, dict) else list(document)
        for key, value in list(pairs):
            if path < 0:
                break
            copied[key], path = replaced(value, path, new)  # type: ignore[call-overload]  # dict or list
        return copied, path
    return document, path


@pytest.mark.parametrize(
    ("decode", "document"),
    [
        (decode_alerts, s.WEBHOOK),
        (decode_alerts, s.GETTABLE),
        (decode_alerts, s.EVENT_RESOLVED),
        (decode_alerts, {**s.ENVELOPE, "data": s.WEBHOOK}),
        (decode_change, s.CHANGE),
        (decode_spans, otlp.TRACES_JSON),
        (decode_metrics, otlp.METRICS_JSON),
        (CODECS["samples"][0], s.SAMPLE),
    ],
    ids=["webhook", "api", "event", "envelope", "change", "spans", "metrics", "sample"],
)
@given(path=st.integers(0, 120), new=JSON)
@settings(max_examples=200, deadline=None)
def test_a_wrong_value_anywhere_never_raises_anything_else(
    decode: Decode, document: object, path: int, new: object
) -> None:
    try:
        value = s.dumps(replaced(document, path, new)[0])
    except TypeError:  # an integer beyond 64 bits, which orjson cannot write
        return
    answers(decode, value, [])


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
LABELS = st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"), min_size=1), min_size=1)


@given(labels=LABELS, firing=st.booleans(), length_ms=st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_a_webhook_alert_comes_out_as_it_went_in(
    labels: dict[str, str], firing: bool, length_ms: int
) -> None:
    ends = s.T0 + length_ms
    seconds, milliseconds = divmod(ends, 1000)
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    item = {
        "status": "firing" if firing else "resolved",
        "labels": labels,
        "annotations": {},
        "startsAt": s.T0_TEXT,
        "endsAt": f"{stamp}.{milliseconds:03d}Z",
    }
    (alert,) = decode_alerts(s.dumps({"version": "4", "alerts": [item]}))
    assert alert.labels == labels_of(labels)
    assert alert.fingerprint == fingerprint_of(alert.labels)
    assert alert.status is (AlertStatus.FIRING if firing else AlertStatus.RESOLVED)
    assert alert.event_ms == (s.T0 if firing else ends)


@given(document=JSON)
@settings(max_examples=200, deadline=None)
def test_the_depth_check_counts_what_a_parser_would(document: object) -> None:
    try:
        value = s.dumps(document)
    except TypeError:
        return
    depth = depth_of(document)
    check_depth(value, max(depth, 1))
    if depth > 1:
        with pytest.raises(SchemaError):
            check_depth(value, depth - 1)


def depth_of(document: object) -> int:
    if isinstance(document, dict):
        return 1 + max(map(depth_of, document.values()), default=0)
    if isinstance(document, list):
        return 1 + max(map(depth_of, document), default=0)
    return 0


@given(text=st.text(max_size=400) | st.from_regex(r"SELECT ['\"\\\d, ?()-]{0,200}"))
@settings(max_examples=200, deadline=None)
def test_normalising_a_statement_is_bounded_and_leaves_no_literal(text: str) -> None:
    statement = normalise_statement(text)
    assert len(statement) <= STATEMENT_CHARS
    assert "'" not in statement


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE id=1", "SELECT a FROM t WHERE id=22"),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (3, 'c')"),
        ("SELECT 1 /* trace=ab12 */", "SELECT  2 -- x"),
        ("GET user:1001", "GET user:7"),
        ("SELECT $1", "SELECT $2"),
        (
            "DELETE FROM t WHERE u = 6f1c2d3e-4b5a-6978-8a9b-acbdcedf0a1b",
            "DELETE FROM t WHERE u = 0f1c2d3e-4b5a-6978-8a9b-acbdcedf0a1c",
        ),
    ],
)
def test_statements_that_differ_in_literals_are_one(one: str, other: str) -> None:
    assert normalise_statement(one) == normalise_statement(other)


def test_statements_that_differ_in_names_stay_apart() -> None:
    assert normalise_statement('SELECT "a" FROM t1') != normalise_statement('SELECT "b" FROM t1')
    assert normalise_statement("SELECT a FROM t1") != normalise_statement("SELECT a FROM t2")
