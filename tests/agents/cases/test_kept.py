"""Questions kept for a verdict name nobody, and a verdict still finds whom it means."""

from dataclasses import replace

import pytest

from agents.cases.asked import AskedQuestions
from agents.cases.joining import case_of
from agents.cases.kept import decode_kept, digest_of, encode_kept, environment_label, keep
from models.cases import CaseRow
from models.pattern_catalogue import default_catalogue
from models.rules import RuleRanker
from schemas.errors import SchemaError
from schemas.verdict import Outcome, Verdict
from tests.models.synthetic import candidate, evidence, question

ASKED = question(
    candidate("web-of-zebrafoods", "service", z_latency=9.0),
    candidate(
        "mysql-of-zebrafoods",
        "database",
        evidence("pool_saturated", 0.9, holder="batch-of-zebrafoods", change_kind="deploy"),
        z_pool=30.0,
    ),
    candidate("cache-of-zebrafoods", "cache"),
)
PATTERN = "db_sql.mysql.conn_exhausted"


def kept():
    return decode_kept(encode_kept(keep(ASKED, "zebrafoods-prod", default_catalogue())))


def a_verdict(
    outcome=Outcome.CONFIRMED, component="mysql-of-zebrafoods", pattern=PATTERN, revision=1
):
    return Verdict(
        incident_id="one",
        outcome=outcome,
        at_ms=0,
        component=component,
        pattern=pattern,
        who="ann-of-zebrafoods",
        note="zebrafoods's batch",
        revision=revision,
    )


def case(verdict):
    return case_of(verdict, kept(), default_catalogue())


def test_a_record_names_neither_components_nor_the_environment():
    assert b"zebrafoods" not in encode_kept(keep(ASKED, "zebrafoods-prod", default_catalogue()))


def test_a_record_read_back_is_the_same():
    made = keep(ASKED, "zebrafoods-prod", default_catalogue())
    assert decode_kept(encode_kept(made)) == made


@pytest.mark.parametrize("name", [c.component.name for c in ASKED.candidates])
def test_every_candidate_is_found_by_its_name_in_whatever_order_it_was_asked(name):
    turned = replace(ASKED, candidates=ASKED.candidates[::-1])
    found = [keep(q, "e", default_catalogue()) for q in (ASKED, turned)]
    assert found[0] == found[1]
    place = found[0].place_of(name)
    assert place is not None
    kind = found[0].row.candidates[place].kind
    assert kind == next(c.component.kind for c in ASKED.candidates if c.component.name == name)


def test_a_stranger_is_not_found_and_digests_differ_between_incidents():
    assert kept().place_of("nobody") is None
    assert digest_of("cart", "one") != digest_of("cart", "two")
    assert environment_label("a") != environment_label("b")


def test_a_confirmed_verdict_labels_the_row():
    row = case(a_verdict(revision=4))
    assert isinstance(row, CaseRow)
    assert (row.candidates[row.root].kind, row.pattern, row.fault) == (
        "database",
        PATTERN,
        PATTERN,
    )
    assert (row.case, row.source, row.seed) == ("one", "real", 4)
    assert row.topology == environment_label("zebrafoods-prod")
    assert row.candidates[row.root].change_kinds == ("deploy",)
    assert "zebrafoods" not in repr(row)


def test_a_root_that_was_no_candidate_makes_a_case_for_none_of_these():
    row = case(a_verdict(Outcome.CORRECTED, "dns-of-zebrafoods", "dns.latency"))
    assert (row.root, row.pattern) == (None, "dns.latency")


def test_nothing_wrong_and_a_verdict_without_a_pattern():
    nothing = case(a_verdict(Outcome.NOTHING_WRONG, "", ""))
    assert (nothing.root, nothing.pattern, nothing.fault) == (None, "", "none")
    unknown = case(a_verdict(pattern=""))
    assert (unknown.pattern, unknown.fault) == ("", "unknown")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (a_verdict(component="dns"), "confirms 'dns', which was not among the 3 candidates"),
        (a_verdict(pattern=f"{PATTERN}s"), f"did you mean {PATTERN}"),
        (a_verdict(pattern="?"), "leave it out"),
    ],
)
def test_a_verdict_that_does_not_fit_is_refused_in_a_sentence(verdict, words):
    with pytest.raises(SchemaError) as caught:
        case(verdict)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda value: b"",
        lambda value: value[:-20],
        lambda value: value.partition(b"\n")[2],
        lambda value: b"[]" + value[value.index(b"\n") :],
        lambda value: b'{"candidates":["x"]}' + value[value.index(b"\n") :],
        lambda value: value + value.splitlines()[2] + b"\n",
    ],
    ids=["empty", "cut short", "no head", "a list for head", "too few digests", "two rows"],
)
def test_a_damaged_record_is_refused_in_a_sentence(damage):
    with pytest.raises(SchemaError, match="last question"):
        decode_kept(damage(encode_kept(keep(ASKED, "e", default_catalogue()))))


def test_the_last_question_of_an_incident_is_handed_out_once():
    asked = AskedQuestions(RuleRanker(), limit=2)
    later = replace(ASKED, at_ms=5)
    assert asked(ASKED) == RuleRanker()(ASKED)
    asked(later)
    assert asked.take("one") == later
    assert asked.take("one") is None


def test_more_incidents_than_the_limit_lose_the_one_asked_longest_ago():
    asked = AskedQuestions(RuleRanker(), limit=2)
    for name in ("a", "b", "a", "c"):
        asked(replace(ASKED, incident_id=name))
    assert [asked.take(name) is not None for name in "abc"] == [True, False, True]
