"""What is dated in the future, and so would carry the event clock away, is refused here.

Messages of single nouns are refused as a whole; of a batch only the rows are dropped.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from schemas.alert import Alert
from schemas.change import Change
from schemas.errors import SchemaError
from schemas.telemetry import MetricBatch, SpanBatch


def reject_future_alerts(alerts: Iterable[Alert], latest_ms: int) -> None:
    """Refuse alerts of which one happened after `latest_ms`."""
    for alert in alerts:
        _reject(f"alert {alert.rule or alert.fingerprint}", alert.event_ms, latest_ms)


def reject_future_change(change: Change, latest_ms: int) -> None:
    """Refuse a change that happened after `latest_ms`."""
    _reject(f"change {change.change_id}", change.at_ms, latest_ms)


def drop_future_spans(batch: SpanBatch, latest_ms: int) -> tuple[SpanBatch, str | None]:
    """Drop the spans that end after `latest_ms`, with their links; say how many, or None."""
    keep = batch.end_ns <= latest_ms * 1_000_000
    if keep.all():
        return batch, None
    sentence = _dropped(keep, "spans", int(batch.end_ns.max()) // 1_000_000, latest_ms)
    return keep_spans(batch, keep), sentence


def drop_future_samples(batch: MetricBatch, latest_ms: int) -> tuple[MetricBatch, str | None]:
    """Drop the samples after `latest_ms`; say how many, or None."""
    keep = batch.time_ms <= latest_ms
    if keep.all():
        return batch, None
    sentence = _dropped(keep, "samples", int(batch.time_ms.max()), latest_ms)
    kept = replace(
        batch, series=batch.series[keep], time_ms=batch.time_ms[keep], value=batch.value[keep]
    )
    return kept, sentence


def keep_spans(batch: SpanBatch, keep: NDArray[np.bool_]) -> SpanBatch:
    """Return the batch with the rows where `keep` is true; tables stay as they are."""
    row_after = np.cumsum(keep, dtype=np.int32) - np.int32(1)
    links = keep[batch.link_row]
    return replace(
        batch,
        trace_hi=batch.trace_hi[keep],
        trace_lo=batch.trace_lo[keep],
        span_id=batch.span_id[keep],
        parent_id=batch.parent_id[keep],
        start_ns=batch.start_ns[keep],
        end_ns=batch.end_ns[keep],
        kind=batch.kind[keep],
        status=batch.status[keep],
        resource=batch.resource[keep],
        attributes=batch.attributes[keep],
        name=batch.name[keep],
        link_row=row_after[batch.link_row[links]],
        link_trace_hi=batch.link_trace_hi[links],
        link_trace_lo=batch.link_trace_lo[links],
        link_span_id=batch.link_span_id[links],
    )


def _reject(what: str, event_ms: int, latest_ms: int) -> None:
    if event_ms > latest_ms:
        msg = (
            f"{what} is dated {(event_ms - latest_ms) / 1000:.1f} s beyond what is accepted as"
            " clock skew: check the producer's clock"
        )
        raise SchemaError(msg)


def _dropped(keep: NDArray[np.bool_], what: str, newest_ms: int, latest_ms: int) -> str:
    count = len(keep) - int(keep.sum())
    return (
        f"{count} of {len(keep)} {what} are dated up to {(newest_ms - latest_ms) / 1000:.1f} s"
        " beyond what is accepted as clock skew and were dropped: check the producer's clock"
    )
