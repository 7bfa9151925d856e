"""Every limit of the codecs is held, and named in the sentence that says so."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.limits import CodecLimits
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from schemas.errors import SchemaError
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s

OVERSIZED: dict[str, tuple[Callable[..., Any], bytes, CodecLimits, str]] = {
    "bytes of alerts": (
        decode_alerts,
        s.dumps(s.WEBHOOK),
        CodecLimits(message_bytes=99),
        "bytes, at most 99 are accepted: send smaller messages or raise limits.message_bytes",
    ),
    "bytes of spans": (
        decode_spans,
        otlp.traces().SerializeToString(),
        CodecLimits(message_bytes=99),
        "raise limits.message_bytes",
    ),
    "alerts in a group": (
        decode_alerts,
        s.dumps(s.WEBHOOK),
        CodecLimits(alerts_per_message=1),
        "found 2 alerts, at most 1 are accepted",
    ),
    "alerts in a list": (
        decode_alerts,
        s.dumps(s.GETTABLE),
        CodecLimits(alerts_per_message=1),
        "found 2 alerts, at most 1 are accepted",
    ),
    "labels": (
        decode_alerts,
        s.dumps(s.WEBHOOK),
        CodecLimits(labels_per_set=2),
        "alerts[0].labels has 3 entries, at most 2 are accepted",
    ),
    "a label's name": (
        decode_alerts,
        s.dumps(s.WEBHOOK),
        CodecLimits(label_name_chars=8),
        "alerts[0].labels has a name of 9 characters, at most 8",
    ),
    "a label's value": (
        decode_alerts,
        s.dumps(s.WEBHOOK),
        CodecLimits(label_value_chars=8),
        "alerts[0].labels.alertname has 11 characters, at most 8",
    ),
    "an annotation": (
        decode_alerts,
        s.dumps(s.WEBHOOK),
        CodecLimits(annotation_value_chars=4),
        "alerts[0].annotations.summary has 8 characters, at most 4",
    ),
    "a title": (
        decode_change,
        s.dumps(s.CHANGE),
        CodecLimits(annotation_value_chars=4),
        "title has 14 characters, at most 4",
    ),
    "spans": (
        decode_spans,
        otlp.traces().SerializeToString(),
        CodecLimits(spans_per_message=1),
        "found 2 spans, at most 1 are accepted",
    ),
    "links": (
        decode_spans,
        b"".join([otlp.traces().SerializeToString()] * 2),
        CodecLimits(links_per_message=1),
        "found 2 span links, at most 1",
    ),
    "empty resources": (
        decode_spans,
        b"\n\0" * 11,
        CodecLimits(resources_per_message=10),
        "found 11 resources, at most 10",
    ),
    "empty scopes": (
        decode_metrics,
        b"\n\x16" + b"\x12\0" * 11,
        CodecLimits(resources_per_message=10),
        "found 11 scopes, at most 10",
    ),
    "attribute sets": (
        decode_spans,
        otlp.traces().SerializeToString(),
        CodecLimits(attribute_sets_per_message=1),
        "found 2 attribute sets, at most 1",
    ),
    "resource attributes": (
        decode_spans,
        otlp.traces().SerializeToString(),
        CodecLimits(labels_per_set=1),
        "resource has 2 entries, at most 1",
    ),
    "an attribute's value": (
        decode_metrics,
        otlp.metrics().SerializeToString(),
        CodecLimits(label_value_chars=7),
        "resource.route has 8 characters, at most 7",
    ),
    "samples": (
        decode_metrics,
        otlp.metrics().SerializeToString(),
        CodecLimits(samples_per_message=10),
        "samples, at most 10 are accepted",
    ),
    "series": (
        decode_metrics,
        otlp.metrics().SerializeToString(),
        CodecLimits(attribute_sets_per_message=5),
        "found 6 series, at most 5",
    ),
    "samples in a call": (
        decode_samples,
        [s.dumps(s.SAMPLE)] * 3,  # type: ignore[dict-item] # the one codec that takes many
        CodecLimits(samples_per_message=2),
        "found 3 samples, at most 2",
    ),
}


@pytest.mark.parametrize(
    ("decode", "value", "limits", "sentence"), OVERSIZED.values(), ids=OVERSIZED
)
def test_every_limit_is_held_and_named(
    decode: Callable[..., Any], value: bytes, limits: CodecLimits, sentence: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        decode(value, limits=limits)
    assert sentence in str(caught.value)


def test_limits_below_one_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"limits\.json_depth is 0; it has to be at least 1"):
        CodecLimits(json_depth=0)
