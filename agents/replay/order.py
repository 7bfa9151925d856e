"""What a replay from Kafka is to rebuild, and from what."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from agents.settings import Settings


class Source(StrEnum):
    """What incidents are rebuilt from."""

    SIGNALS = "signals"
    INPUTS = "inputs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to rebuild, and from what. `out` is where a recording of the inputs goes."""

    since_ms: int
    until_ms: int | None = None
    warmup_ms: int
    environment: str = ""
    source: Source = Source.SIGNALS
    out: Path | None = None

    @property
    def read_from_ms(self) -> int:
        """Where reading begins: baselines and open groups need a past."""
        return max(0, self.since_ms - self.warmup_ms)


def usual_warmup_ms(settings: Settings) -> int:
    """How much of the past an answer reads, at most: baselines, changes, late and flapping alerts.

    >>> usual_warmup_ms(Settings()) // 60_000
    30
    """
    evidence, watermark = settings.pipeline.evidence, settings.pipeline.watermark
    baselines = evidence.baseline_seconds + evidence.baseline_gap_seconds + evidence.window_seconds
    longest = max(baselines, evidence.change_seconds, watermark.late_seconds)
    return round(longest * 1000)
