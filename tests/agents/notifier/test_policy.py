"""Which revisions become a message, as tables."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.notifier.config import NotifierConfig
from agents.notifier.policy import Decision, after, decide
from agents.notifier.sent import Occasion, Sent
from schemas.incident import Incident, IncidentCandidate, IncidentStatus

CONFIG = NotifierConfig(top_changed_interval_ms=30_000, top_changed_limit=2)
LATER = 2_000_000  # long after what was sent

OPEN, RESOLVED, MERGED = IncidentStatus.OPEN, IncidentStatus.RESOLVED, IncidentStatus.MERGED


@pytest.mark.parametrize(
    ("changes", "occasion"),
    [
        pytest.param({"status": OPEN}, Occasion.OPENED, id="opens"),
        pytest.param({"status": OPEN, "revision": 9}, Occasion.OPENED, id="opens at any revision"),
        pytest.param({"status": OPEN, "abstained": True}, Occasion.OPENED, id="opens abstaining"),
        pytest.param({"status": OPEN, "candidates": ()}, Occasion.OPENED, id="opens without any"),
        pytest.param({"status": RESOLVED}, None, id="ends untold"),
        pytest.param({"status": MERGED}, None, id="merges untold"),
    ],
)
def test_what_a_receiver_is_told_first(
    an_incident: Callable[..., Incident], changes: dict[str, Any], occasion: Occasion | None
) -> None:
    assert decide(None, an_incident(**changes), LATER, CONFIG).occasion is occasion


@pytest.mark.parametrize(
    ("sent", "changes", "occasion"),
    [
        pytest.param({}, {}, Occasion.TOP_CHANGED, id="another TOP-1"),
        pytest.param({"top": ""}, {}, Occasion.TOP_CHANGED, id="first credible TOP-1"),
        pytest.param({"top": "mysql-primary"}, {}, None, id="same TOP-1"),
        pytest.param({}, {"abstained": True}, None, id="an abstained answer flips"),
        pytest.param({}, {"candidates": ()}, None, id="no candidate is left"),
        pytest.param({"revision": 3}, {"revision": 3}, None, id="same revision"),
        pytest.param({"revision": 4}, {"revision": 3}, None, id="older revision"),
        pytest.param({"revision": 3}, {"status": RESOLVED}, None, id="same revision, resolved"),
        pytest.param({}, {"status": RESOLVED}, Occasion.RESOLVED, id="resolves"),
        pytest.param({}, {"status": MERGED}, Occasion.MERGED, id="merges"),
        pytest.param(
            {"occasion": Occasion.TOP_CHANGED}, {"status": RESOLVED}, Occasion.RESOLVED, id="then"
        ),
        pytest.param(
            {"occasion": Occasion.RESOLVED}, {"status": OPEN}, Occasion.REOPENED, id="reopens"
        ),
        pytest.param(
            {"occasion": Occasion.RESOLVED}, {"status": RESOLVED}, None, id="resolved again"
        ),
        pytest.param(
            {"occasion": Occasion.RESOLVED}, {"status": MERGED}, None, id="resolved, then merged"
        ),
        pytest.param(
            {"occasion": Occasion.MERGED}, {"status": RESOLVED}, None, id="merged, then resolved"
        ),
        pytest.param(
            {"occasion": Occasion.REOPENED}, {"status": RESOLVED}, Occasion.RESOLVED, id="twice"
        ),
        pytest.param({"top_changes": 2}, {}, None, id="limit of changes"),
        pytest.param(
            {"top_changes": 2}, {"status": RESOLVED}, Occasion.RESOLVED, id="limit, but resolves"
        ),
    ],
)
def test_what_a_receiver_is_told_next(
    an_incident: Callable[..., Incident],
    a_sent: Callable[..., Sent],
    sent: dict[str, Any],
    changes: dict[str, Any],
    occasion: Occasion | None,
) -> None:
    assert decide(a_sent(**sent), an_incident(**changes), LATER, CONFIG).occasion is occasion


def test_a_new_top_that_is_hardly_believed_is_not_told(
    an_incident: Callable[..., Incident], a_sent: Callable[..., Sent]
) -> None:
    incident = an_incident()
    doubted = replace(incident.candidates[0], confidence=0.29)
    doubtful = replace(incident, candidates=(doubted,))
    assert decide(a_sent(), doubtful, LATER, CONFIG).occasion is None


def test_a_change_soon_after_a_message_waits_for_the_interval(
    an_incident: Callable[..., Incident], a_sent: Callable[..., Sent]
) -> None:
    sent = a_sent(sent_at_ms=1_000_000)
    assert decide(sent, an_incident(), 1_010_000, CONFIG) == Decision(
        occasion=Occasion.TOP_CHANGED, not_before_ms=1_030_000
    )
    assert decide(sent, an_incident(), 1_030_000, CONFIG).not_before_ms == 0


def test_the_end_does_not_wait(
    an_incident: Callable[..., Incident], a_sent: Callable[..., Sent]
) -> None:
    decision = decide(a_sent(), an_incident(status=RESOLVED), 1_000_001, CONFIG)
    assert decision == Decision(occasion=Occasion.RESOLVED)


def test_a_clock_that_was_set_back_holds_a_change_no_longer_than_the_interval(
    an_incident: Callable[..., Incident], a_sent: Callable[..., Sent]
) -> None:
    decision = decide(a_sent(sent_at_ms=9_000_000), an_incident(), 1_000_000, CONFIG)
    assert decision.not_before_ms == 1_030_000


def test_a_first_start_does_not_announce_history(an_incident: Callable[..., Incident]) -> None:
    now = 100_000_000
    old, new = now - CONFIG.announce_within_ms - 1, now - CONFIG.announce_within_ms
    assert decide(None, an_incident(), now, CONFIG, old).occasion is None
    assert decide(None, an_incident(), now, CONFIG, new).occasion is Occasion.OPENED


def test_an_abstention_leaves_told_what_was_told(
    an_incident: Callable[..., Incident], a_sent: Callable[..., Sent]
) -> None:
    state = after(
        a_sent(), an_incident(abstained=True), Occasion.RESOLVED, receiver="chat", now_ms=7
    )
    assert (state.top, state.confidence, state.revision) == ("order-query", 0.62, 3)


STATUSES = st.sampled_from(list(IncidentStatus))


@given(
    story=st.lists(
        st.tuples(STATUSES, st.sampled_from(["a", "b", "c"]), st.booleans(), st.integers(0, 90)),
        max_size=30,
    )
)
def test_any_life_of_an_incident_makes_few_and_ordered_messages(
    an_incident: Callable[..., Incident],
    a_candidate: Callable[..., IncidentCandidate],
    story: list[tuple[IncidentStatus, str, bool, int]],
) -> None:
    sent: Sent | None = None
    now, occasions = 1_000_000, []
    for revision, (status, top, abstained, seconds) in enumerate(story, 1):
        now += seconds * 1_000
        incident = an_incident(
            revision=revision,
            status=status,
            candidates=(a_candidate(top, 0.8),),
            abstained=abstained,
        )
        for _repeat in range(2):  # every record may come twice
            decision = decide(sent, incident, now, CONFIG)
            if decision.occasion is None or decision.not_before_ms > now:
                continue
            occasions.append(decision.occasion)
            sent = after(sent, incident, decision.occasion, receiver="chat", now_ms=now)
    assert occasions[:1] in ([], [Occasion.OPENED])
    assert occasions.count(Occasion.OPENED) <= 1
    assert occasions.count(Occasion.TOP_CHANGED) <= CONFIG.top_changed_limit
    for earlier, later in pairwise(occasions):
        ended = earlier in {Occasion.RESOLVED, Occasion.MERGED}
        assert ended == (later is Occasion.REOPENED)
