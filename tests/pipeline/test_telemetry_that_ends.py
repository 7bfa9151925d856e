"""When the spans of a whole environment end, nobody's silence says anything."""

from pipeline.blocks.silence import measure_silence
from pipeline.pane_store import PaneStore
from tests.pipeline.builders import T0, a_service_pane, an_alert, an_edge_pane, telemetry
from tests.pipeline.scenes import CONFIG, NOW_S, a_case, a_scene

START_S = -720


def panes(*names: str, until_s: int):
    return [
        telemetry(
            at_s=second + 30,
            services=tuple(a_service_pane(name, T0 + second * 1000) for name in names),
        )
        for second in range(START_S, until_s, 30)
    ]


def silence(signals, name: str):
    return measure_silence(a_case(a_scene(signals), an_alert("cart")), name)


def test_a_component_without_callers_is_not_silent_after_the_last_span_of_all():
    block = silence(panes("web", "cart", until_s=90), "web")
    assert block.measures["silence"] == 0.0
    assert block.evidence == []


def test_the_last_pane_may_be_a_part_and_does_not_count():
    partial = telemetry(at_s=92, services=(a_service_pane("web", T0 + 90_000, count=1),))
    assert silence([*panes("web", until_s=90), partial], "web").measures["silence"] == 0.0


def test_it_is_silent_when_others_go_on():
    signals = [*panes("web", until_s=90), *panes("cart", until_s=NOW_S)]
    assert [e.kind for e in silence(signals, "web").evidence] == ["silent"]


def test_it_is_silent_when_only_calls_of_others_are_seen_to_go_on():
    going_on = [
        telemetry(at_s=second + 30, edges=(an_edge_pane("cart", "db", T0 + second * 1000),))
        for second in range(START_S, NOW_S, 30)
    ]
    block = silence([*panes("web", until_s=90), *going_on], "web")
    assert [e.kind for e in block.evidence] == ["silent"]


def test_a_restored_store_knows_the_newest_span():
    store = PaneStore(CONFIG.evidence)
    for signal in panes("web", until_s=90):
        store.add(signal)
    copy = PaneStore(CONFIG.evidence)
    copy.restore(store.snapshot())
    assert copy.newest_span_ms == store.newest_span_ms == T0 + 60_000
