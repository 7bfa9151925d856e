import numpy as np

from models.simulator.promql import Query
from models.simulator.series import SeriesStore


def _query(**rows: list[float]) -> Query:
    ticks = len(next(iter(rows.values())))
    store = SeriesStore(start_ms=0, ticks=ticks, interval=15)
    for name, values in rows.items():
        metric, _, pod = name.partition("__")
        store.add(metric, {"pod": pod}, 0.0)[:] = values
    return Query(store)


def test_a_counters_rate_survives_a_restart() -> None:
    query = _query(hits__a=[0.0, 30.0, 60.0, 15.0, 45.0])
    rate = query.rate("hits", 30).values[0]
    np.testing.assert_allclose(rate[1:], [2.0, 2.0, 1.5, 1.5])


def test_a_rate_over_a_gap_is_absent_where_the_series_is() -> None:
    query = _query(hits__a=[0.0, 15.0, np.nan, np.nan, 60.0, 75.0])
    rate = query.rate("hits", 30).values[0]
    assert np.isnan(rate[2:4]).all()
    np.testing.assert_allclose(rate[5], 1.0)


def test_division_matches_equal_labels_only() -> None:
    query = _query(part__a=[1.0], part__b=[1.0], whole__a=[4.0])
    ratio = query.get("part") / query.get("whole")
    assert ratio.labels == [{"pod": "a"}]
    assert ratio.values.tolist() == [[0.25]]


def test_a_comparison_keeps_the_value_where_it_holds() -> None:
    query = _query(x__a=[1.0, 7.0])
    kept = query.get("x").above(5.0).values[0]
    assert np.isnan(kept[0])
    assert kept[1] == 7.0


def test_a_sum_of_nothing_is_absent() -> None:
    query = _query(x__a=[np.nan, 1.0], x__b=[np.nan, 2.0])
    summed = query.get("x").sum_by("pod", "none")
    assert [labels["pod"] for labels in summed.labels] == ["a", "b"]
    assert np.isnan(summed.values[:, 0]).all()


def test_a_quantile_is_interpolated_inside_its_bucket() -> None:
    store = SeriesStore(start_ms=0, ticks=1, interval=15)
    for bound, count in (("0.1", 90.0), ("0.2", 100.0), ("+Inf", 100.0)):
        store.add("d_bucket", {"service": "s", "le": bound}, 0.0)[:] = [count]
    query = Query(store)
    quantile = query.quantile(0.95, query.get("d_bucket"), "service")
    assert quantile.labels == [{"service": "s"}]
    np.testing.assert_allclose(quantile.values, [[0.15]])
