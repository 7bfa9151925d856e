"""What is dated beyond the accepted clock skew."""

from dataclasses import replace

import pytest

from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.future import (
    drop_future_samples,
    drop_future_spans,
    reject_future_alerts,
    reject_future_change,
)
from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.errors import SchemaError
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s


def test_a_future_alert_refuses_its_message() -> None:
    alerts = decode_alerts(s.dumps(s.WEBHOOK))
    reject_future_alerts(alerts, s.T0 + 30_000)
    with pytest.raises(SchemaError, match=r"alert PodDown is dated 0.1 s beyond"):
        reject_future_alerts(alerts, s.T0 + 29_900)


def test_a_future_change_is_refused() -> None:
    change = decode_change(s.dumps(s.CHANGE))
    reject_future_change(change, s.T0)
    with pytest.raises(SchemaError, match=r"change deploy-77 is dated 60.0 s beyond"):
        reject_future_change(change, s.T0 - 60_000)


def test_future_spans_are_dropped_with_their_links() -> None:
    batch = decode_spans(otlp.traces().SerializeToString())
    assert drop_future_spans(batch, s.T0 + 2100) == (batch, None)
    kept, sentence = drop_future_spans(batch, s.T0 + 2099)
    assert len(kept) == 1
    assert kept.kind.tolist() == [2]
    assert len(kept.link_row) == len(kept.link_span_id) == 0
    assert sentence is not None
    assert sentence.startswith("1 of 2 spans are dated up to 0.0 s beyond")


def test_links_follow_their_span_when_rows_before_it_go() -> None:
    batch = decode_spans(otlp.traces().SerializeToString())
    turned = replace(batch, link_row=batch.link_row + 1)
    kept, _ = drop_future_spans(turned, s.T0 + 2099)
    assert kept.link_row.tolist() == [0]
    assert kept.link_span_id.tolist() == [0x0202020202020202]


def test_future_samples_are_dropped() -> None:
    batch = decode_metrics(otlp.metrics().SerializeToString())
    assert drop_future_samples(batch, s.T0) == (batch, None)
    kept, sentence = drop_future_samples(batch, s.T0 - 1)
    assert len(kept) == 0
    assert sentence is not None
    assert "14 of 14 samples" in sentence
