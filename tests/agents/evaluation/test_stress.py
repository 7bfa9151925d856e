"""Storms and perturbations beside the suites."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agents.cli import main
from agents.evaluation.asked import Collected
from agents.evaluation.identity import identity_of
from agents.evaluation.stress import chosen, perturbed, storms
from agents.evaluation.subject import Subject
from agents.offline import OfflineConfig
from agents.recordings import write_recording
from models.perturbation import PERTURBATIONS
from tests.agents.evaluation.worlds import healthy, recording

RULES = Subject(artefact=None, version="rules", systems=frozenset())


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("stress")
    for root in ("stock", "mail"):
        write_recording(recording(root), folder / root)
    return {"toy/shop": [folder / "mail", folder / "stock"]}


def test_each_suite_is_judged_by_the_number_of_faults(folders):
    done: list[None] = []
    found = storms(folders, OfflineConfig(), jobs=1, done=lambda: done.append(None))
    assert set(found) == {"toy/shop"}
    assert [found["toy/shop"][n]["storms"] for n in ("1", "2", "3")] == [2, 1, 0]
    assert found["toy/shop"]["1"]["ari"] == 1.0
    assert len(done) == 3


def test_each_perturbation_has_its_levels(folders):
    done: list[None] = []
    few = {"toy/shop": folders["toy/shop"][:1], "empty": []}
    names = ("alerts_delayed", "changes_gone")
    found = perturbed(
        few, RULES, OfflineConfig(), jobs=1, done=lambda: done.append(None), names=names
    )
    assert list(found) == ["toy/shop"]
    assert tuple(found["toy/shop"]) == names
    assert set(names) < set(PERTURBATIONS)
    assert len(done) == 2
    delayed = found["toy/shop"]["alerts_delayed"]["points"]
    assert delayed[0]["ac@1"] == 1.0


def test_the_command_tells_storms(folders):
    (place,) = {path.parent for path in folders["toy/shop"]}
    arguments = ["evaluate", str(place), "--model", "rules", "--grouping", "--jobs", "1"]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    assert set(orjson.loads(result.stdout)["grouping"]["toy/shop"]) == {"1", "2", "3"}


def test_perturbing_needs_a_ranker_that_is_there(folders):
    arguments = [str(folders["toy/shop"][0]), "--cross-validate", "2", "--perturb", "1"]
    result = CliRunner().invoke(main, ["evaluate", *arguments])
    assert result.exit_code == 2
    assert "--model" in result.stderr


def test_a_few_cases_are_chosen_from_all_over():
    ten = [Collected(identity=identity_of(recording("stock", n))) for n in range(10)]
    well = Collected(identity=identity_of(healthy()))
    names = [c.identity.case for c in chosen([*ten[::-1], well], 3)]
    assert names == ["stock/0", "stock/3", "stock/6"]
    assert len(chosen(ten, 20)) == 10
    assert not chosen([replace(well)], 3)
