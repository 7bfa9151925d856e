"""A change: a deploy, a configuration change, a flag, a scaling, a migration, a job run."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.telemetry import Labels


class ChangeKind(StrEnum):
    """What was changed."""

    DEPLOY = "deploy"
    CONFIG = "config"
    FLAG = "flag"
    SCALE = "scale"
    MIGRATION = "migration"
    JOB = "job"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change as decoded. `labels` hold what names its target (service, pod, ...)."""

    change_id: str
    kind: ChangeKind
    at_ms: int
    labels: Labels
    title: str = ""
    version: str = ""
    author: str = ""
