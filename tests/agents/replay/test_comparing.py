"""What counts as a difference, on revisions made by hand."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from agents.replay.comparing import Comparison, Window, compare
from agents.replay.comparison_report import print_comparison
from agents.replay.history import History, Revision, histories
from schemas.incident import Incident, IncidentAlert, IncidentCandidate, IncidentStatus
from tests.agents.worker.simple_worker import an_incident

MINUTE = 60_000
T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z, when the incident of these tests was detected
WINDOW = Window(since_ms=T0 - MINUTE, until_ms=None, read_from_ms=T0 - 30 * MINUTE, numbers=True)


def alert(name: str) -> IncidentAlert:
    return IncidentAlert(
        fingerprint=name,
        rule="Down",
        status="firing",
        severity="critical",
        component=name,
        starts_at="2026-01-01T00:00:00.000Z",
        ends_at=None,
        labels={},
        annotations={},
        generator_url="",
        grouping_reason="",
    )


def candidate(component: str, confidence: float) -> IncidentCandidate:
    return IncidentCandidate(
        rank=1,
        component=component,
        kind="service",
        confidence=confidence,
        patterns=(),
        evidence=(),
        contributions={},
        path=(),
    )


def incident(revision: int = 1, **values: Any) -> Incident:
    base = {
        "revision": revision,
        "alerts": (alert("cart"), alert("web")),
        "candidates": (candidate("db", 0.8),),
        "abstained": False,
    }
    return an_incident(**(base | values))


def told(*incidents: Incident, settled: bool = True) -> dict[str, History]:
    return histories(
        Revision(incident=each, value=orjson.dumps(each), settled=settled) for each in incidents
    )


def kinds(result: Comparison) -> list[str]:
    return [each.kind.value for each in result.differences]


FIRST, SECOND = incident(1), incident(2)
FINAL = incident(3, status=IncidentStatus.RESOLVED)


@pytest.mark.parametrize(
    ("published", "rebuilt", "expected"),
    [
        ((FIRST, SECOND), (FIRST, SECOND), []),
        ((SECOND,), (FIRST, SECOND), []),
        ((FIRST,), (), ["extra"]),
        ((), (FIRST,), ["missing"]),
        ((FIRST,), (FIRST, SECOND), ["revision"]),
        ((FIRST, SECOND), (FIRST,), ["revision"]),
        ((FIRST, replace(FIRST, alerts=())), (FIRST,), ["contradiction"]),
        ((replace(FIRST, alerts=()),), (FIRST,), ["members"]),
        (
            (FIRST, SECOND, FINAL),
            (FIRST, SECOND, replace(FINAL, status=IncidentStatus.OPEN)),
            ["status"],
        ),
        ((FIRST,), (incident(candidates=(candidate("web", 0.8),)),), ["root_cause", "answer"]),
        ((FIRST,), (incident(candidates=(candidate("db", 0.7),)),), ["answer"]),
        ((FIRST,), (incident(model_version="other"),), ["answer"]),
        ((FIRST, SECOND), (replace(FIRST, alerts=()), SECOND), ["course"]),
        ((FIRST,), (incident(title="other"),), ["details"]),
    ],
)
def test_each_kind_of_difference_is_named(published, rebuilt, expected):
    result = compare(told(*published), told(*rebuilt), WINDOW)
    assert kinds(result) == expected
    assert result.differs(exact=True) == bool(expected)
    assert result.differs(exact=False) == bool(expected and expected != ["details"])
    assert all(len(each.sentence) > 20 for each in result.differences)


def test_what_the_worker_has_not_handled_yet_is_no_difference():
    waiting = told(FIRST, settled=False)
    assert compare({}, waiting, WINDOW).unsettled == 1
    assert kinds(compare({}, waiting, WINDOW)) == []
    longer = told(FIRST)
    longer["i-1"].add(Revision(incident=SECOND, value=b"", settled=False))
    assert kinds(compare(told(FIRST), longer, WINDOW)) == []


def test_an_incident_of_before_is_named_and_not_compared():
    later = replace(WINDOW, since_ms=T0 + MINUTE)
    result = compare(told(FIRST), {}, later)
    assert (result.compared, result.begun_before, kinds(result)) == (0, ["i-1"], [])
    gone = replace(FIRST, status=IncidentStatus.RESOLVED, resolved_at=FIRST.updated_at)
    assert compare(told(gone), {}, later).begun_before == []
    assert compare(told(FIRST), {}, replace(WINDOW, until_ms=T0)).compared == 0


def test_alerts_of_an_incident_that_was_open_when_reading_began_make_differences_uncertain():
    old = incident(
        incident_id="old",
        detected_at="2025-12-31T22:00:00.000Z",
        alerts=(alert("cart"),),
    )
    result = compare(told(old), told(FIRST), WINDOW)
    assert kinds(result) == []
    assert [(each.incident_id, each.kind.value) for each in result.uncertain] == [
        ("i-1", "missing")
    ]


def test_from_inputs_the_same_alerts_make_the_same_incident_whatever_its_id():
    inputs = replace(WINDOW, numbers=False)
    other = incident(5, incident_id="j", candidates=(candidate("db", 0.5),))
    result = compare(told(FIRST), told(other), inputs)
    assert kinds(result) == []
    assert result.notes == ["i-1 is j when rebuilt: its alerts were taken in another order"]
    grown = incident(alerts=(alert("cart"), alert("web"), alert("mail")))
    assert kinds(compare(told(FIRST), told(grown), inputs)) == []
    assert kinds(compare(told(grown), told(FIRST), inputs)) == ["members"]
    ended = replace(FIRST, status=IncidentStatus.RESOLVED)
    grown_and_ended = replace(grown, status=IncidentStatus.RESOLVED)
    assert kinds(compare(told(ended), told(grown_and_ended), inputs)) == ["members"]
    stranger = incident(incident_id="k", alerts=(alert("smtp"),))
    assert kinds(compare(told(FIRST), told(stranger), inputs)) == ["extra", "missing"]


def test_the_report_says_what_differs_and_what_was_not_compared(capsys):
    result = compare(told(FIRST, SECOND), told(replace(FIRST, alerts=()), SECOND), WINDOW)
    result.begun_before.append("old")
    result.notes.append("something is not known")
    print_comparison(result, as_json=False)
    shown = capsys.readouterr().out
    assert "course" in shown
    assert "note: something is not known" in shown
    assert "not compared: 1 incidents that began before --since (old)" in shown
    assert shown.endswith("1 incidents compared (1 published, 1 rebuilt): 1 of them differ\n")
