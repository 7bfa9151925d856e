"""Input that is doubled, out of order, late, of a wrong clock or of the future: both stages.

Each property runs a few times with every test run, and often in its slow twin.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.timestamps import rfc3339
from schemas.codecs.fingerprint import fingerprint_of
from tests.agents.worker.line import (
    AFTER_MS,
    BEFORE_MS,
    SERVICES,
    SLICE_MS,
    T0,
    Ends,
    Line,
    Sent,
    an_alert,
    on_time,
    sample_message,
    spans_message,
    traffic,
)

LATENESS_MS = 5_000
LATE_MS = 900_000
FUTURE_MS = 300_000
PULSE_MS = 50_000
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]
QUICK = settings(max_examples=3, deadline=None, suppress_health_check=CHECKS)
LONG = settings(max_examples=40, deadline=None, suppress_health_check=CHECKS)


def fingerprint(sent: Sent) -> str:
    return fingerprint_of(tuple(sorted(orjson.loads(sent.value or b"")["labels"].items())))


alerts = st.builds(
    an_alert,
    st.sampled_from(SERVICES),
    st.sampled_from(["HighLatency", "HighErrorRate"]),
    at_s=st.integers(20, 200).map(lambda half: half / 2),
    severity=st.sampled_from(["critical", "warning"]),
)
storms = st.lists(alerts, min_size=1, max_size=8, unique_by=fingerprint)


def run(arrivals: Sequence[tuple[int, Sent]]) -> tuple[Line, Ends]:
    line = Line()
    return line, line.run(arrivals)


def undisturbed(storm: Sequence[Sent]) -> Ends:
    return run(on_time([*traffic(), *storm]))[1]


def property_of(*drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Make a quick and a slow test of a property."""

    def decorate(check: Callable[..., None]) -> Any:
        @pytest.mark.timeout(900)
        @pytest.mark.parametrize("runs", ["few", pytest.param("many", marks=pytest.mark.slow)])
        def test(runs: str) -> None:
            chosen = QUICK if runs == "few" else LONG
            chosen(given(*drawn)(check))()

        return test

    return decorate


doubles = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 20_000)), min_size=1, max_size=60
)


@property_of(storms, doubles)
def test_what_comes_twice_counts_once(storm: list[Sent], again: list[tuple[int, int]]) -> None:
    messages = on_time([*traffic(), *storm])
    doubled = [
        (at_ms + later_ms, sent)
        for which, later_ms in again
        for at_ms, sent in [messages[which % len(messages)]]
    ]
    _, ends = run([*messages, *doubled])
    clean = undisturbed(storm)
    assert ends.answers() == clean.answers()
    assert sorted(ends.aside) == sorted(clean.aside)
    assert ends.letters == []


@property_of(storms, st.lists(st.integers(0, LATENESS_MS - 1), min_size=1, max_size=60))
def test_order_within_the_lateness_does_not_matter(storm: list[Sent], jitter: list[int]) -> None:
    messages = on_time([*traffic(), *storm])
    shuffled = [
        (at_ms + jitter[number % len(jitter)], sent)
        for number, (at_ms, sent) in enumerate(messages)
    ]
    _, ends = run(shuffled)
    clean = undisturbed(storm)
    assert ends.answers() == clean.answers()
    assert sorted(ends.aside) == sorted(clean.aside)


@property_of(storms, st.lists(st.integers(LATENESS_MS, 2 * LATE_MS), min_size=1, max_size=8))
def test_a_late_alert_is_in_an_incident_or_set_aside_as_late_and_counted(
    storm: list[Sent], delays: list[int]
) -> None:
    arrivals = [
        (sent.event_ms + delays[number % len(delays)], sent) for number, sent in enumerate(storm)
    ]
    # Lateness is measured by event time, which goes on only while somebody tells of it.
    end_ms = max(at_ms for at_ms, _ in arrivals)
    pulse = [sample_message(at_ms) for at_ms in range(T0 + AFTER_MS, end_ms, PULSE_MS)]
    line, ends = run([*on_time([*traffic(), *pulse]), *arrivals])
    assert Counter([*ends.members(), *(name for name, _ in ends.aside)]) == Counter(
        fingerprint(sent) for sent in storm
    )
    late = [name for name, reason in ends.aside if reason == "late"]
    assert line.counted("alerts_set_aside", reason="late") == len(late)
    for at_ms, sent in arrivals:
        if at_ms - sent.event_ms > LATE_MS + LATENESS_MS + PULSE_MS:
            assert fingerprint(sent) in late


