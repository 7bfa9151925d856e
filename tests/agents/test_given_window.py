"""A recording asked about at a window that was given: everybody, and only what came until then."""

from dataclasses import replace

import pytest

from agents.given_window import NoProtocolError, given_window, question_of_window
from models.rules import RuleRanker
from tests.agents.recorded import small, storm


def asked_at(recording, seconds: float, **protocol):
    (truth,) = recording.truth
    window = {
        "onset_ms": truth.start_ms,
        "window_end_ms": truth.start_ms + int(seconds * 1000),
        **protocol,
    }
    return replace(recording, provenance={**recording.provenance, "protocol": window})


def test_everybody_is_asked_about_and_the_root_comes_first():
    recording = asked_at(storm(), 180)
    question = question_of_window(recording)
    assert len(question.candidates) > 20
    best = RuleRanker()(question).ranked[0].component.name
    assert best == recording.truth[0].component


def test_what_came_after_the_window_is_not_known():
    early, late = (question_of_window(asked_at(storm(), seconds)) for seconds in (20, 240))
    assert early.context["alerts"] < late.context["alerts"]
    (truth,) = storm().truth
    assert early.at_ms <= truth.start_ms + 25_000


def test_given_candidates_and_no_others_are_judged():
    recording = asked_at(storm(), 120, candidates=["mysql-primary", "checkout", "never-seen"])
    names = [c.component.name for c in question_of_window(recording).candidates]
    assert names == ["checkout", "mysql-primary", "never-seen"]


def test_a_recording_without_a_protocol_says_so():
    with pytest.raises(NoProtocolError, match="no protocol with onset_ms"):
        given_window(small())
