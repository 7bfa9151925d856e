"""Change events."""

import pytest

from schemas.change import Change, ChangeKind
from schemas.codecs.changes import decode_change
from tests.schemas import samples as s

CHANGE = Change(
    change_id="deploy-77",
    kind=ChangeKind.DEPLOY,
    at_ms=s.T0,
    labels=(("service", "checkout"),),
    title="checkout 1.4.0",
    version="1.4.0",
    author="ada",
)


def test_a_change_is_read_field_by_field() -> None:
    assert decode_change(s.dumps(s.CHANGE)) == CHANGE


def test_labels_may_name_the_target_instead_of_service() -> None:
    change = {"kind": "scale", "labels": {"deployment": "cart", "cluster": "eu1"}, "at": s.T0}
    decoded = decode_change(s.dumps(change))
    assert decoded.labels == (("cluster", "eu1"), ("deployment", "cart"))
    assert decoded.at_ms == s.T0


def test_an_id_that_is_left_out_is_made_from_the_content() -> None:
    without = {key: value for key, value in s.CHANGE.items() if key != "id"}
    turned = dict(reversed(without.items()))
    one, two = decode_change(s.dumps(without)), decode_change(s.dumps(turned))
    other = decode_change(s.dumps({**without, "version": "1.4.1"}))
    assert one.change_id == two.change_id
    assert one.change_id != other.change_id
    assert len(one.change_id) == 32


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Deploy", ChangeKind.DEPLOY),
        ("rollback", ChangeKind.DEPLOY),
        ("feature_flag", ChangeKind.FLAG),
        ("migration", ChangeKind.MIGRATION),
        ("cronjob", ChangeKind.JOB),
        ("painted the server", ChangeKind.OTHER),
    ],
)
def test_kinds_have_several_spellings(word: str, kind: ChangeKind) -> None:
    assert decode_change(s.dumps({**s.CHANGE, "kind": word})).kind is kind


def test_the_time_may_come_from_the_envelope_or_the_record() -> None:
    without = {key: value for key, value in s.CHANGE.items() if key != "at"}
    enveloped = decode_change(s.dumps({**s.ENVELOPE, "data": without}), s.STRUCTURED)
    binary = decode_change(s.dumps(without), s.BINARY)
    record = decode_change(s.dumps(without), received_ms=s.T0 + 1)
    assert (enveloped.at_ms, binary.at_ms) == (s.T0 + 7000, s.T0 + 7000)
    assert record.at_ms == s.T0 + 1
