from dataclasses import replace

import orjson
import pytest

from agents.evaluation.perturbations import evaluate_perturbations
from models.rules import RuleRanker
from tests.agents.recorded import storm


@pytest.fixture(scope="module")
def answer():
    return evaluate_perturbations(
        [storm()], RuleRanker(), names=("alerts_lost", "root_hidden"), seeds=(1,)
    )


def test_every_level_has_a_point_and_the_answer_is_plain_json(answer):
    assert orjson.loads(orjson.dumps(answer)) == answer
    assert [p["level"] for p in answer["alerts_lost"]["points"]] == [0.0, 0.1, 0.3, 0.5]
    assert [p["level"] for p in answer["root_hidden"]["points"]] == [0.0, 1.0]


def test_level_0_is_the_unharmed_recording(answer):
    assert answer["alerts_lost"]["points"][0] == answer["root_hidden"]["points"][0]
    assert answer["alerts_lost"]["points"][0]["ac@1"] == 1.0


def test_slopes_are_per_unit_of_the_level(answer):
    first, last = (p["ac@1"] for p in answer["root_hidden"]["points"])
    assert answer["root_hidden"]["slope_ac@1"] == pytest.approx(last - first)


def test_healthy_recordings_are_left_out():
    calm = replace(storm(), truth=())
    answer = evaluate_perturbations([calm], RuleRanker(), names=("spans_gone",))
    assert [p["cases"] for p in answer["spans_gone"]["points"]] == [0, 0]
    assert answer["spans_gone"]["slope_ac@1"] is None
