"""Messages made to outgrow the memory or to take forever: refused early, with the bound named.

The memory is that of a process of its own, because what a parser takes is given back and not seen.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.codecs import instants
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.limits import CodecLimits
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.series_memo import MEMO_BYTES, SeriesMemo
from schemas.errors import SchemaError
from schemas.resolve import CACHED_CHARS, Resolver, ResolverConfig
from schemas.resolve_names import NAME_CHARS, tidy
from schemas.telemetry import Series
from tests.fuzz.protobuf_fields import varint
from tests.schemas import samples as s

ROOT = Path(__file__).parents[2]
FULL = CodecLimits().message_bytes - 200
MEGABYTES = 320
SECONDS = 4.0


def inside(tag: int, value: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(value)) + value


def filled(piece: bytes) -> bytes:
    return piece * (FULL // len(piece))


SPAN = inside(1, b"\x01" * 16) + inside(2, b"\x02" * 8)
POINTS = b"\n\x01a" + inside(5, filled(b"\n\0"))
BOMBS = {
    "empty scopes": ("spans", inside(1, filled(b"\x12\0")), "scopes, at most 50000"),
    "empty spans": ("spans", inside(1, inside(2, filled(b"\x12\0"))), "spans, at most 200000"),
    "empty links": (
        "spans",
        inside(1, inside(2, inside(2, SPAN + filled(b"\x6a\0")))),
        "links, at most 200000",
    ),
    "points": ("metrics", inside(1, inside(2, inside(2, POINTS))), "samples, at most 400000"),
    "JSON spans": (
        "spans",
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + filled(b"{},")[:-100] + b"{}]}]}]}",
        "objects and lists, at most 500000",
    ),
    "JSON alerts": ("alerts", b"[" + filled(b"{},") + b"{}]", "objects and lists, at most"),
}
MEASURE = f"""
import resource, sys, time
from schemas.codecs.alerts import decode_alerts as alerts
from schemas.codecs.otlp_metrics import decode_metrics as metrics
from schemas.codecs.otlp_spans import decode_spans as spans
from schemas.errors import SchemaError
value = sys.stdin.buffer.read()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, begun = peak(), time.process_time()
try:
    globals()[sys.argv[1]](value)
except SchemaError as error:
    print(str(error)[:200])
took = time.process_time() - begun
assert peak() - before <= {MEGABYTES}, f"{{peak() - before}} MB"
assert took <= {SECONDS}, f"{{took:.1f}} s"
"""


@pytest.mark.parametrize(("decode", "value", "sentence"), BOMBS.values(), ids=BOMBS)
def test_a_message_of_empty_things_stays_within_its_memory(
    decode: str, value: bytes, sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, decode],
        input=value,
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-300:]
    assert sentence in done.stdout.decode()


def test_deep_json_is_refused_before_it_is_parsed() -> None:
    for opening in (b"[", b'{"a":'):
        with pytest.raises(SchemaError, match="at most 64 levels"):
            decode_alerts(opening * 100_000)


def test_deep_protobuf_is_refused() -> None:
    value = inside(1, b"x")
    for _ in range(5_000):
        value = inside(5, inside(1, value))
    with pytest.raises(SchemaError, match="OTLP"):
        decode_metrics(inside(1, inside(1, inside(1, inside(2, value)))))


def test_a_long_array_attribute_is_refused_and_never_written_out() -> None:
    array = inside(5, b"\n\0" * 3_000_000)
    attribute = inside(1, b"\n\x01a" + inside(2, array))
    with pytest.raises(SchemaError, match=r"resource\.a has 4999 characters"):
        decode_metrics(inside(1, inside(1, attribute)))


def test_labels_that_are_many_and_long_are_refused() -> None:
    labels = {f"l{number}": "x" * 4_000 for number in range(9)}
    alert = {"labels": labels, "startsAt": s.T0_TEXT}
    with pytest.raises(SchemaError, match=r"36018 characters in all, at most 32768"):
        decode_alerts(s.dumps(alert))
    decode_alerts(s.dumps(alert), limits=CodecLimits(label_set_chars=40_000))


@pytest.mark.parametrize("field", [1, 3])
def test_a_metric_of_a_long_name_or_unit_is_refused(field: int) -> None:
    metric = inside(1, b"a") + inside(field, b"a" * 300) + inside(5, b"")
    with pytest.raises(SchemaError, match="at most 256 are accepted: shorten them"):
        decode_metrics(inside(1, inside(2, inside(2, metric))))


def test_a_long_time_is_refused_and_not_remembered() -> None:
    before = instants._remembered.cache_info().currsize
    for number in range(10):
        assert instants.parse_instant(f"{number}" * 1_000_000) is None
    assert instants._remembered.cache_info().currsize == before


def test_the_resolver_remembers_no_long_labels() -> None:
    resolver = Resolver(ResolverConfig())
    short = (("service", "cart"),)
    long = (("service", "cart"), ("text", "x" * CACHED_CHARS))
    assert resolver.component(long) == resolver.component(short)
    assert [labels for labels, _ in resolver._components] == [short]


def test_a_name_is_cut_and_stays_tidy() -> None:
    name = tidy("a" * 255 + "." + "b" * 100)
    assert name == "a" * 255
    assert len(tidy("x" * 5_000)) == NAME_CHARS
    assert tidy(name) == name


def test_the_memo_of_series_is_emptied_once_it_holds_too_much() -> None:
    memo, limits = SeriesMemo(), CodecLimits()
    memo.begin_message(limits)
    one = Series(name="a", labels=())
    memo.add("key", one, raw_bytes=10)
    memo.begin_message(limits)
    assert memo.get("key") is one
    memo.add("other", one, raw_bytes=MEMO_BYTES)
    memo.begin_message(limits)
    assert memo.get("key") is None


@pytest.mark.parametrize(
    "text",
    [
        '"\\ud800"',
        '"\\udfff\\ud800"',
        '"' + "9" * 400 + '"',
        "1e999",
        "-1e999",
        "9" * 400,
        "NaN",
        "Infinity",
        '"\\u0000"',
    ],
)
def test_odd_values_are_taken_or_refused_with_a_sentence(text: str) -> None:
    for value in (
        f'{{"labels":{{"a":{text}}},"startsAt":"{s.T0_TEXT}"}}',
        f'{{"labels":{{"a":"b"}},"startsAt":{text}}}',
    ):
        try:
            decode_alerts(value.encode())
        except SchemaError as error:
            assert len(str(error)) < 400  # noqa: PT017 -- either answer is right
            str(error).encode()


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(SchemaError, match="no JSON"):
        decode_alerts(b'{"labels":{"a":"\xff\xfe"}}')
