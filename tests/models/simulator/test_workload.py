"""What the platform does with pods that do not start or do not stay."""

import random

import pytest

from models.simulator.changes import ChangeLog
from models.simulator.config import SimulationConfig
from models.simulator.fault_spec import Injection
from models.simulator.faults import FAULTS
from models.simulator.topology_shop import SHOP
from models.simulator.workload import replace, restore, scale, strand
from models.simulator.world import World

CONFIG = SimulationConfig(warmup_seconds=60, storm_seconds=60, request_rate=6, spans=False)


@pytest.fixture
def world() -> World:
    world = World(SHOP, CONFIG, 1)
    world.start()
    world.env.run(until=70.0)
    return world


def _inject(world: World, fault: str, target: str) -> None:
    rng = random.Random(1)
    changes = ChangeLog(CONFIG.start_ms, rng)
    FAULTS[fault].inject(Injection(world=world, target=target, rng=rng, changes=changes))


def test_stranded_pods_take_no_requests_until_they_are_restored(world: World) -> None:
    service = world.services["cart"]
    strand(world, service, "ImagePullBackOff", 0)
    world.env.run(until=100.0)
    assert service.ready == []
    assert {pod.waiting for pod in service.pods} == {"ImagePullBackOff"}
    restore(world, service)
    world.env.run(until=150.0)
    assert len(service.ready) == service.spec.replicas


def test_a_replaced_pod_comes_back_under_another_name(world: World) -> None:
    service = world.services["auth"]
    before = [pod.name for pod in service.pods]
    replace(world, service.pods[0], evicted=True)
    world.env.run(until=140.0)
    assert len(service.ready) == service.spec.replicas
    assert {pod.name for pod in service.pods} != set(before)


def test_a_service_scaled_to_nothing_is_not_there(world: World) -> None:
    service = world.services["payment"]
    scale(world, service, 0)
    assert (service.pick(), service.wanted) == (None, 0)


def test_a_program_over_its_memory_limit_is_ended_for_it(world: World) -> None:
    _inject(world, "memory_limit_cut", "inventory")
    world.env.run(until=120.0)
    pods = world.services["inventory"].pods
    assert all(pod.oom_kills >= 1 and pod.restarts >= 1 for pod in pods)


def test_a_growing_program_is_ended_and_starts_small_again(world: World) -> None:
    _inject(world, "memory_leak", "pricing")
    world.env.run(until=200.0)
    pods = world.services["pricing"].pods
    assert all(pod.ended == "OOMKilled" for pod in pods)


def test_impatient_liveness_probes_end_healthy_programs(world: World) -> None:
    _inject(world, "liveness_misfit", "cart")
    world.env.run(until=130.0)
    pods = world.services["cart"].pods
    assert all(pod.restarts >= 1 and pod.liveness_failures >= 3 for pod in pods)


def test_programs_that_start_too_slowly_never_get_ready(world: World) -> None:
    _inject(world, "overdue_start", "cart")
    world.env.run(until=160.0)
    service = world.services["cart"]
    assert service.ready == []
    assert all(pod.restarts >= 2 for pod in service.pods)


def test_broken_readiness_probes_empty_a_service_whose_programs_run(world: World) -> None:
    _inject(world, "readiness_misfit", "cart")
    world.env.run(until=100.0)
    service = world.services["cart"]
    assert service.ready == []
    assert all(pod.process is not None for pod in service.pods)


def test_pods_of_a_machine_that_is_gone_come_up_elsewhere(world: World) -> None:
    _inject(world, "machine_gone", "node-a")
    world.env.run(until=260.0)
    assert all(
        pod.node.name != "node-a" for service in world.services.values() for pod in service.pods
    )


def test_without_its_agent_a_machine_is_not_asked_though_its_pods_run(world: World) -> None:
    _inject(world, "agent_gone", "node-b")
    world.env.run(until=140.0)
    there = [p for s in world.services.values() for p in s.pods if p.node.name == "node-b"]
    assert there
    assert all(pod.process is not None and not pod.ready for pod in there)
