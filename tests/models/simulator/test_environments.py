"""The environments: named ones, and random ones of a given size."""

import random
from pathlib import Path

import pytest

from models.simulator.config import SimulationConfig
from models.simulator.fault_table import fault_rows
from models.simulator.faults import FAULTS
from models.simulator.simulate import NAMED, simulate
from models.simulator.topology import Topology
from models.simulator.topology_random import MAX_SIZE, MIN_SIZE, random_topology
from models.simulator.world import World


def _size(topology: Topology) -> int:
    peers = len(topology.databases) + len(topology.caches) + len(topology.brokers)
    return len(topology.services) + peers + len(topology.externals)


@pytest.mark.parametrize("size", [MIN_SIZE, 17, 30, 99, MAX_SIZE])
def test_a_random_environment_has_as_many_components_as_it_is_asked_for(size: int) -> None:
    topology = random_topology(random.Random(size), size)
    assert _size(topology) == size
    names = [each.name for each in (*topology.services, *topology.databases, *topology.caches)]
    names += [each.name for each in (*topology.brokers, *topology.nodes, *topology.jobs)]
    assert len(set(names)) == len(names)


def test_a_size_that_is_not_given_is_drawn() -> None:
    sizes = {_size(random_topology(random.Random(seed))) for seed in range(20)}
    assert len(sizes) > 5


@pytest.mark.parametrize("size", [9, 201])
def test_other_sizes_are_refused_with_a_sentence(size: int) -> None:
    with pytest.raises(ValueError, match=f"has 10 to 200 components, not {size}"):
        simulate("none", seed=1, topology=f"random-{size}")


def test_large_environments_are_asked_less_often() -> None:
    loads = [random_topology(random.Random(1), size).load for size in (10, 50, 200)]
    assert loads[0] == 1.0 > loads[1] > loads[2] > 0.2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_random_environment_has_both_engines_and_every_kind(seed: int) -> None:
    topology = random_topology(random.Random(seed), 10)
    assert {database.engine for database in topology.databases} == {"mysql", "postgres"}
    assert topology.caches
    assert topology.brokers
    assert topology.externals


@pytest.mark.parametrize("name", [*NAMED, "random"])
def test_every_fault_finds_a_victim(name: str) -> None:
    topology = NAMED[name] if name in NAMED else random_topology(random.Random("4:topology"))
    config = SimulationConfig(warmup_seconds=150, storm_seconds=60, request_rate=8, spans=False)
    world = World(topology, config, 4)
    world.start()
    world.env.run(until=150.0)
    assert [fault for fault, spec in FAULTS.items() if not spec.eligible(world)] == []


def test_the_page_of_faults_lists_them_all_with_their_patterns() -> None:
    page = (Path(__file__).parents[3] / "docs" / "FAULTS.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert sorted(rows) == fault_rows(FAULTS.values())
