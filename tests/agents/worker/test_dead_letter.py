from dataclasses import dataclass, field

import pytest

from agents.telemetry import Telemetry
from agents.worker.dead_letter import Complaint, DeadLetters, Rejection


@dataclass
class Record:
    value: bytes | None = b"{broken"
    key: bytes | None = b"key"
    headers: list = field(default_factory=lambda: [("trace", b"1")])
    topic: str = "alerts"
    partition: int = 2
    offset: int = 77
    timestamp: int = 1_700_000_000_000


COMPLAINT = Complaint(rejection=Rejection.UNDECODABLE, reason="not JSON", stage="reduce")


@pytest.fixture
def telemetry():
    return Telemetry()


@pytest.fixture
def letters(telemetry):
    return DeadLetters(topic="dead", max_bytes=100, counter=telemetry.intake.dead_lettered)


def test_the_original_is_kept_whole_and_says_whence_and_why(letters):
    letter = letters.letter(Record(), COMPLAINT)
    assert (letter.topic, letter.key, letter.value) == ("dead", b"key", b"{broken")
    assert dict(letter.headers) == {
        "trace": b"1",
        "rootline.error.topic": b"alerts",
        "rootline.error.partition": b"2",
        "rootline.error.offset": b"77",
        "rootline.error.timestamp": b"1700000000000",
        "rootline.error.stage": b"reduce",
        "rootline.error.kind": b"undecodable",
        "rootline.error.reason": b"not JSON",
        "__streams.errors.exception": b"SchemaError",
        "__streams.errors.message": b"not JSON",
        "__streams.errors.topic": b"alerts",
        "__streams.errors.partition": b"2",
        "__streams.errors.offset": b"77",
    }


def test_a_letter_that_fails_again_tells_only_its_latest_story(letters):
    first = letters.letter(Record(), COMPLAINT)
    again = Record(headers=list(first.headers), topic="alerts", offset=99)
    headers = letters.letter(again, COMPLAINT).headers
    assert len(headers) == len(dict(headers))
    assert dict(headers)["rootline.error.offset"] == b"99"


def test_a_value_too_large_for_one_record_is_cut_and_says_so(letters):
    letter = letters.letter(Record(value=b"x" * 1_000), COMPLAINT)
    assert letter.value == b"x" * 100
    assert dict(letter.headers)["rootline.error.cut_from_bytes"] == b"1000"


def test_every_letter_is_counted_by_topic_and_reason(letters, telemetry):
    letters.letter(Record(), COMPLAINT)
    labels = {"topic": "alerts", "reason": "undecodable"}
    found = telemetry.registry.get_sample_value("rootline_messages_dead_lettered_total", labels)
    assert found == 1


def test_a_reason_is_bounded_and_never_breaks_the_encoding(letters):
    long = Complaint(rejection=Rejection.UNDECODABLE, reason="\ud800" + "x" * 9_999, stage="s")
    assert len(dict(letters.letter(Record(), long).headers)["rootline.error.reason"]) <= 2_000
