"""What an answer means, and how long is waited after it."""

import random

import pytest

from agents.notifier.config import NotifierConfig
from agents.notifier.retry import Answer, Cause, Verdict, judge, pause_ms, retry_after_ms

NOW = 1_800_000_000_000  # 2027-01-15 08:00:00 UTC


@pytest.mark.parametrize(
    ("status", "verdict", "cause"),
    [
        (200, Verdict.DELIVERED, Cause.NONE),
        (204, Verdict.DELIVERED, Cause.NONE),
        (301, Verdict.REFUSED, Cause.NONE),
        (308, Verdict.REFUSED, Cause.NONE),
        (400, Verdict.TOO_RICH, Cause.NONE),
        (403, Verdict.REFUSED, Cause.NONE),
        (404, Verdict.REFUSED, Cause.NONE),
        (408, Verdict.RETRY, Cause.SERVER_ERROR),
        (410, Verdict.REFUSED, Cause.NONE),
        (413, Verdict.TOO_RICH, Cause.NONE),
        (429, Verdict.RETRY, Cause.RATE_LIMITED),
        (500, Verdict.RETRY, Cause.SERVER_ERROR),
        (503, Verdict.RETRY, Cause.SERVER_ERROR),
    ],
)
def test_a_status_decides_what_happens_next(status: int, verdict: Verdict, cause: Cause) -> None:
    answer = judge(status, None, NOW)
    assert (answer.verdict, answer.cause) == (verdict, cause)


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("30", 30_000),
        (" 0 ", 0),
        ("1.5", 1_500),
        ("Fri, 15 Jan 2027 08:00:10 GMT", 10_000),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0),
        ("Fri, 15 Jan 2027 08:00:10 -0000", 10_000),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        (".", None),
        ("Fri, 99 Jan 2027 08:00:10 GMT", None),
        ("9" * 100, None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(value: str | None, asked: int | None) -> None:
    assert retry_after_ms(value, NOW) == asked


def _refusal(retry_after: int | None = None) -> Answer:
    return Answer(verdict=Verdict.RETRY, retry_after_ms=retry_after)


def test_pauses_double_with_jitter_up_to_the_cap() -> None:
    config = NotifierConfig(retry_base_ms=1_000, retry_cap_ms=8_000)
    rng = random.Random(7)
    for failures in range(1, 200):
        whole = min(8_000, 1_000 * 2 ** (failures - 1))
        assert whole / 2 <= pause_ms(_refusal(), failures, config, rng) <= whole


def test_the_same_seed_gives_the_same_pauses() -> None:
    config = NotifierConfig()
    one, two = random.Random(1), random.Random(1)
    pauses = [pause_ms(_refusal(), n, config, one) for n in range(1, 9)]
    assert pauses == [pause_ms(_refusal(), n, config, two) for n in range(1, 9)]
    assert len(set(pauses)) > 1


def test_retry_after_is_never_shortened_but_capped() -> None:
    config = NotifierConfig(retry_base_ms=100, retry_after_max_ms=60_000)
    rng = random.Random(1)
    assert 5_000 <= pause_ms(_refusal(5_000), 1, config, rng) <= 5_010
    assert 60_000 <= pause_ms(_refusal(10**12), 1, config, rng) <= 60_010
