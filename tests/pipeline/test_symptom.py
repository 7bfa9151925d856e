"""What is measured where a given window says that trouble was seen."""

import pytest

from pipeline.blocks.symptom import measure_symptom
from pipeline.case_view import CaseView
from pipeline.given_window import GivenWindow
from pipeline.scene import Scene
from schemas.signal import AlertSignal, Sighting
from tests.pipeline.builders import (
    PANE,
    T0,
    a_series_pane,
    an_alert,
    component,
    healthy_then_slow,
    telemetry,
)
from tests.pipeline.scenes import CONFIG, NOW_S, a_graph, a_group, a_scene

OTHER = an_alert("mail")
SIGHTING = Sighting(component=component("web"), metric_classes=("errors",))


def seen(*zs: float, metric: str = "errors", cls: str = "errors") -> Scene:
    """A scene in which a series of web has these z, pane by pane from the onset."""
    panes = tuple(
        a_series_pane("web", T0 + i * PANE, z=z, metric=metric, cls=cls) for i, z in enumerate(zs)
    )
    heard = telemetry(at_s=NOW_S, series=panes, sightings=(SIGHTING,))
    return a_scene([heard], graph=a_graph([("web", "cart")]))


def told(scene: Scene, symptom: str = "web", *alerts: AlertSignal) -> dict[str, float]:
    given = GivenWindow(onset_ms=T0, until_ms=T0 + NOW_S * 1000, symptom=symptom)
    group = a_group(*(alerts or (OTHER,)))
    return measure_symptom(
        CaseView(group, scene, [], max_hops=CONFIG.grouping.max_hops, given=given)
    )


def test_trouble_in_two_panes_is_as_severe_as_the_lesser_of_them():
    measured = told(seen(0.0, 40.0, 10.0, 0.0))
    assert measured["symptom_severity"] == pytest.approx(10.0 / CONFIG.evidence.anomaly_z)
    assert measured["symptom_lasting"] == pytest.approx(2 / 8)


def test_one_odd_pane_is_no_trouble_however_odd():
    assert told(seen(0.0, 50.0, 0.0))["symptom_severity"] == 0.0


def test_a_series_with_a_single_sample_is_taken_at_its_word():
    assert told(seen(10.0))["symptom_severity"] == pytest.approx(2.0)


def test_traffic_alone_is_no_trouble():
    assert told(seen(20.0, 20.0, cls="traffic"))["symptom_severity"] == 0.0


def test_a_component_that_is_observed_and_calm_shows_nothing():
    assert told(seen()) == {"symptom_severity": 0.0, "symptom_lasting": 0.0}


def test_an_alert_on_the_symptom_is_trouble():
    assert told(seen(), "web", an_alert("web"))["symptom_severity"] >= 1.0


def test_slow_spans_are_trouble_that_lasts():
    measured = told(a_scene(healthy_then_slow(onset_s=0)), "cart")
    assert measured["symptom_severity"] > 1.0
    assert measured["symptom_lasting"] == 1.0


def test_who_is_not_observed_or_not_named_is_not_measured():
    assert told(seen(), "nobody") == {}
    assert told(seen(9.0, 9.0), "") == {}
