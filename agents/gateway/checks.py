"""Whether a body is good, and what its Kafka key is.

A body is decoded as the worker will decode it, but produced exactly as it came, so that nothing
that a newer sender adds is lost on the way.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.limits import CodecLimits
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.telemetry import Labels

Headers = Sequence[tuple[str, bytes]]
_MAX_KEY_BYTES = 1_024


class Verdict(NamedTuple):
    """What a good body holds: how many of its kind, and the key that keeps its group together.

    `origins` are the label sets that tell of which environments it is; None where nobody can tell.
    """

    accepted: int
    key: bytes | None = None
    origins: Sequence[Labels] | None = ()


Check = Callable[[bytes, Headers, CodecLimits], Verdict]
"""Raises SchemaError for a body that is no good."""


class _Group(msgspec.Struct):
    """The one field of an Alertmanager notification that the key is made of."""

    group_key: str = msgspec.field(default="", name="groupKey")


def check_alerts(body: bytes, headers: Headers, limits: CodecLimits) -> Verdict:
    """Decode alerts; the key is the group's, else the first alert's fingerprint."""
    alerts = decode_alerts(body, headers, limits=limits)
    if not alerts:
        return Verdict(0)
    key = _group_key(body) or alerts[0].fingerprint.encode()
    return Verdict(len(alerts), key, [alert.labels for alert in alerts])


def check_change(body: bytes, headers: Headers, limits: CodecLimits) -> Verdict:
    """Decode a change; the key is its id, so that a repeated one lands beside the first."""
    change = decode_change(body, headers, limits=limits)
    return Verdict(1, change.change_id.encode()[:_MAX_KEY_BYTES], [change.labels])


def check_spans(body: bytes, headers: Headers, limits: CodecLimits) -> Verdict:
    """Decode OTLP spans."""
    spans = decode_spans(body, headers, limits=limits)
    return Verdict(len(spans), None, spans.resources)


def check_metrics(body: bytes, headers: Headers, limits: CodecLimits) -> Verdict:
    """Decode OTLP metrics."""
    metrics = decode_metrics(body, headers, limits=limits)
    return Verdict(len(metrics), None, [series.labels for series in metrics.table])


def _group_key(body: bytes) -> bytes:
    try:
        return msgspec.json.decode(body, type=_Group).group_key.encode()[:_MAX_KEY_BYTES]
    except (msgspec.DecodeError, UnicodeEncodeError):
        # A list of alerts, or a dialect without groups.
        return b""
