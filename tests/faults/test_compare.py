"""What the harness calls equal: a comparison that cannot fail would prove nothing."""

from dataclasses import replace

import orjson
import pytest

from tests.faults.compare import Kind, compare
from tests.faults.outcome import Outcome, Revision, SetAside, Told


def a_revision(number=1, *, incident="i-1", transition="updated", **content):
    body = {
        "incident_id": incident,
        "revision": number,
        "title": "cart is slow",
        "alerts": [{"fingerprint": "a"}, {"fingerprint": "b"}],
        "updated_at": f"2026-01-01T00:00:0{number}Z",
    }
    return Revision(
        incident_id=incident,
        revision=number,
        transition=transition,
        value=orjson.dumps(body | content),
    )


OPENED = a_revision(1, transition="opened")
UNDISTURBED = Outcome(
    revisions=(OPENED, a_revision(2), a_revision(3, title="cart was slow")),
    set_aside=(SetAside(environment="eu", fingerprint="c", reason="alone"),),
    told=(Told(incident_id="i-1", revision=1),),
    openings=(Told(incident_id="i-1", revision=1),),
    acknowledged=frozenset({1, 2}),
    read=(1, 2),
    beats=frozenset({("p", 1)}),
    answered=frozenset({("p", 1)}),
)


def kinds(**changes):
    return {finding.kind for finding in compare(UNDISTURBED, replace(UNDISTURBED, **changes))}


def test_an_undisturbed_run_equals_itself():
    assert compare(UNDISTURBED, UNDISTURBED) == []


def test_repeats_with_the_same_content_are_allowed():
    assert kinds(revisions=UNDISTURBED.revisions * 2, read=(1, 2, 2)) == set()


def test_fewer_revisions_on_the_way_to_the_same_end_are_allowed():
    assert kinds(revisions=(OPENED, UNDISTURBED.revisions[2])) == set()


def test_copies_of_a_chat_message_under_one_key_are_counted_but_are_no_second_message():
    twice = replace(UNDISTURBED, told=UNDISTURBED.told * 2)
    assert compare(UNDISTURBED, twice) == []
    assert twice.copies() == 1


DIFFERENCES = [
    ({"revisions": ()}, Kind.MISSING),
    ({"revisions": (*UNDISTURBED.revisions, a_revision(incident="i-2"))}, Kind.INVENTED),
    (
        {"revisions": (OPENED, a_revision(3, title="cart was slow", alerts=[]))},
        Kind.MEMBERS,
    ),
    ({"revisions": (OPENED, a_revision(4, title="all is well"))}, Kind.ANSWER),
    (
        {"revisions": (*UNDISTURBED.revisions, a_revision(2, title="other"))},
        Kind.TWO_CONTENTS,
    ),
    (
        {"revisions": (*UNDISTURBED.revisions, a_revision(2, transition="opened"))},
        Kind.REOPENED,
    ),
    ({"set_aside": ()}, Kind.SET_ASIDE),
    ({"answered": frozenset()}, Kind.ALERT_LOST),
    ({"read": (1,)}, Kind.LOST_BY_BROKER),
    ({"dead_letters": frozenset({("alerts", 0, 7)})}, Kind.DEAD_LETTERS),
    ({"poisoned": frozenset({("alerts", 0, 7)})}, Kind.DEAD_LETTERS),
    (
        {"openings": (*UNDISTURBED.openings, Told(incident_id="i-1", revision=2))},
        Kind.CHAT_TWICE,
    ),
    ({"told": (Told(incident_id="i-1", revision=9),)}, Kind.CHAT_TWICE),
]


@pytest.mark.parametrize(
    ("changes", "kind"),
    DIFFERENCES,
    ids=[f"{kind.name.lower()}-{min(changes)}" for changes, kind in DIFFERENCES],
)
def test_each_difference_that_must_not_be_is_found(changes, kind):
    assert kind in kinds(**changes)


def test_a_poisoned_message_must_be_a_dead_letter_and_nothing_else_may():
    place = frozenset({("alerts", 0, 7)})
    assert kinds(poisoned=place, dead_letters=place) == set()
    assert kinds(poisoned=place) == {Kind.DEAD_LETTERS}
