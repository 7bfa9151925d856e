"""The desk by itself: what no broker is needed for."""

from dataclasses import dataclass, field

import orjson
import pytest

from agents.cases.errors import CasesError
from agents.cases.kept import encode_kept, keep
from agents.cases.verdict_desk import VerdictDesk
from agents.telemetry import Telemetry
from agents.worker.dead_letter import DeadLetters
from models.case_rows import decode_rows
from models.pattern_catalogue import default_catalogue
from schemas.codecs.limits import CodecLimits
from tests.models.synthetic import candidate, question

NOW_MS = 1_788_256_800_000
KEPT = encode_kept(keep(question(candidate("a"), candidate("b")), "e", default_catalogue()))


@dataclass
class Record:
    value: bytes | None
    key: bytes | None = b"one"
    headers: list = field(default_factory=list)
    topic: str = "verdicts"
    partition: int = 2
    offset: int = 0
    timestamp: int = NOW_MS


def a_verdict(**fields):
    said = {"incident_id": "one", "outcome": "confirmed", "component": "b"}
    return Record(orjson.dumps(said | fields))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cases" / "verdicts-2.jsonl"


@pytest.fixture
def desk(path):
    telemetry = Telemetry()

    def make(lookup=lambda _: KEPT, limits=None):
        letters = DeadLetters(
            topic="dead-letter", max_bytes=10_000, counter=telemetry.intake.dead_lettered
        )
        return VerdictDesk(
            path=path,
            lookup=lookup,
            catalogue=default_catalogue(),
            letters=letters,
            limits=limits or CodecLimits(),
            metrics=telemetry.cases,
        )

    return make


def test_what_is_handled_is_on_the_disk_when_it_returns(desk, path):
    assert desk().handle([a_verdict()], NOW_MS) == []
    (row,) = decode_rows(path.read_bytes())
    assert (row.case, row.root, row.seed) == ("one", 1, 1)


def test_several_verdicts_on_one_incident_in_one_batch(desk, path):
    records = [
        a_verdict(),
        a_verdict(),
        a_verdict(outcome="corrected", component="a", revision=3),
        a_verdict(component="a", revision=2),
        a_verdict(component="b", revision=3),
    ]
    (letter,) = desk().handle(records, NOW_MS)
    assert b"says otherwise" in dict(letter.headers)["rootline.error.reason"]
    assert [(row.root, row.seed) for row in decode_rows(path.read_bytes())] == [(1, 1), (0, 3)]


def test_a_bug_costs_one_verdict_and_says_so(desk, path):
    def lookup(incident_id):
        return KEPT if incident_id == "one" else 7

    bad = a_verdict(incident_id="two")
    (letter,) = desk(lookup).handle([bad, a_verdict()], NOW_MS)
    headers = dict(letter.headers)
    assert headers["rootline.error.kind"] == b"codec_bug"
    assert (letter.value, letter.key) == (bad.value, bad.key)
    assert len(list(decode_rows(path.read_bytes()))) == 1


def test_a_kept_question_that_cannot_be_read_is_said(desk, path):
    (letter,) = desk(lambda _: b"{}").handle([a_verdict()], NOW_MS)
    assert b"last question cannot be read" in dict(letter.headers)["rootline.error.reason"]
    assert not path.exists()


def test_a_full_disk_is_no_reason_to_give_a_verdict_up(desk, path):
    taken = desk()
    path.parent.write_text("in the way", encoding="utf-8")
    with pytest.raises(CasesError, match="cannot be written"):
        taken.handle([a_verdict()], NOW_MS)
    path.parent.unlink()
    assert taken.handle([a_verdict()], NOW_MS) == []
    assert path.exists()


def test_the_configured_limits_hold(desk):
    (letter,) = desk(limits=CodecLimits(message_bytes=10)).handle([a_verdict()], NOW_MS)
    assert b"limits.message_bytes" in dict(letter.headers)["rootline.error.reason"]
