from collections.abc import Sequence

import orjson

from agents.worker.packing import PROSE_CHARS, Packer, merge
from schemas.alert import Alert, AlertStatus
from schemas.codecs.signals import decode_signal
from schemas.component import Component
from schemas.signal import (
    AlertSignal,
    EdgePane,
    Exemplar,
    ServicePane,
    Sighting,
    StatementTotal,
    TelemetrySignal,
)

CART = Component(name="cart")


def a_pane(start_ms=0, count=1, **values):
    return ServicePane(component=CART, start_ms=start_ms, count=count, **values)


def telemetry(*services, source="otlp_spans/0", observed_ms=1, **values):
    return TelemetrySignal(source=source, observed_ms=observed_ms, services=services, **values)


def decoded(records: Sequence) -> list:
    return [(record.key, decode_signal(record.value)) for record in records]


def test_of_totals_about_one_pane_the_last_is_sent():
    records = Packer("signals", 10_000).pack(
        [("prod", telemetry(a_pane(count=1))), ("prod", telemetry(a_pane(count=2), observed_ms=9))]
    )
    assert decoded(records) == [(b"prod", telemetry(a_pane(count=2), observed_ms=9))]


def test_environments_and_sources_are_never_merged():
    pairs = [
        ("prod", telemetry(a_pane())),
        ("test", telemetry(a_pane())),
        ("prod", telemetry(a_pane(), source="otlp_spans/1")),
    ]
    found = decoded(Packer("signals", 10_000).pack(pairs))
    assert sorted((key, s.source) for key, s in found) == [
        (b"prod", "otlp_spans/0"),
        (b"prod", "otlp_spans/1"),
        (b"test", "otlp_spans/0"),
    ]


def test_what_was_seen_of_a_component_is_united():
    node = Component(name="node-1")
    one = Sighting(component=CART, metric_classes=("cpu",), runs_on=(node,))
    two = Sighting(component=CART, metric_classes=("memory",), has_spans=True)
    merged = merge([telemetry(sightings=(one,)), telemetry(sightings=(two,))])
    assert merged.sightings == (
        Sighting(
            component=CART, metric_classes=("cpu", "memory"), has_spans=True, runs_on=(node,)
        ),
    )


def test_a_signal_that_is_too_large_is_split_and_nothing_is_lost():
    panes = tuple(a_pane(start_ms=i) for i in range(1_000))
    records = Packer("signals", 5_000).pack([("prod", telemetry(*panes))])
    assert max(len(record.value) for record in records) <= 5_000
    found = [pane for _key, signal in decoded(records) for pane in signal.services]
    assert found == list(panes)


def test_a_single_pane_that_is_too_large_keeps_its_numbers():
    statements = tuple(StatementTotal(text="x" * 500, count=1, duration_ms=1) for _ in range(50))
    exemplar = Exemplar(trace_id="t", span_id="s", operation="o", start_ms=0, duration_ms=1)
    edge = EdgePane(
        caller=CART,
        callee=Component(name="db"),
        start_ms=0,
        count=5,
        statements=statements,
        exemplars=(exemplar,),
    )
    signal = TelemetrySignal(source="s", observed_ms=1, edges=(edge,))
    (record,) = Packer("signals", 2_000).pack([("prod", signal)])
    assert len(record.value) <= 2_000
    assert decode_signal(record.value).edges[0].count == 5


def test_an_alert_that_is_too_large_keeps_its_identity():
    alert = Alert(
        fingerprint="f",
        status=AlertStatus.FIRING,
        labels=(("alertname", "A"),),
        annotations=(("description", "x" * 50_000),),
        starts_ms=1,
    )
    signal = AlertSignal(alert=alert, component=CART)
    (record,) = Packer("signals", 10_000).pack([("prod", signal)])
    assert len(record.value) <= 10_000
    assert decode_signal(record.value).alert.labels == alert.labels
    assert orjson.loads(record.value)["type"] == "alert"


def test_long_prose_is_cut_to_its_share_and_a_long_link_is_left_out():
    annotations = tuple((f"a{n}", "x" * 30_000) for n in range(4))
    alert = Alert(
        fingerprint="f",
        status=AlertStatus.FIRING,
        labels=(("alertname", "A"),),
        annotations=annotations,
        starts_ms=1,
        ends_ms=None,
        generator_url="http://prometheus/" + "x" * 5_000,
    )
    (record,) = Packer("signals", 900_000).pack(
        [("prod", AlertSignal(alert=alert, component=CART))]
    )
    kept = decode_signal(record.value).alert
    assert [len(text) for _, text in kept.annotations] == [PROSE_CHARS // 4] * 4
    assert (kept.labels, kept.generator_url) == (alert.labels, "")


def test_prose_of_the_usual_length_and_its_link_go_on_as_they_are():
    alert = Alert(
        fingerprint="f",
        status=AlertStatus.FIRING,
        labels=(("alertname", "A"),),
        annotations=(("description", "x" * 5_000), ("summary", "y")),
        starts_ms=1,
        ends_ms=None,
        generator_url="http://prometheus/graph?g0.expr=up",
    )
    (record,) = Packer("signals", 900_000).pack(
        [("prod", AlertSignal(alert=alert, component=CART))]
    )
    assert decode_signal(record.value).alert == alert
