"""Collects one recording: what the engine asks, what the published protocol asks, and baselines.

No answer is judged here.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from agents.evaluation.asked import Collected, Inquiry, Timed
from agents.evaluation.baseline_case import (
    Telemetry,
    baseline_case,
    rule_scores,
    telemetry_of,
)
from agents.evaluation.identity import identity_of
from agents.evaluation.judge import Protocol
from agents.evaluation.online import ask_online
from agents.given_window import given_window, question_of_window
from agents.offline import OfflineConfig
from agents.recordings import read_recording
from models.baselines.counts_forest import counts_of
from schemas.candidate import Ranker
from schemas.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to collect of recordings. Given onsets are moved by `onset_error_ms` (late above 0)."""

    online: bool = True
    published: bool = True
    baselines: bool = False
    onset_error_ms: int = 0
    config: OfflineConfig = OfflineConfig()  # noqa: RUF009 - frozen, so safe to share

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Name the protocols that are collected."""
        return (*(("online",) if self.online else ()), *(("published",) if self.published else ()))


def collect_folder(folder: Path, wanted: Wanted, rank: Ranker) -> Collected | None:
    """Collect a recording from its folder; None where nobody knows what was wrong in it."""
    return collect(read_recording(folder), wanted, rank)


def collect(recording: Recording, wanted: Wanted, rank: Ranker) -> Collected | None:
    """Collect a recording. `rank` answers the engine, which only decides what is a revision."""
    if recording.truth is None:
        return None
    identity = identity_of(recording)
    given = bool(recording.provenance.get("protocol"))
    # A healthy window's history is its neighbours' as well: online it would be heard many times.
    heard = wanted.online and not (identity.healthy and given)
    found = Collected(identity=identity, heard=heard)
    if heard:
        found = ask_online(recording, identity, wanted.config, rank)
    if wanted.published and given:
        recording = _mistaken(recording, int(wanted.onset_error_ms / identity.time_scale))
        question = question_of_window(recording, wanted.config)
        asked = Timed(asked_ms=given_window(recording).until_ms, question=question)
        found = replace(found, published=Inquiry(questions=(asked,)))
    if wanted.baselines and not identity.healthy:
        found = _with_baselines(recording, found, wanted.config)
    return found


def _mistaken(recording: Recording, error_ms: int) -> Recording:
    """Move the onset that the protocol gives, within its window and the recording."""
    given = dict(recording.provenance["protocol"])
    if error_ms and "onset_ms" in given:
        latest = int(given.get("window_end_ms", recording.end_ms)) - 1
        moved = int(given["onset_ms"]) + error_ms
        given["onset_ms"] = max(recording.start_ms + 1, min(moved, latest))
    return replace(recording, provenance={**recording.provenance, "protocol": given})


def _with_baselines(recording: Recording, found: Collected, config: OfflineConfig) -> Collected:
    telemetry = telemetry_of(recording, config)
    online, published = found.online, found.published
    if online is not None:
        # Our own onset: what the engine took for the incident's first alert.
        last = online.questions[-1]
        elapsed_ms = int(last.question.context.get("elapsed_s", 0.0) * 1000)
        onset_ms = last.question.at_ms - elapsed_ms
        online = _scored(telemetry, online, onset_ms=onset_ms, until_ms=last.question.at_ms)
    if published is not None:
        window = given_window(recording)
        published = _scored(
            telemetry,
            published,
            onset_ms=window.onset_ms,
            until_ms=window.until_ms,
            symptom=window.symptom,
        )
    return replace(found, online=online, published=published)


def _scored(
    telemetry: Telemetry, inquiry: Inquiry, *, onset_ms: int, until_ms: int, symptom: str = ""
) -> Inquiry:
    case = baseline_case(
        telemetry, inquiry.last, onset_ms=onset_ms, until_ms=until_ms, symptom=symptom
    )
    return replace(inquiry, scores=rule_scores(case), counts=counts_of(case))
