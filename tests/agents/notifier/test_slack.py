"""The payload for Slack: a golden message, hostile text, and the limits under hypothesis."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.demo.slack_rules import check_message
from agents.notifier.sent import Occasion, Sent
from agents.notifier.slack import MAX_TOTAL, lay_out, plain_payload, render
from agents.notifier.story import Link, Section, Story
from schemas.incident import Incident, IncidentStatus

Build = Callable[..., Incident]


def _texts(payload: Any) -> list[str]:
    if isinstance(payload, dict):
        own = [payload["text"]] if isinstance(payload.get("text"), str) else []
        return own + [text for value in payload.values() for text in _texts(value)]
    return [text for item in payload for text in _texts(item)] if isinstance(payload, list) else []


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def test_an_opened_incident_as_slack_gets_it(an_incident: Build) -> None:
    assert render(an_incident(), Occasion.OPENED, console_url="https://rootline.example") == {
        "text": (
            "🔴 mysql-primary: connection pool exhausted, 86 %. report-job holds 92 % of its "
            "connections. 47 alerts on 9 components became this one incident. First alert at "
            "12:01:05 UTC, opened 12 s later <https://rootline.example/incidents/"
            "6f1c2f0e-52f1-5a43-9d0c-7a3f8f6f2b11|Open in the console>"
        ),
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {
                "type": "header",
                "text": {
                    "type": "plain_text",
                    "text": "🔴 mysql-primary: connection pool exhausted, 86 %",
                    "emoji": True,
                },
            },
            {
                "type": "section",
                "text": _mrkdwn(
                    "*report-job holds 92 % of its connections*\n"
                    "47 alerts on 9 components became this one incident.\n"
                    "First alert at 12:01:05 UTC, opened 12 s later.\n"
                    "Affected: checkout, order-fulfilment, order-query, payment, inventory, "
                    "pricing and 3 more\n"
                    "Path: checkout → order-fulfilment → order-query → mysql-primary"
                ),
            },
            {
                "type": "section",
                "text": _mrkdwn(
                    "*Why*\n"
                    "• 200 of its 200 connections are in use\n"
                    "• 6 callers wait up to 30 s for one of its connections\n"
                    "• 34 % of order-query's calls to it time out"
                ),
            },
            {
                "type": "section",
                "text": _mrkdwn(
                    "*First actions*\n"
                    "• Stop or throttle report-job\n"
                    "• Kill its idle connections (SHOW PROCESSLIST)\n"
                    "• Give report-job a pool of its own"
                ),
            },
            {
                "type": "section",
                "text": _mrkdwn("*Speaks against it*\n• its CPU is at 41 %, as on other days"),
            },
            {
                "type": "section",
                "text": _mrkdwn(
                    "*Also possible*\n"
                    "• order-query: retry storm, 7 %\n"
                    "• node-7, 2 %\n"
                    "• none of the candidates, 3 %"
                ),
            },
            {
                "type": "context",
                "elements": [
                    _mrkdwn(
                        "<https://rootline.example/incidents/"
                        "6f1c2f0e-52f1-5a43-9d0c-7a3f8f6f2b11|Open in the console>  "
                        "environment production · severity critical · incident "
                        "6f1c2f0e-52f1-5a43-9d0c-7a3f8f6f2b11, revision 3 · traces "
                        "4bf92f3577b34da6a3ce929d0e0e4736 · model 2026-10-01"
                    )
                ],
            },
        ],
    }


HOSTILE = (
    "<!channel> <@U012AB3CD> <#C012> <https://evil.example|Open in the console> @here @Channel "
    "@everyone &lt;!here&gt; \x1b[2J\u202egnp.exe\u2066\x00\r\n*bold*"
)


@pytest.mark.parametrize("occasion", list(Occasion))
def test_text_from_telemetry_mentions_nobody_and_links_nowhere(
    an_incident: Build, a_candidate: Any, an_evidence: Any, occasion: Occasion
) -> None:
    top = a_candidate(HOSTILE, 0.9, evidence=(an_evidence("errors_up", 1.0, HOSTILE),))
    incident = an_incident(
        incident_id=HOSTILE,
        environment=HOSTILE,
        severity=HOSTILE,
        components=(HOSTILE,),
        candidates=(top, top),
        started_at=HOSTILE,
        merged_into=HOSTILE,
        model_version=HOSTILE,
        flapping=(HOSTILE,),
    )
    payload = render(incident, occasion)
    check_message(payload)
    for text in _texts(payload):
        assert "@here" not in text.lower()
        assert "@channel" not in text.lower()
        assert "@everyone" not in text.lower()
        assert not any(char in text for char in "\x00\x1b\u202e\u2066\r")
    # A header is plain text, where < means <; everywhere else it would begin a mention or a link.
    marked_up = [payload["text"], *_texts([b for b in payload["blocks"] if b["type"] != "header"])]
    assert not any("<" in text for text in marked_up)
    assert "&lt;\u200b!channel&gt;" in payload["text"] or occasion is Occasion.MERGED


def test_every_mrkdwn_text_is_verbatim(an_incident: Build) -> None:
    objects = [
        part
        for block in render(an_incident(), Occasion.OPENED)["blocks"]
        for part in (block.get("text"), *block.get("elements", ()))
        if part and part["type"] == "mrkdwn"
    ]
    assert objects
    assert all(part["verbatim"] is True for part in objects)


def test_a_link_that_could_end_itself_is_left_out() -> None:
    for url in ("https://h/a|b", "https://h/<b>", "https://h/" + "a" * 2_000):
        link = Link(label="Open", url=url)
        payload = lay_out(Story(occasion=Occasion.OPENED, severity="", headline="x", link=link))
        assert url not in orjson.dumps(payload).decode()


def test_what_does_not_fit_goes_from_the_end_and_the_verdict_stays() -> None:
    sections = tuple(
        Section(title=f"part {number}", items=("&" * 500,) * 9) for number in range(60)
    )
    story = Story(occasion=Occasion.OPENED, severity="critical", headline="db", sections=sections)
    payload = lay_out(story)
    check_message(payload)
    texts = _texts(payload["blocks"])
    assert texts[0] == "🔴 db"
    kept = [text.splitlines()[0] for text in texts[1:]]
    assert kept == [f"*part {number}*" for number in range(len(kept))]
    assert 0 < len(kept) < 60


TEXT = st.text(max_size=700) | st.text(alphabet='&<>"\\@*…😀é', max_size=700)
TEXTS = st.lists(TEXT, max_size=12).map(tuple)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    story=st.builds(
        Story,
        occasion=st.sampled_from(list(Occasion)),
        severity=TEXT,
        headline=TEXT,
        lead=TEXT,
        facts=TEXTS,
        sections=st.lists(st.builds(Section, title=TEXT, items=TEXTS), max_size=60).map(tuple),
        notes=TEXTS,
        link=st.none() | st.builds(Link, label=TEXT, url=TEXT),
    )
)
def test_any_story_is_within_every_limit(story: Story) -> None:
    payload = orjson.loads(orjson.dumps(lay_out(story)))
    check_message(payload)
    assert len(orjson.dumps(payload["blocks"]).decode()) <= MAX_TOTAL
    assert len(payload["text"]) <= 3_000
    check_message(plain_payload(story))


# Any text, number and candidate that the types allow; what the fields mean is left aside.
FINITE = st.floats(-2, 2)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(data=st.data(), occasion=st.sampled_from(list(Occasion)))
def test_any_incident_is_rendered_within_every_limit(
    an_incident: Build,
    a_sent: Callable[..., Sent],
    data: st.DataObject,
    occasion: Occasion,
) -> None:
    base = an_incident()
    texts = {
        item.name: data.draw(TEXT, label=item.name)
        for item in fields(base)
        if isinstance(getattr(base, item.name), str) and item.name not in {"status", "firing"}
    }
    candidates = tuple(
        replace(
            found,
            component=data.draw(TEXT),
            confidence=data.draw(FINITE),
            path=data.draw(TEXTS),
            evidence=tuple(
                replace(item, statement=data.draw(TEXT), strength=data.draw(FINITE))
                for item in found.evidence
            ),
            patterns=tuple(
                replace(item, title=data.draw(TEXT), first_actions=data.draw(TEXTS))
                for item in found.patterns
            ),
        )
        for found in base.candidates[: data.draw(st.integers(0, 3))]
    )
    incident = replace(
        base,
        **texts,
        candidates=candidates,
        components=data.draw(TEXTS),
        status=data.draw(st.sampled_from(list(IncidentStatus))),
        abstained=data.draw(st.booleans()),
        resolved_at=data.draw(st.none() | TEXT),
        merged_into=data.draw(st.none() | TEXT),
        flapping=data.draw(TEXTS),
        alert_count=data.draw(st.integers(0, 10**9)),
    )
    before = data.draw(st.none() | st.builds(a_sent, top=TEXT, confidence=FINITE))
    payload = render(incident, occasion, before=before, console_url="https://rootline.example")
    check_message(orjson.loads(orjson.dumps(payload)))
