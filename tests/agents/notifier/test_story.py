"""What a message says, before any target lays it out."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agents.notifier.sent import Occasion, Sent
from agents.notifier.story import Section, tell
from schemas.incident import Incident, IncidentCandidate, IncidentEvidence, IncidentStatus

Build = Callable[..., Incident]


def test_an_opened_incident_is_told_verdict_first(an_incident: Build) -> None:
    story = tell(an_incident(), Occasion.OPENED)
    assert story.headline == "mysql-primary: connection pool exhausted, 86 %"
    assert story.lead == "report-job holds 92 % of its connections"
    assert story.facts == (
        "47 alerts on 9 components became this one incident.",
        "First alert at 12:01:05 UTC, opened 12 s later.",
        "Affected: checkout, order-fulfilment, order-query, payment, inventory, pricing "
        "and 3 more",
        "Path: checkout → order-fulfilment → order-query → mysql-primary",
    )
    assert [section.title for section in story.sections] == [
        "Why",
        "First actions",
        "Speaks against it",
        "Also possible",
    ]


def test_the_evidence_comes_strongest_first_and_does_not_repeat_the_lead(
    an_incident: Build,
) -> None:
    why = tell(an_incident(), Occasion.OPENED).sections[0]
    assert why == Section(
        title="Why",
        items=(
            "200 of its 200 connections are in use",
            "6 callers wait up to 30 s for one of its connections",
            "34 % of order-query's calls to it time out",
        ),
    )


def test_the_next_candidates_come_with_probabilities_and_what_is_left_for_none(
    an_incident: Build,
) -> None:
    others = tell(an_incident(), Occasion.OPENED).sections[-1]
    assert others.items == (
        "order-query: retry storm, 7 %",
        "node-7, 2 %",
        "none of the candidates, 3 %",
    )


def test_an_abstention_says_so_with_its_reason_and_claims_nothing(an_incident: Build) -> None:
    reason = "two candidates fit equally well"
    story = tell(an_incident(abstained=True, abstain_reason=reason), Occasion.OPENED)
    assert story.headline == "No clear root cause yet; best guess mysql-primary, 86 %"
    assert story.lead == f"Not confident enough to name a cause: {reason}"
    titles = [section.title for section in story.sections]
    assert titles[:2] == ["What speaks for the best guess", "If it is mysql-primary"]


def test_a_changed_top_says_from_what_to_what_and_because_of_what(
    an_incident: Build, a_sent: Callable[..., Sent]
) -> None:
    story = tell(an_incident(), Occasion.TOP_CHANGED, before=a_sent())
    assert story.lead == (
        "TOP-1 changed from order-query (62 %) to mysql-primary (86 %) because "
        "report-job holds 92 % of its connections"
    )
    assert story.facts[0] == "order-query is now at 7 %: its callee mysql-primary explains it"


def test_a_first_clear_answer_says_that_there_was_none(
    an_incident: Build, a_sent: Callable[..., Sent]
) -> None:
    story = tell(an_incident(), Occasion.TOP_CHANGED, before=a_sent(top=""))
    assert story.lead.startswith("Until now there was no clear answer; TOP-1 is now mysql-primary")


def test_a_former_top_that_is_gone_is_mentioned(
    an_incident: Build, a_sent: Callable[..., Sent]
) -> None:
    story = tell(an_incident(), Occasion.TOP_CHANGED, before=a_sent(top="pricing"))
    assert story.facts[0] == "pricing is no candidate any more."


def test_a_resolved_incident_says_how_long_and_what_it_was(an_incident: Build) -> None:
    story = tell(
        an_incident(status=IncidentStatus.RESOLVED, resolved_at="2026-11-11T12:24:09.120Z"),
        Occasion.RESOLVED,
    )
    assert story.headline == "Resolved after 23 min 4 s"
    assert story.lead == "It was mysql-primary: connection pool exhausted, 86 %."
    assert story.sections == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"candidates": ()}, "Its root cause was not found."),
        (
            {"abstained": True},
            "Its root cause stayed unclear; best guess mysql-primary: connection pool exhausted, "
            "86 %.",
        ),
    ],
    ids=["no candidate", "abstained"],
)
def test_a_resolved_message_claims_no_more_than_was_known(
    an_incident: Build, changes: dict[str, object], said: str
) -> None:
    assert tell(an_incident(**changes), Occasion.RESOLVED).lead == said


def test_a_merged_incident_is_one_line(an_incident: Build) -> None:
    story = tell(an_incident(merged_into="0b7e"), Occasion.MERGED)
    assert story.lead.endswith("(mysql-primary: connection pool exhausted, 86 %) goes on as 0b7e.")
    assert (story.facts, story.sections, story.notes) == ((), (), ())


def test_an_incident_without_candidates_is_told_without_claims(an_incident: Build) -> None:
    story = tell(an_incident(candidates=()), Occasion.OPENED)
    assert story.headline == "No root cause yet: nothing points to a component"
    assert story.sections == ()


def test_evidence_that_names_a_culprit_leads_before_stronger_evidence_that_does_not(
    an_incident: Build,
    a_candidate: Callable[..., IncidentCandidate],
    an_evidence: Callable[..., IncidentEvidence],
) -> None:
    top = a_candidate(
        "cart",
        0.7,
        evidence=(
            an_evidence("errors_up", 0.99, "it fails"),
            an_evidence("change_recent", 0.5, "v41 was deployed 2 min before"),
        ),
    )
    story = tell(an_incident(candidates=(top,)), Occasion.OPENED)
    assert story.lead == "v41 was deployed 2 min before"


def test_the_link_leads_to_the_incident_in_the_console(an_incident: Build) -> None:
    story = tell(
        an_incident(incident_id="a/b c"), Occasion.OPENED, console_url="https://rootline.example/"
    )
    assert story.link is not None
    assert story.link.url == "https://rootline.example/incidents/a%2Fb%20c"
    assert tell(an_incident(), Occasion.OPENED).link is None


def test_text_of_any_length_becomes_short_lines(
    an_incident: Build, an_evidence: Callable[..., IncidentEvidence]
) -> None:
    top = an_incident().candidates[0]
    long = an_evidence("pool_saturated", 1.0, "first line\nsecond " * 10_000)
    story = tell(an_incident(candidates=(replace(top, evidence=(long,)),)), Occasion.OPENED)
    assert len(story.lead) <= 240
    assert "\n" not in story.lead
    assert story.lead.endswith("…")
