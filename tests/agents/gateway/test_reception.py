import asyncio
from dataclasses import replace

import pytest

from agents.gateway.intake import Intake, intakes
from agents.gateway.reception import checked
from agents.worker.topics import TopicsConfig
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError

ALERTS = intakes(TopicsConfig())[0]
HEADERS = (("content-type", b"application/json"),)


def verdict_of(intake: Intake, body: bytes):
    return asyncio.run(checked(intake, body, HEADERS, CodecLimits()))


def buggy(*_):
    raise KeyError("a codec that forgot a case")  # noqa: EM101 - stands for a bug


@pytest.mark.parametrize("size", [10, 100_000], ids=["on the loop", "in a thread"])
def test_bug_in_a_codec_costs_the_check_and_not_the_message(size):
    intake = replace(ALERTS, check=buggy)
    assert verdict_of(intake, b"x" * size).accepted == 1


@pytest.mark.parametrize("size", [10, 100_000], ids=["on the loop", "in a thread"])
def test_bad_body_is_a_schema_error_wherever_it_is_checked(size):
    with pytest.raises(SchemaError):
        verdict_of(ALERTS, b"{" * size)


def test_every_path_is_taken_by_one_intake():
    paths = [path for intake in intakes(TopicsConfig()) for path in intake.paths]
    assert len(paths) == len(set(paths))