@property_of(storms, st.integers(310_000, 2 * LATE_MS), st.sampled_from(SERVICES))
def test_spans_that_come_after_their_pane_has_closed_are_counted_and_change_nothing(
    storm: list[Sent], delay_ms: int, service: str
) -> None:
    late = spans_message(service, T0 - 60_000)
    tail = [spans_message(name, T0 + delay_ms) for name in SERVICES]
    known = orjson.loads(late.value or b"")
    for span in known["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        span["spanId"] = f"{int(span['spanId'], 16) ^ 0xABCD:016x}"  # others, not repeats
    other = late._replace(value=orjson.dumps(known))
    before = run(on_time([*traffic(), *storm, *tail]))[1]
    line, ends = run(
        [*on_time([*traffic(), *storm, *tail]), (T0 + delay_ms + SLICE_MS + 1, other)]
    )
    count = len(known["resourceSpans"][0]["scopeSpans"][0]["spans"])
    assert line.counted("telemetry_left_out", topic="otlp_spans", reason="late") == count
    assert ends.answers() == before.answers()


@property_of(
    storms,
    st.lists(alerts, min_size=1, max_size=4, unique_by=fingerprint),
    st.one_of(st.integers(1_000, FUTURE_MS - 1), st.integers(-600_000, -1_000)),
)
def test_a_wrong_clock_makes_no_alert_late_but_its_own_and_loses_none(
    storm: list[Sent], skewed: list[Sent], ahead_ms: int
) -> None:
    honest = {fingerprint(sent) for sent in storm}
    strangers = [sent for sent in skewed if fingerprint(sent) not in honest]
    wrong = [
        an_alert(
            labels["service"],
            labels["alertname"],
            at_s=(sent.event_ms + ahead_ms - T0) / 1000,
            severity=labels["severity"],
        )
        for sent in strangers
        for labels in [orjson.loads(sent.value or b"")["labels"]]
    ]
    arrivals = [(true.event_ms, sent) for true, sent in zip(strangers, wrong, strict=True)]
    # The database's exporter has the wrong clock, too.
    samples = [
        (at_ms, sample_message(at_ms + min(ahead_ms, FUTURE_MS - 1_000)))
        for at_ms in range(T0, T0 + 60_000, SLICE_MS)
    ]
    _, ends = run([*on_time([*traffic(), *storm]), *arrivals, *samples])
    assert Counter([*ends.members(), *(name for name, _ in ends.aside)]) == Counter(
        fingerprint(sent) for sent in [*storm, *wrong]
    )
    late = {name for name, reason in ends.aside if reason == "late"}
    assert not late & honest
    assert ends.letters == []


@property_of(storms, st.integers(FUTURE_MS + 1_000, 10**9), st.integers(0, 250))
def test_what_is_of_the_future_is_refused_with_a_sentence_and_changes_nothing(
    storm: list[Sent], ahead_ms: int, after_s: int
) -> None:
    at_ms = T0 - BEFORE_MS + after_s * 1000
    future_ms = at_ms + ahead_ms
    messages = [
        an_alert("web", "Tomorrow", at_s=(future_ms - T0) / 1000),
        Sent(at_ms, "changes", change(future_ms)),
        spans_message("web", future_ms),
        sample_message(future_ms),
    ]
    line, ends = run([*on_time([*traffic(), *storm]), *((at_ms, sent) for sent in messages)])
    assert ends.answers() == undisturbed(storm).answers()
    assert Counter(letter["rootline.error.topic"] for letter in ends.letters) == Counter(
        sent.topic for sent in messages
    )
    assert {letter["rootline.error.kind"] for letter in ends.letters} == {"future_dated"}
    assert Counter(ends.originals) == Counter(sent.value for sent in messages)
    for sent in messages:
        count = line.counted("messages_dead_lettered", topic=sent.topic, reason="future_dated")
        assert count == 1
    assert all("clock" in letter["rootline.error.reason"] for letter in ends.letters)


def change(at_ms: int) -> bytes:
    return orjson.dumps({"kind": "deploy", "service": "web", "title": "v2", "at": rfc3339(at_ms)})
