from collections import Counter

import numpy as np

from models.simulator.wire import metric_messages, span_messages, wire_messages
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.changes import decode_change
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.prometheus_json import decode_samples
from tests.models.simulator.runs import short_run


def test_messages_come_in_the_order_of_event_time() -> None:
    recording = short_run("pool_exhaustion")
    times = [message.event_ms for message in wire_messages(recording)]
    assert times == sorted(times)
    assert times[0] >= recording.start_ms


def test_every_message_decodes_with_the_real_codecs() -> None:
    recording = short_run("pool_exhaustion")
    topics = Counter(message.topic for message in wire_messages(recording))
    assert set(topics) >= {"alerts", "metrics", "otlp_spans"}
    for message in wire_messages(recording):
        if message.topic == "alerts":
            assert decode_alerts(message.value)
        elif message.topic == "changes":
            assert decode_change(message.value).title


def test_spans_survive_the_wire() -> None:
    batch = short_run("pool_exhaustion").spans
    assert batch is not None
    decoded = [decode_spans(message.value) for message in span_messages(batch)]
    assert sum(len(part) for part in decoded) == len(batch)
    ids = np.concatenate([part.span_id for part in decoded])
    ends = np.concatenate([part.end_ns for part in decoded])
    assert dict(zip(ids.tolist(), ends.tolist(), strict=True)) == dict(
        zip(batch.span_id.tolist(), batch.end_ns.tolist(), strict=True)
    )
    assert sum(len(part.link_row) for part in decoded) == len(batch.link_row) > 0
    assert {r for part in decoded for r in part.resources} == set(batch.resources)
    used = {batch.attribute_sets[i] for i in np.unique(batch.attributes).tolist()}
    assert {a for part in decoded for a in part.attribute_sets} == used


def test_samples_survive_the_wire_in_whole_seconds() -> None:
    batch = short_run("pool_exhaustion").metrics
    assert batch is not None
    messages = [message.value for message in metric_messages(batch)][:5000]
    decoded, bad = decode_samples(messages)
    assert bad == ()
    np.testing.assert_array_equal(decoded.value, batch.value[:5000])
    np.testing.assert_array_equal(decoded.time_ms, batch.time_ms[:5000] // 1000 * 1000)
    first = decoded.table[decoded.series[0]]
    assert (first.name, first.labels) == (
        batch.table[batch.series[0]].name,
        batch.table[batch.series[0]].labels,
    )
