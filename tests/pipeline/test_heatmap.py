import pytest

from pipeline.heatmap import correlated_metrics
from tests.pipeline.builders import PANE, T0, a_series_pane, an_alert, telemetry
from tests.pipeline.scenes import NOW_S, a_case, a_graph, a_scene

EDGES = [("cart", "db"), ("cart", "cache")]


def shown(rows: dict[tuple[str, str], list[float]], *, first: tuple[str, ...] = ("db",)):
    """The heatmap of series (component, metric) with these z in the panes from T0 on."""
    series = tuple(
        a_series_pane(name, T0 + i * PANE, z=z, metric=metric)
        for (name, metric), values in rows.items()
        for i, z in enumerate(values)
    )
    signals = [telemetry(at_s=NOW_S, series=series, source="metrics/0")]
    scene = a_scene(signals, graph=a_graph(EDGES), firing=["cart", "db", "cache"])
    return correlated_metrics(a_case(scene, an_alert("cart")), first=first)


def test_nothing_out_of_its_baseline_makes_an_empty_heatmap():
    assert shown({("db", "a"): [1.0] * 8}) == ()
    assert shown({}) == ()


def test_what_moves_together_correlates_and_what_moves_apart_does_not():
    rise = [0.0, 0.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0]
    metrics = shown(
        {
            ("db", "a"): rise,
            ("db", "b"): [2 * z for z in rise],
            ("cart", "c"): rise[::-1],
        }
    )
    by_name = {m.metric: m for m in metrics}
    place = {m.metric: i for i, m in enumerate(metrics)}
    assert by_name["a"].correlation[place["b"]] == 1.0
    assert by_name["a"].correlation[place["c"]] < 0
    assert all(m.correlation[place[m.metric]] == 1.0 for m in metrics)
    for m in metrics:
        for other in metrics:
            assert m.correlation[place[other.metric]] == other.correlation[place[m.metric]]


def test_a_flat_row_correlates_with_nothing():
    flat = [9.0] * 10
    panes = {("db", "flat"): flat, ("db", "rise"): [0.0] * 6 + [9.0] * 4}
    series = tuple(
        a_series_pane(name, T0 + (i - 2) * PANE, z=z, metric=metric)
        for (name, metric), values in panes.items()
        for i, z in enumerate(values)
    )
    scene = a_scene([telemetry(at_s=NOW_S, series=series)], graph=a_graph(EDGES), firing=["db"])
    first, second = correlated_metrics(a_case(scene, an_alert("db")), first=("db",))
    assert first.correlation == (1.0, 0.0)
    assert second.correlation == (0.0, 1.0)


def test_the_leading_components_get_a_place_before_the_rest_compete():
    rows = {("cart", f"m{i}"): [20.0 + i] * 8 for i in range(20)}
    rows |= {("db", f"d{i}"): [4.0] * 8 for i in range(5)}
    metrics = shown(rows)
    assert len(metrics) == 12
    assert [m.component for m in metrics[:4]] == ["db", "db", "db", "cart"]
    assert metrics[3].metric == "m19"


def test_a_row_says_where_it_left_its_baseline_and_where_nothing_is_known():
    (metric,) = shown({("db", "a"): [0.0, 9.0, 9.0]})
    assert metric.onset_at == "2026-02-02T02:40:30.000Z"
    assert len(metric.z) == 10
    assert metric.z[2:5] == pytest.approx((0.0, 9.0, 9.0))
    assert metric.z[5:] == (None,) * 5
