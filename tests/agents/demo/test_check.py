"""The verdict says right only when everything is right, and names what is not."""

from dataclasses import replace

import pytest

from agents.demo.check import Expected, failures
from schemas.incident import IncidentStatus

from .scenes import (
    a_candidate,
    a_member,
    an_incident,
    evidence,
    opened,
    told,
    updated,
)

STORM = ("s1", "s2", "s3", "s4", "s5")
EXPECTED = Expected(
    component="db",
    pattern="db.full",
    holder="job",
    storm=frozenset(STORM),
    bystanders=frozenset({"n1", "n2"}),
)
GOOD = an_incident(*STORM, revision=2)
RIGHT = (opened(an_incident("s1")), updated(GOOD))


MESSAGES = (told(),)


def judged(revisions=RIGHT, messages=MESSAGES):
    return failures(EXPECTED, revisions, messages)


def with_last(**changes):
    return (RIGHT[0], updated(replace(GOOD, **changes)))


def with_top(**changes):
    return with_last(candidates=(replace(a_candidate(), **changes), *GOOD.candidates[1:]))


def test_nothing_is_wrong_when_one_incident_with_the_cause_came_out_and_was_told():
    assert judged() == []


def test_an_incident_of_strangers_beside_it_is_no_fault():
    stranger = an_incident("n1", incident_id="0000beef")
    assert judged((*RIGHT, opened(stranger)), (told(about="0000beef"), told())) == []


def test_a_storm_alert_fewer_is_tolerated():
    assert judged((RIGHT[0], updated(an_incident(*STORM[:4], revision=2)))) == []


def test_the_chat_may_first_have_been_told_another_component_and_then_the_change():
    messages = (told("🔴 cart: slow"), told("🔴 db: TOP-1 changed from cart to db"))
    assert judged(messages=messages) == []


@pytest.mark.parametrize(
    ("revisions", "sentence"),
    [
        pytest.param((), "No incident holds any of the storm's alerts", id="nothing"),
        pytest.param(
            (opened(an_incident("n1")),),
            "No incident holds any",
            id="only an incident of strangers",
        ),
        pytest.param(
            (*RIGHT, opened(an_incident("s5", incident_id="0000beef"))),
            "2 incidents hold the storm's alerts (5, 1), expected one",
            id="two incidents",
        ),
        pytest.param(
            (RIGHT[0], updated(an_incident("s1", "s2", revision=2))),
            "The incident holds 2 of the storm's 5 alerts",
            id="too few alerts",
        ),
        pytest.param(
            (RIGHT[0], updated(an_incident(*STORM, "n1", revision=2))),
            "alerts that have nothing to do with it: HighErrorRate",
            id="a stranger in it",
        ),
        pytest.param(RIGHT[1:], "No record announces that the incident opened", id="never opened"),
        pytest.param(
            (opened(an_incident("s1", updated_at="2026-03-02T10:00:18Z")), RIGHT[1]),
            "opened 18.0 s after its first alert, expected at most 17 s",
            id="opened late",
        ),
        pytest.param(with_last(candidates=()), "names no root cause", id="no candidate"),
        pytest.param(with_last(abstained=True), "names no root cause", id="abstained"),
        pytest.param(with_top(component="cart"), "TOP-1 is cart, expected db", id="wrong cause"),
        pytest.param(
            with_top(patterns=a_candidate().patterns[1:]),
            "The pattern of TOP-1 is db.slow, expected db.full",
            id="wrong pattern",
        ),
        pytest.param(with_top(patterns=()), "is unknown, expected db.full", id="no pattern"),
        pytest.param(
            with_top(evidence=(evidence("it is full"),)),
            "names nobody as the holder of the connections, expected job",
            id="nobody named",
        ),
        pytest.param(
            with_top(evidence=(evidence("cart holds them", holder="cart"),)),
            "names cart as the holder",
            id="the wrong holder",
        ),
        pytest.param(
            with_top(evidence=(evidence("job holds none", supports=False, holder="job"),)),
            "names nobody",
            id="a holder only in what speaks against it",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_one_sentence(revisions, sentence):
    found = judged(revisions)
    assert any(sentence in said for said in found), found
    assert all(said.endswith(".") for said in found)


@pytest.mark.parametrize(
    ("messages", "sentence"),
    [
        pytest.param((), "told 0 times that the incident opened", id="no message"),
        pytest.param((told(about="0000beef"),), "told 0 times", id="only about another incident"),
        pytest.param((told(), told()), "told 2 times", id="told twice"),
        pytest.param((told("🔴 cart: slow"),), "says '🔴 cart: slow', not db", id="wrong name"),
    ],
)
def test_what_the_chat_was_told_is_judged_too(messages, sentence):
    assert any(sentence in said for said in judged(messages=messages))


def test_an_incident_that_was_merged_into_the_other_does_not_count():
    merged = an_incident("s5", incident_id="0000beef", status=IncidentStatus.MERGED)
    assert judged((*RIGHT, updated(merged))) == []


def test_the_first_alert_counts_even_when_it_joined_later():
    early = a_member("s5", starts_at="2026-03-02T09:59:50Z")
    revisions = with_last(alerts=(*GOOD.alerts[:4], early))
    assert "opened 20.0 s after its first alert" in judged(revisions)[0]
