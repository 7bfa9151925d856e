"""What a fuzz target is, and what every answer to hostile bytes has to be.

Right answers are a value, or one of the target's own errors with a sentence that can be logged
and sent on. Anything else is a finding: another exception, no sentence, or too much time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

SECONDS_LIMIT = 5.0
"""Most time for one input of at most `INPUT_BYTES`, on a busy core."""
INPUT_BYTES = 64 * 1024
SENTENCE_CHARS = 4_000
"""Longest error: what it quotes of the input has to be cut."""

Form = Literal["json", "lines", "protobuf", "text", "binary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing that reads bytes which others wrote.

    `run` raises one of `refusals` for what it does not take, and AssertionError where what came
    out does not hold (a decoded message that does not encode, an unstable round trip).
    """

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    refusals: tuple[type[Exception], ...]
    form: Form = "json"
    words: tuple[bytes, ...] = field(default=())


class FindingError(AssertionError):
    """An answer that is not right."""


def judge(target: Target, data: bytes, *, seconds: float = SECONDS_LIMIT) -> bool:
    """Run a target on one input; tell whether it took it.

    Raises:
        FindingError: the answer is wrong; the sentence says how.
    """
    begun = time.process_time()
    try:
        target.run(data)
        taken = True
    except target.refusals as error:
        _judge_sentence(target, error)
        taken = False
    except Exception as error:
        msg = f"{target.name}: {type(error).__name__}: {str(error)[:300]}"
        raise FindingError(msg) from error
    took = time.process_time() - begun
    if took > seconds:
        msg = f"{target.name}: {took:.1f} s for {len(data)} bytes, at most {seconds} s are right"
        raise FindingError(msg)
    return taken


def _judge_sentence(target: Target, error: Exception) -> None:
    sentence = str(error)
    if not sentence.strip():
        msg = f"{target.name}: {type(error).__name__} without a sentence"
        raise FindingError(msg) from error
    if len(sentence) > SENTENCE_CHARS:
        msg = f"{target.name}: a sentence of {len(sentence)} characters: {sentence[:200]}"
        raise FindingError(msg) from error
    try:
        sentence.encode()
    except UnicodeEncodeError as wrong:
        msg = f"{target.name}: a sentence that is no UTF-8: {sentence[:200]!r}"
        raise FindingError(msg) from wrong
