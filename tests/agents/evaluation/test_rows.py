"""Training rows of what was collected."""

from dataclasses import replace

import pytest

from agents.evaluation.asked import Inquiry, Timed
from agents.evaluation.collect import Wanted, collect
from agents.evaluation.online import MOST_QUESTIONS, thinned
from agents.evaluation.rows import library_rows, rows_of
from models.rules import RuleRanker
from schemas.candidate import Question
from schemas.recording import Fault
from tests.agents.evaluation.worlds import END_MS, FAULT_MS, START_MS, alert, recording

RANK = RuleRanker()


def collected(**parts):
    found = collect(recording("stock", **parts), Wanted(), RANK)
    assert found is not None
    return found


def test_a_fault_gives_a_few_moments_with_its_root():
    case = collected()
    rows = rows_of([case], "online")
    assert case.online is not None
    assert 1 < len(rows) < len(case.online.questions)
    assert {row.case for row in rows} == {"toy/shop/stock/1"}
    assert {row.topology for row in rows} == {"toy"}
    assert {row.source for row in rows} == {"injected"}
    assert all(row.root is not None for row in rows)
    assert rows[-1].elapsed_s == case.online.last.context["elapsed_s"]


def test_the_published_question_is_one_row():
    (row,) = rows_of([collected()], "published")
    assert row.root == 2  # of cart, mail, stock, web
    assert row.elapsed_s == pytest.approx((END_MS - FAULT_MS) / 1000, abs=1)


def test_a_sets_own_fault_name_is_no_pattern_and_ours_is_one():
    ours = Fault(component="stock", pattern="jvm.gc.long_pause", start_ms=FAULT_MS, end_ms=END_MS)
    (theirs,), (known,) = (
        rows_of([case], "published") for case in (collected(), collected(truth=(ours,)))
    )
    assert (theirs.fault, theirs.pattern) == ("cpu", "")
    assert (known.fault, known.pattern) == ("jvm.gc.long_pause",) * 2


def test_incidents_from_before_the_fault_are_rows_of_their_own_without_a_root():
    early = (alert("DiskFull", "mail", START_MS + 10_000),)
    calls = {"edges": [{"caller": "web", "callee": "cart"}, {"caller": "cart", "callee": "stock"}]}
    noisy = collected(alerts=(*early, *recording("stock").alerts), graph=calls)
    noise = [row for row in rows_of([noisy], "online") if row.case.endswith("noise-1")]
    assert noise
    assert {(row.root, row.fault, row.pattern) for row in noise} == {(None, "none", "")}


def test_no_incident_gives_no_rows():
    assert rows_of([collected(alerts=())], "online") == []


def test_the_library_can_be_had_without_some_systems():
    everything = library_rows(())
    topologies = {row.topology for row in everything}
    left_out = sorted(topologies)[0]
    rest = library_rows({left_out})
    assert {row.topology for row in rest} == topologies - {left_out}
    assert 0 < len(rest) < len(everything)


def test_a_long_incident_keeps_a_bounded_number_of_questions_and_its_last():
    asked = [
        Timed(asked_ms=i, question=Question(incident_id="x", at_ms=i, candidates=()))
        for i in range(1000)
    ]
    kept = thinned(asked)
    assert len(kept) <= MOST_QUESTIONS + 1
    assert kept[0].asked_ms == 0
    assert kept[-1] == asked[-1]
    assert Inquiry(questions=kept).last == asked[-1].question


def test_what_is_only_judged_keeps_the_question_that_counts():
    case = collected()
    assert case.online is not None
    slim = case.last_only()
    assert slim.online is not None
    assert slim.online.questions == case.online.questions[-1:]
    assert slim == replace(case, online=slim.online, others=())
