from dataclasses import replace

import orjson
import pytest

from agents.evaluation.grouping import (
    draw_storms,
    evaluate_grouping,
    figures_of,
    incident_of,
    world_of,
)
from models.overlay import Overlay, OwnedAlert
from models.simulator.simulate import simulate
from schemas.recording import Recording
from tests.agents.recorded import STORM, storm


@pytest.fixture(scope="module")
def world() -> tuple[Recording, ...]:
    """Two faults of one world, and that world when well."""
    others = (simulate(name, seed=1, config=STORM) for name in ("cert_expiry", "none"))
    return (storm(), *others)


def test_storms_are_drawn_within_one_world_on_different_components(world):
    elsewhere = replace(world[1], provenance={**world[1].provenance, "seed": 2})
    (pair,) = draw_storms([*world, elsewhere], faults=2, seed=0)
    assert {r.truth[0].component for r in pair.recordings} == {"mysql-primary", "auth"}
    assert pair.offsets_s[0] == 0.0
    assert [r.truth for r in pair.healthy] == [()]
    assert len(draw_storms([*world, elsewhere], faults=1, seed=0)) == 3


def test_two_recordings_of_one_fault_are_no_storm_of_two(world):
    again = replace(world[0], provenance=dict(world[0].provenance))
    assert draw_storms([world[0], again], faults=2, seed=0) == []


def test_worlds_are_systems_and_of_simulated_ones_seeds(world):
    assert world_of(world[0]) == "shop/1"
    assert world_of(replace(world[0], provenance={"kind": "injected", "system": "s"})) == "s"


def seed_of(world: tuple[Recording, ...], apart_s: float) -> int:
    """A seed that draws so many seconds between the two faults."""
    return next(
        seed
        for seed in range(50)
        if draw_storms(world, faults=2, seed=seed)[0].offsets_s[1] == apart_s
    )


def test_figures_are_given_for_each_number_of_faults_as_plain_json(world):
    shares: list[float] = []
    answer = evaluate_grouping(world, seed=seed_of(world, 0.0), done=shares.append)
    assert orjson.loads(orjson.dumps(answer)) == answer
    assert shares[-1] == 1.0
    single, double = answer["1"], answer["2"]
    assert (single["storms"], double["storms"]) == (2, 1)
    assert single["split_faults"] == 0
    assert double["faults"] == 2
    assert double["missed"] == 0
    assert len(double["cases"][0]["truth"]) == 2


def test_a_storm_whose_second_fault_raised_no_alert_is_counted_and_not_judged(world):
    quiet = tuple(replace(r, alerts=()) if r.truth and r is world[1] else r for r in world)
    double = evaluate_grouping(quiet, faults=(2,))["2"]
    assert (double["storms"], double["incomplete"]) == (1, 1)
    assert double["ari"] is None


def test_alerts_of_two_faults_count_for_neither_and_noise_is_alone(world):
    laid = Overlay(
        recording=world[0],
        faults=(world[0].truth[0], world[1].truth[0]),
        alerts=tuple(
            OwnedAlert(fingerprint=name, starts_ms=0, owners=owners)
            for name, owners in (("a", (0,)), ("b", (0,)), ("c", (0, 1)), ("d", (1,)), ("e", ()))
        ),
    )
    figures = figures_of(laid, [])
    assert figures["alerts"] == 4
    assert figures["shared_alerts"] == 1
    assert figures["missed"] == 2
    assert figures["noise_kept_out"] == 1.0


def test_without_outputs_no_alert_has_an_incident():
    assert incident_of([]) == {}
