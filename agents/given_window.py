"""A recording asked about at the window that its benchmark's published protocol gives."""

from dataclasses import replace
from typing import Any

from agents.errors import RootlineError
from agents.offline import OfflineConfig, OfflineRun, signals_of
from models.rules import RuleRanker
from pipeline.engine import Engine
from pipeline.given_window import GivenWindow
from schemas.candidate import Question
from schemas.recording import Recording

_SETTLE_MS = 35_000
"""A pane is told a while after its end; what arrives within this still belongs to the window."""
_NEVER_SECONDS = 1e7
_LONGEST_SECONDS = 1800.0
"""Of a longer window the end is read."""


class NoProtocolError(RootlineError):
    """The recording's provenance gives no window to ask about."""


def question_of_window(recording: Recording, config: OfflineConfig | None = None) -> Question:
    """Feed the recording up to its protocol's window and ask about everybody there.

    Raises:
        NoProtocolError: its provenance has no `protocol` with `onset_ms` and `window_end_ms`.
    """
    window = given_window(recording)
    config = _only_asked(config or OfflineConfig(), window)
    engine = Engine(recording.environment, config.pipeline, RuleRanker())
    for arrived_ms, environment, signal in signals_of(recording, config, OfflineRun()):
        if arrived_ms > window.until_ms + _SETTLE_MS:
            break
        if environment == recording.environment:
            engine.handle(signal, arrived_ms)
    engine.advance(window.until_ms + _SETTLE_MS)
    return engine.question_of(window)


def _only_asked(config: OfflineConfig, window: GivenWindow) -> OfflineConfig:
    """Read the whole window, and let no incident open: its questions would cost time."""
    evidence = config.pipeline.evidence
    seconds = (window.until_ms - window.onset_ms) / 1000
    seconds = min(max(evidence.window_seconds, seconds), _LONGEST_SECONDS)
    firing = replace(
        config.pipeline.firing,
        early_seconds=_NEVER_SECONDS,
        evaluate_seconds=_NEVER_SECONDS,
        min_interval_seconds=_NEVER_SECONDS,
    )
    evidence = replace(evidence, window_seconds=seconds)
    return replace(config, pipeline=replace(config.pipeline, evidence=evidence, firing=firing))


def given_window(recording: Recording) -> GivenWindow:
    """Read the protocol of a recording's provenance."""
    protocol: dict[str, Any] = recording.provenance.get("protocol") or {}
    try:
        onset_ms, until_ms = int(protocol["onset_ms"]), int(protocol["window_end_ms"])
    except (KeyError, TypeError, ValueError):
        msg = (
            f"the recording's provenance has no protocol with onset_ms and window_end_ms, found "
            f"{sorted(protocol)}; only imported benchmarks have one"
        )
        raise NoProtocolError(msg) from None
    return GivenWindow(
        onset_ms=onset_ms,
        until_ms=until_ms,
        symptom=str(protocol.get("symptom") or ""),
        candidates=tuple(sorted(str(c) for c in protocol.get("candidates") or ())),
    )
