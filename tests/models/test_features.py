"""The features' contract: names, ranges, and what must not matter."""

import numpy as np
import pytest

from models.features import FEATURES, context_vector, percentiles, shows_anything, vectors
from models.readings import READINGS, early, log, milliseconds, ratio
from models.rule_scores import RULES, prism, saturation
from schemas.measures import CONTEXT, MEASURES
from tests.models.synthetic import candidate, question, storm


def column(name: str) -> int:
    return FEATURES.names.index(name)


def test_every_measure_is_read_and_nothing_else() -> None:
    assert {reading.measure for reading in READINGS} == set(MEASURES)


def test_context_names_come_from_the_contract_or_are_derived() -> None:
    derived = {"bias", "elapsed", "best_rule", "deviating"}
    assert set(FEATURES.context) - derived <= set(CONTEXT)


def test_names_are_unique_and_each_has_a_source() -> None:
    assert len(set(FEATURES.names)) == len(FEATURES.names) == len(FEATURES.sources)


def test_the_worked_number_of_the_docstring_holds() -> None:
    asked = question(
        candidate("a", z_cpu=9.0), candidate("b", z_cpu=3.0), candidate("c", alert_count=1.0)
    )
    features = vectors(asked)
    assert features[:, column("z_cpu:value")] == pytest.approx([0.7563, 0.4553, 0.0], abs=1e-4)
    assert features[:, column("z_cpu:percentile")].tolist() == [1.0, 0.0, 0.0]


def test_every_entry_lies_between_minus_one_and_one() -> None:
    for fault in ("pool", "freeze"):
        features = vectors(storm(fault, 7, 60.0)[0])
        assert np.abs(features).max() <= 1.0
    wild = question(candidate("a", **dict.fromkeys(MEASURES, 1e300)), candidate("b"))
    assert np.abs(vectors(wild)).max() <= 1.0


def test_a_missing_measure_differs_from_a_zero_only_in_presence() -> None:
    with_zero = vectors(question(candidate("a", z_cpu=0.0), candidate("b", z_cpu=5.0)))
    without = vectors(question(candidate("a"), candidate("b", z_cpu=5.0)))
    changed = {FEATURES.names[i] for i in np.flatnonzero(with_zero[0] != without[0])}
    assert changed == {"has:metrics"}


def test_not_a_number_is_no_data_and_infinity_is_a_lot() -> None:
    features = vectors(question(candidate("a", z_cpu=float("nan")), candidate("b", z_cpu=1e999)))
    assert features[:, column("z_cpu:value")].tolist() == [0.0, 1.0]


def test_a_quiet_stranger_moves_nobodys_percentile() -> None:
    loud = [candidate("a", z_cpu=9.0), candidate("b", z_cpu=5.0)]
    two = vectors(question(*loud))
    three = vectors(question(*loud, candidate("c", z_cpu=2.0)))
    assert (two == three[:2]).all()


def test_scaling_all_candidates_up_keeps_the_percentiles() -> None:
    one = percentiles(log(np.array([4.0, 5.0, 6.0])), 0.3)
    ten = percentiles(log(np.array([8.0, 10.0, 12.0])), 0.3)
    assert one.tolist() == ten.tolist()


def test_silence_counts_when_it_is_negative() -> None:
    features = vectors(question(candidate("a", silence=-3.0), candidate("b", silence=0.1)))
    assert features[0, column("silence:value")] == pytest.approx(0.985, abs=1e-3)
    assert features[1, column("silence:value")] == 0.0
    assert features[:, column("first:silence")].tolist() == [1.0, 0.0]


def test_a_rise_and_a_fall_of_traffic_are_two_readings() -> None:
    features = vectors(question(candidate("a", z_traffic=20.0), candidate("b", z_traffic=-20.0)))
    assert features[:, column("z_traffic+:value")].tolist() == [1.0, 0.0]
    assert features[:, column("z_traffic-:value")].tolist() == [0.0, 1.0]


def test_an_early_onset_reads_higher_than_a_late_one() -> None:
    assert early(np.array([0.0, 60.0, 600.0])).round(3).tolist() == [1.0, 0.368, 0.0]


@pytest.mark.parametrize(
    ("read", "raw", "expected"),
    [
        (log, 4.0, 0.5286),
        (log, -4.0, -0.5286),
        (log, 1e6, 1.0),
        (ratio, np.log(21.0), 1.0),
        (ratio, 0.0, 0.0),
        (milliseconds, 50.0, 0.2277),
    ],
)
def test_readings_follow_their_formula(read, raw: float, expected: float) -> None:  # type: ignore[no-untyped-def]
    assert read(np.array([raw]))[0] == pytest.approx(expected, abs=1e-4)


def rule_columns(**given: float) -> dict[str, np.ndarray]:
    return {reading.name: np.array([given.get(reading.name, 0.0)]) for reading in READINGS}


def test_prism_gives_its_worked_number() -> None:
    columns = rule_columns(
        z_cpu=float(log(np.array([9.0]))[0]), z_latency=float(log(np.array([4.0]))[0])
    )
    assert prism(columns)[0] == pytest.approx(0.654, abs=1e-3)


def test_a_pool_counts_as_saturated_only_near_its_limit() -> None:
    assert saturation(rule_columns(pool_usage=0.8))[0] == pytest.approx(0.0)
    assert saturation(rule_columns(pool_usage=1.0))[0] == pytest.approx(1.0)


def test_every_rule_is_nothing_where_there_is_nothing() -> None:
    for rule in RULES.values():
        assert rule(rule_columns())[0] == 0.0


def test_an_empty_question_has_no_rows_and_a_context() -> None:
    empty = question()
    features = vectors(empty)
    assert features.shape == (0, len(FEATURES.names))
    assert context_vector(empty, features).shape == (len(FEATURES.context),)


def test_presence_alone_shows_nothing() -> None:
    assert not shows_anything(vectors(question(candidate("a", z_cpu=1.0))))
    assert shows_anything(vectors(question(candidate("a", z_cpu=4.0))))
