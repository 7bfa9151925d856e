"""What an evaluation is asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agents.evaluation.judge import Protocol
from agents.evaluation.pool import Done
from agents.evaluation.subject import Subject
from agents.offline import OfflineConfig

Stage = Callable[[str, int], Done]
"""Told of a stage and its number of steps; what it returns is called after each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for. `train_on` and `cross_validate` replace the subject's own ranker."""

    recordings: tuple[Path, ...]
    subject: Subject
    config: OfflineConfig
    train_on: tuple[Path, ...] = ()
    cross_validate: int | None = None
    fold_by: str = "group"
    with_library: bool = False
    splits: tuple[str, ...] = ()
    folds: int = 10
    protocols: tuple[Protocol, ...] = ("online", "published")
    baselines: bool = False
    storms: bool = False
    perturb: int = 0
    without: tuple[str, ...] = ()
    onset_error_s: float = 0.0
    jobs: int = 1

    @property
    def trains(self) -> bool:
        """Say whether the ranker under test is trained here."""
        return bool(self.train_on) or self.cross_validate is not None

    @property
    def described(self) -> str:
        """Name the ranker under test."""
        if not self.trains:
            return self.subject.version
        how = (
            f"cross-validated by {self.fold_by} in {self.cross_validate} folds"
            if self.cross_validate is not None
            else "trained on --train-on"
        )
        return f"{how}, with the library" if self.with_library else how
