"""Operators' verdicts: what is read of them, and what is said of those that cannot be."""

import pytest

from schemas.codecs.limits import CodecLimits
from schemas.codecs.verdicts import decode_verdict
from schemas.errors import SchemaError
from schemas.verdict import Outcome, Verdict
from tests.schemas import samples as s

PLAIN = {"incident_id": "i-1", "outcome": "confirmed", "component": "cart"}


def test_a_verdict_is_read_whole() -> None:
    assert decode_verdict(s.dumps(s.VERDICT)) == Verdict(
        incident_id=s.VERDICT["incident_id"],
        outcome=Outcome.CORRECTED,
        at_ms=s.T0,
        component="orders-db",
        pattern="db_sql.mysql.conn_exhausted",
        who="ann",
        note="the batch job held the pool",
        revision=2,
    )


def test_what_is_left_out_has_defaults_and_the_records_time_stands_in() -> None:
    verdict = decode_verdict(s.dumps(PLAIN), received_ms=s.T0 + 5)
    assert (verdict.pattern, verdict.who, verdict.note) == ("", "", "")
    assert (verdict.revision, verdict.at_ms) == (1, s.T0 + 5)


def test_a_verdict_may_come_in_an_envelope_whose_time_counts() -> None:
    enveloped = decode_verdict(s.dumps({**s.ENVELOPE, "data": PLAIN}), s.STRUCTURED)
    assert enveloped.component == "cart"
    assert enveloped.at_ms == s.T0 + 7000
    assert decode_verdict(s.dumps(PLAIN), s.BINARY).at_ms == s.T0 + 7000


def test_nothing_wrong_names_nobody() -> None:
    said = {"incident_id": "i-1", "outcome": "nothing_wrong", "component": None}
    verdict = decode_verdict(s.dumps(said), received_ms=s.T0)
    assert verdict.outcome is Outcome.NOTHING_WRONG
    assert verdict.component == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"incident_id": " "}, "no incident_id"),
        ({"incident_id": 5}, "incident_id is the number 5, expected text"),
        ({"outcome": None}, "no outcome, expected one of confirmed, corrected, nothing_wrong"),
        ({"outcome": "maybe"}, 'the outcome "maybe"'),
        ({"component": ""}, "says confirmed and names no component"),
        ({"outcome": "nothing_wrong"}, 'says nothing_wrong and names "cart"'),
        ({"outcome": "nothing_wrong", "component": "", "pattern": "a.b"}, 'names "a.b"'),
        ({"revision": 0}, "revision is 0, expected a whole number from 1 on"),
        ({"revision": True}, "revision is true or false"),
        ({"revision": "2"}, "revision is text"),
        ({"at": "noon"}, 'at is "noon", expected an RFC 3339 time'),
        ({"at": "1999-01-01T00:00:00Z"}, "between the years 2000 and 2200"),
        ({"component": "c" * 5000}, "component has 5000 characters"),
        ({"pattern": ["a"]}, "pattern is a list"),
    ],
    ids=str,
)
def test_a_bad_field_is_refused_in_a_sentence(change: dict[str, object], words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        decode_verdict(s.dumps({**PLAIN, **change}), received_ms=s.T0)
    assert words in str(caught.value)


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"7", b"\xff", b'"text"', b"null"])
def test_whatever_the_bytes_are_nothing_else_is_raised(value: bytes) -> None:
    with pytest.raises(SchemaError):
        decode_verdict(value, received_ms=s.T0)


def test_without_any_time_a_verdict_is_refused() -> None:
    with pytest.raises(SchemaError, match="the verdict has no at"):
        decode_verdict(s.dumps(PLAIN))


def test_a_message_above_the_limit_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"limits\.message_bytes"):
        decode_verdict(s.dumps(PLAIN), received_ms=s.T0, limits=CodecLimits(message_bytes=10))
