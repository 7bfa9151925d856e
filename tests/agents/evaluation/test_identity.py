"""Who a recording says it is."""

from dataclasses import replace

from agents.evaluation.identity import identity_of
from models.simulator.simulate import SIMULATOR_VERSION
from schemas.recording import Fault
from tests.agents.evaluation.worlds import END_MS, FAULT_MS, healthy, recording


def test_an_imported_case_is_who_its_provenance_says():
    identity = identity_of(recording("cart", 3))
    assert identity.key == "toy/shop/cart/3"
    assert (identity.system, identity.group, identity.split) == ("toy", "cart/cpu", "test")
    assert identity.roots == ("cart",)
    assert identity.family == "code"
    assert identity.source == "injected"
    assert (identity.fault_start_ms, identity.fault_end_ms) == (FAULT_MS, END_MS)


def test_a_simulated_case_is_named_by_its_fault_and_seed():
    simulated = {
        "kind": "simulated",
        "simulator_version": SIMULATOR_VERSION,
        "fault": "slow_query",
        "topology": "random",
        "seed": 4,
    }
    truth = (Fault(component="db", pattern="db_sql.mysql.slow_query", start_ms=1, end_ms=2),)
    identity = identity_of(replace(recording(), provenance=simulated, truth=truth))
    assert identity.key == "simulated/random/slow_query/4"
    assert identity.system == "random/4"
    assert identity.family == "db_sql"


def test_a_family_that_a_set_does_not_know_stays_unknown():
    truth = (Fault(component="a", pattern="some.thing", start_ms=1, end_ms=2),)
    assert identity_of(replace(recording(), truth=truth)).family == ""


def test_a_healthy_recording_has_no_root_and_its_own_group():
    identity = identity_of(healthy(2))
    assert identity.healthy
    assert identity.group == "healthy/2"


def test_two_faults_are_two_roots_from_the_first_start_to_the_last_end():
    truth = tuple(
        Fault(component=c, pattern="p", start_ms=s, end_ms=e)
        for c, s, e in (("b", 5, 9), ("a", 3, 7))
    )
    identity = identity_of(replace(recording(), truth=truth))
    assert identity.roots == ("a", "b")
    assert (identity.fault_start_ms, identity.fault_end_ms) == (3, 9)


def test_a_set_may_take_a_database_for_its_service_under_its_own_protocol_alone():
    case = recording("stock")
    same = {"stock-db": "stock", "cart-db": "cart"}
    identity = identity_of(replace(case, provenance={**case.provenance, "same_as": same}))
    assert identity.right_answers("published") == ("stock", "stock-db")
    assert identity.right_answers("online") == ("stock",)
