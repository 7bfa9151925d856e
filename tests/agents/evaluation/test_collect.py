"""What is kept of a recording: which incident counts, which question, and baselines' scores."""

from dataclasses import replace

import pytest

from agents.evaluation.collect import Wanted, collect
from agents.evaluation.judge import Calm, answered, judge
from agents.evaluation.online import AFTER_FAULT_MS
from agents.given_window import question_of_window
from models.baselines.rules import RULES
from models.evaluation_placement import Placement
from models.rules import RuleRanker
from pipeline.alert_topic import TOPICS
from tests.agents.evaluation.worlds import END_MS, FAULT_MS, START_MS, alert, healthy, recording

ALL = Wanted(baselines=True)
RANK = RuleRanker()


@pytest.fixture(scope="module")
def collected():
    found = collect(recording("stock"), ALL, RANK)
    assert found is not None
    return found


def test_the_last_question_in_the_faults_time_counts(collected):
    assert collected.online is not None
    asked = [timed.asked_ms for timed in collected.online.questions]
    assert asked == sorted(asked)
    assert asked[0] >= FAULT_MS
    assert asked[-1] <= END_MS + AFTER_FAULT_MS
    names = {c.component.name for c in collected.online.last.candidates}
    assert {"web", "cart", "stock"} <= names


def test_the_published_protocol_gives_its_own_candidates(collected):
    assert collected.published is not None
    names = [c.component.name for c in collected.published.last.candidates]
    assert names == ["cart", "mail", "stock", "web"]


def test_the_published_question_is_the_one_that_the_engine_is_asked(collected):
    assert collected.published.last == question_of_window(recording("stock"))


def test_every_baseline_scores_the_questions_own_candidates(collected):
    for inquiry in (collected.online, collected.published):
        assert set(inquiry.scores) == set(RULES)
        count = len(inquiry.last.candidates)
        heard = {name: s for name, s in inquiry.scores.items() if s is not None}
        assert all(len(scores) == count for scores in heard.values())
        assert {"baro", "nsigma", "alert_count", "latency_ratio", "traversal"} <= set(heard)
        assert inquiry.scores["spectrum"] is None  # there are no traces
        assert inquiry.counts.shape == (count, 2 * (1 + len(TOPICS) + 2))


def test_the_metric_baselines_find_the_series_that_jumped(collected):
    names = [c.component.name for c in collected.published.last.candidates]
    for name in ("max_z", "nsigma", "baro", "prism", "latency_ratio"):
        scores = collected.published.scores[name]
        assert names[scores.index(max(scores))] == "stock", name
    # Nothing between the symptom and the root shows, so the traversal gets nowhere.
    walked = collected.published.scores["traversal"]
    assert names[walked.index(max(walked))] == "web"


def test_an_answer_is_held_against_the_truth(collected):
    judged = judge(collected, "online", RANK)
    assert judged.placement == Placement(above=0)
    assert judged.truth == ("stock",)
    assert judged.moments[-1].right == 1.0
    assert judged.moments[0].seconds >= 10
    assert judged.strata == {"symptom": "latency", "split": "test"}
    assert judged.revisions >= 1
    assert judge(collected, "published", RANK).moments == ()


def test_a_time_scale_stretches_the_seconds():
    scaled = recording("stock", provenance={"time_scale": 10})
    found = collect(scaled, Wanted(published=False), RANK)
    plain = collect(recording("stock"), Wanted(published=False), RANK)
    slow, usual = (judge(c, "online", RANK).moments[0].seconds for c in (found, plain))
    assert slow == pytest.approx(10 * usual)


def test_no_incident_in_time_is_a_miss():
    silent = recording("stock", alerts=())
    found = collect(silent, Wanted(published=False), RANK)
    assert found is not None
    assert found.online is None
    judged = judge(found, "online", RANK)
    assert (judged.placement, judged.answered) == (None, False)


def test_an_incident_from_before_the_fault_is_noise_and_does_not_count():
    early = (alert("DiskFull", "mail", START_MS + 10_000),)
    calls = {"edges": [{"caller": "web", "callee": "cart"}, {"caller": "cart", "callee": "stock"}]}
    noisy = recording("stock", alerts=(*early, *recording("stock").alerts), graph=calls)
    found = collect(noisy, Wanted(published=False), RANK)
    assert found is not None
    assert found.online is not None
    assert "mail" not in {c.component.name for c in found.online.last.candidates}
    (noise,) = found.others
    assert found.noise == 1
    assert all(t.asked_ms < FAULT_MS for t in noise.questions)


def test_of_several_incidents_the_one_with_most_alerts_counts():
    apart = (alert("CpuSaturated", "mail", FAULT_MS + 5_000),)
    calls = {"edges": [{"caller": "web", "callee": "cart"}, {"caller": "cart", "callee": "stock"}]}
    both = recording("stock", alerts=(*apart, *recording("stock").alerts), graph=calls)
    found = collect(both, Wanted(published=False), RANK)
    assert found is not None
    assert found.online is not None
    assert "stock" in {c.component.name for c in found.online.last.candidates}


def test_a_healthy_recording_counts_what_was_raised():
    calm = answered(collect(healthy(), ALL, RANK), "online", RANK)
    assert isinstance(calm, Calm)
    assert (calm.raised, calm.blamed) == (0, False)
    raised = recording("stock", truth=())
    raised = replace(raised, provenance={**raised.provenance, "protocol": {}})
    noisy = answered(collect(raised, ALL, RANK), "online", RANK)
    assert isinstance(noisy, Calm)
    assert noisy.raised == 1
    assert noisy.blamed


def test_a_given_onset_can_be_wrong_by_some_seconds():
    late = Wanted(online=False, baselines=True, onset_error_ms=60_000)
    scaled = recording("stock", provenance={"time_scale": 10})
    ages = []
    for one in (recording("stock"), scaled):
        for wanted in (replace(late, onset_error_ms=0), late, replace(late, onset_error_ms=10**9)):
            found = collect(one, wanted, RANK)
            assert found is not None
            assert found.published is not None
            ages.append(found.published.last.context["elapsed_s"])
    assert ages[:2] == pytest.approx([120.0, 60.0], abs=1)
    assert ages[3:5] == pytest.approx([120.0, 114.0], abs=1)
    assert ages[2] == ages[5] == pytest.approx(0.0, abs=1)


def test_what_nobody_knows_is_not_judged():
    assert collect(replace(recording(), truth=None), ALL, RANK) is None


def test_a_healthy_window_is_asked_about_and_not_listened_to():
    calm = healthy()
    protocol = {"onset_ms": FAULT_MS, "window_end_ms": END_MS, "symptom": "web"}
    window = replace(calm, provenance={**calm.provenance, "protocol": protocol})
    found = collect(window, ALL, RANK)
    assert found is not None
    assert not answered(found, "online", RANK).asked
    asked = answered(found, "published", RANK)
    assert isinstance(asked, Calm)
    assert asked.asked
    assert not asked.blamed
