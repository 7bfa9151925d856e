"""Names, links, trust: how a request gets from one service to another, or does not."""

import random
from typing import cast

import pytest
from simpy import Environment

from models.simulator.config import SimulationConfig
from models.simulator.dns import GIVE_UP_SECONDS, Dns
from models.simulator.network import (
    SWALLOWED,
    Hindrance,
    Link,
    Shaper,
    exchange_seconds,
    handshake_seconds,
    verdict,
)
from models.simulator.outcome import NOT_RESOLVED, OK, REFUSED, RESET, TIMED_OUT, TLS_FAILED
from models.simulator.passage import approach, failed_after
from models.simulator.process import Process
from models.simulator.topology_shop import SHOP
from models.simulator.work import Work
from models.simulator.world import World


@pytest.fixture(scope="module")
def world() -> World:
    config = SimulationConfig(warmup_seconds=60, storm_seconds=60, request_rate=5)
    world = World(SHOP, config, 1)
    world.start()
    return world


def _process(world: World, service: str) -> Process:
    return cast("Process", world.services[service].pods[0].process)


def _approach(world: World, caller: str, callee: str) -> tuple[float, int]:
    work = Work(_process(world, caller), 0, 0)
    service = world.services[callee]
    return approach(world.runtime, work, service, service.pods[0])


def test_the_way_costs_nothing_and_draws_nothing_while_all_is_well(world: World) -> None:
    before = world.runtime.rng.getstate()
    assert _approach(world, "checkout", "auth") == (0.0, OK)
    assert world.runtime.rng.getstate() == before


def test_a_name_is_asked_for_once_in_a_while(world: World) -> None:
    dns, process = Dns(world.env, random.Random(1)), _process(world, "cart")
    for _ in range(3):
        assert dns.lookup(process, "a")[1] == OK
    assert dns.queries == 1


def test_a_name_that_is_known_outlives_a_resolver_that_is_gone_for_a_while(world: World) -> None:
    dns, process = Dns(world.env, random.Random(1)), _process(world, "cart")
    dns.lookup(process, "b")
    dns.up = False
    assert dns.lookup(process, "b") == (0.0, OK)
    assert dns.lookup(process, "c") == (GIVE_UP_SECONDS, NOT_RESOLVED)


def test_only_names_of_the_outside_need_the_resolver_beyond(world: World) -> None:
    dns, process = Dns(world.env, random.Random(1)), _process(world, "cart")
    dns.forward_up = False
    assert dns.lookup(process, "d", outside=True)[1] == NOT_RESOLVED
    assert dns.lookup(process, "e")[1] == OK
    assert dns.answers["SERVFAIL"] == 1


def test_a_service_that_searches_asks_often_and_makes_a_queue(world: World) -> None:
    dns, process = Dns(world.env, random.Random(1)), _process(world, "cart")
    dns.searching["cart"], dns.capacity = 9, 10.0
    waits = [dns.lookup(process, "f")[0] for _ in range(3)]
    assert dns.queries == 30
    assert waits == sorted(waits)
    assert waits[-1] > 2.5


def test_a_service_without_endpoints_refuses_whoever_calls_it(world: World) -> None:
    service = world.services["cart"]
    service.endpoints_gone = True
    assert _approach(world, "checkout", "cart")[1] == REFUSED
    service.endpoints_gone = False
    assert _approach(world, "checkout", "cart")[1] == OK


def test_a_runtime_that_does_not_know_the_chain_does_not_talk(world: World) -> None:
    service = world.services["auth"]
    service.mistrusted = {"jvm": 1.0}
    assert _approach(world, "checkout", "auth")[1] == TLS_FAILED
    assert _approach(world, "storefront", "auth")[1] == OK
    service.mistrusted = {}


def test_a_parted_link_drops_only_what_comes_from_the_other_side() -> None:
    rng, one, two, three = random.Random(1), Link(), Link(), Link()
    two.hindrance = Hindrance(parted=frozenset({one}))
    assert verdict(rng, one, two) == TIMED_OUT
    assert verdict(rng, two, one) == TIMED_OUT
    assert verdict(rng, three, two) == OK


def test_a_refusal_meets_callers_but_not_calls() -> None:
    rng, one, two = random.Random(1), Link(), Link()
    two.hindrance = Hindrance(refusals=1.0)
    assert verdict(rng, one, two) == REFUSED
    assert verdict(rng, two, one) == OK


@pytest.mark.parametrize(
    ("hindrance", "outcome"),
    [(Hindrance(resets=0.5), RESET), (Hindrance(swallowed=0.5), SWALLOWED)],
)
def test_a_share_of_the_exchanges_is_hindered(hindrance: Hindrance, outcome: int) -> None:
    rng, one, two = random.Random(1), Link(), Link()
    two.hindrance = hindrance
    met = [verdict(rng, one, two) for _ in range(200)]
    assert set(met) == {OK, outcome}
    assert 70 < met.count(outcome) < 130


def test_a_narrow_pipe_queues_and_drops_what_does_not_fit() -> None:
    env, rng, link = Environment(), random.Random(1), Link()
    shaper = Shaper(env, 8_400.0)
    link.narrow(shaper)
    waits = [exchange_seconds(rng, link, Link()) for _ in range(6)]
    assert waits[0] == pytest.approx(1.0, abs=0.01)
    assert waits[2] == pytest.approx(3.0, abs=0.01)
    assert link.dropped >= 1
    link.narrow(None)
    assert exchange_seconds(rng, link, Link()) < 0.01


def test_damaged_packets_are_sent_again_and_counted() -> None:
    rng, link = random.Random(1), Link()
    link.corrupt(0.2)
    slow = sum(exchange_seconds(rng, link, Link()) for _ in range(100))
    assert slow > 10.0
    assert link.corrupted == link.retransmitted > 0


def test_a_dropped_first_packet_costs_a_second_then_two() -> None:
    rng = random.Random(3)
    waits = {handshake_seconds(rng, 0.6) for _ in range(50)}
    assert {0.0, 1.0, 3.0} <= waits
    assert handshake_seconds(rng, 0.0) == 0.0


def test_who_is_out_of_patience_sees_a_timeout() -> None:
    assert failed_after(5.0, NOT_RESOLVED, 2.0) == (2.0, TIMED_OUT)
    assert failed_after(0.5, NOT_RESOLVED, 2.0) == (0.5, NOT_RESOLVED)
