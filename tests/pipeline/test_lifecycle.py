from dataclasses import replace

import pytest

from models.rules import RuleRanker
from pipeline.alert_book import AlertBook
from pipeline.config import FiringConfig, GroupingConfig
from pipeline.engine import Engine
from pipeline.lifecycle import due_ms, is_forgettable, may_join, news, opens, window_end_ms
from pipeline.outputs import IncidentPublished
from schemas.incident import Incident, IncidentCandidate, IncidentPattern, IncidentStatus
from schemas.signal import TickSignal
from tests.pipeline.builders import T0, an_alert
from tests.pipeline.scenes import CONFIG, a_group

GROUPING = GroupingConfig()
FIRING = FiringConfig()
LATE_MS = 900_000


def seconds(ms: int) -> float:
    return (ms - T0) / 1000


def joins(group, at_s: float, *, now_s: float, config: GroupingConfig = GROUPING) -> bool:
    return may_join(
        group, T0 + int(at_s * 1000), T0 + int(now_s * 1000), config=config, late_ms=LATE_MS
    )


def test_the_window_ends_a_gap_after_the_last_alert_but_not_beyond_its_full_age():
    assert seconds(window_end_ms(a_group(an_alert()), GROUPING)) == 300
    assert seconds(window_end_ms(a_group(an_alert(), an_alert("a", at_s=250)), GROUPING)) == 550
    assert seconds(window_end_ms(a_group(an_alert(), an_alert("a", at_s=3500)), GROUPING)) == 3600


@pytest.mark.parametrize(
    ("at_s", "expected"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_an_alert_joins_within_a_gap_on_either_side(at_s, expected):
    assert joins(a_group(an_alert()), at_s, now_s=0) is expected


def test_a_closed_window_takes_late_alerts_for_a_while():
    group = a_group(an_alert())
    group.window_closed = True
    assert joins(group, 10, now_s=300 + 900)
    assert not joins(group, 10, now_s=300 + 901)


def test_nothing_joins_what_has_ended_or_is_old_or_full():
    group = a_group(an_alert(), an_alert("a", at_s=3400))
    assert joins(group, 3600, now_s=3600)
    assert not joins(group, 3601, now_s=3601)
    assert not joins(group, 100, now_s=100, config=GroupingConfig(max_alerts=2))
    group.status = IncidentStatus.RESOLVED
    assert not joins(group, 3500, now_s=3500)


def test_a_group_is_due_at_the_first_of_its_look_its_window_end_and_its_quiet_time():
    group = a_group(an_alert())
    assert seconds(due_ms(group, GROUPING, FIRING)) == 300
    group.next_look_ms = T0 + 10_000
    assert seconds(due_ms(group, GROUPING, FIRING)) == 10
    group.next_look_ms, group.window_closed = None, True
    assert seconds(due_ms(group, GROUPING, FIRING)) == 86_400
    group.status = IncidentStatus.OPEN
    for member in group.members.values():
        member.ends_ms = T0 + 60_000
    assert seconds(due_ms(group, GROUPING, FIRING)) == 180


def test_an_ended_group_is_due_when_it_can_be_forgotten_and_not_before():
    group = a_group(an_alert())
    group.status, group.resolved_ms = IncidentStatus.RESOLVED, T0 + 60_000
    due = due_ms(group, GROUPING, FIRING)
    assert seconds(due) == 60 + 900
    assert is_forgettable(group, due, FIRING)
    assert not is_forgettable(group, due - 1, FIRING)
    group.status = IncidentStatus.OPEN
    assert not is_forgettable(group, due, FIRING)


def test_an_alert_that_started_long_ago_makes_nothing_due_before_it_came():
    group = a_group(an_alert(at_s=-80_000))
    group.created_ms = T0
    assert due_ms(group, GROUPING, FIRING) == T0


def opening(*alerts, least: str = "unknown", flapping: bool = False) -> bool:
    config = GroupingConfig(open_alone_severity=least)
    book = AlertBook(config)
    for signal in alerts:
        book.fold(signal, signal.alert.starts_ms)
        book.records[signal.alert.fingerprint].flapping = flapping
    return opens(a_group(*alerts), book, config)


@pytest.mark.parametrize(
    ("severity", "least", "expected"),
    [
        ("critical", "unknown", True),
        ("", "unknown", True),
        ("warning", "unknown", False),
        ("warning", "warning", True),
        ("info", "warning", False),
        ("", "critical", False),
        ("critical", "critical", True),
    ],
)
def test_one_alert_opens_when_it_is_severe_enough(severity, least, expected):
    assert opening(an_alert(severity=severity), least=least) is expected


def test_two_kinds_open_and_two_copies_of_one_kind_do_not():
    one = an_alert(severity="warning")
    assert not opening(one, an_alert(severity="warning", extra="pod-2"))
    assert opening(one, an_alert(severity="warning", rule="CpuHigh"))
    assert opening(one, an_alert("web", severity="warning"))


def test_flapping_alerts_open_nothing():
    assert opening(an_alert())
    assert not opening(an_alert(), an_alert("web"), flapping=True)


def an_incident(
    *, top: str = "db", confidence: float = 0.8, pattern: str = "pool", **changes: object
) -> Incident:
    engine = Engine("test", CONFIG, RuleRanker())
    outputs = engine.handle(an_alert(), T0)
    outputs += engine.handle(TickSignal(observed_ms=T0 + 60_000), T0 + 60_000)
    made = next(o.incident for o in outputs if isinstance(o, IncidentPublished))
    best = IncidentCandidate(
        rank=1,
        component=top,
        kind="database",
        confidence=confidence,
        patterns=(IncidentPattern(pattern=pattern, family="f", title=pattern, probability=1.0),),
        evidence=(),
        contributions={},
        path=(top,),
    )
    facts = {"candidates": (best,), "abstained": False, "alert_count": 10} | changes
    return replace(made, **facts)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, ()),
        ({"top": "node-1"}, ("best candidate changed from db to node-1",)),
        ({"candidates": ()}, ("best candidate changed from db to none",)),
        ({"confidence": 0.91}, ("confidence moved from 0.80 to 0.91",)),
        ({"confidence": 0.69}, ("confidence moved from 0.80 to 0.69",)),
        ({"confidence": 0.85}, ()),
        ({"top": "web", "confidence": 0.1}, ("best candidate changed from db to web",)),
        ({"pattern": "cpu"}, ("pattern changed from pool to cpu",)),
        ({"abstained": True}, ("the answer is withheld now",)),
        ({"abstained": True, "pattern": "cpu"}, ("the answer is withheld now",)),
        ({"alert_count": 12}, ()),
        ({"alert_count": 13}, ("3 more alerts",)),
        ({"alert_count": 5}, ()),
    ],
)
def test_news_is_what_a_reader_would_want_to_know(now, told):
    assert news(an_incident(), an_incident(**now), FIRING, quiet_ms=59_999) == told


def test_small_growth_is_told_after_a_minute():
    grown = an_incident(alert_count=11)
    assert news(an_incident(), grown, FIRING, quiet_ms=60_000) == ("1 more alert",)


def test_without_news_there_is_a_refresh_after_a_while():
    same = an_incident()
    assert news(same, same, FIRING, quiet_ms=300_000) == ("refresh",)
    withheld = an_incident(abstained=True)
    assert news(withheld, same, FIRING, quiet_ms=300_000) == ("there is an answer now",)
