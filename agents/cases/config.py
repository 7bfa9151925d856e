"""The [cases] section: where operators' verdicts become cases, and how much is remembered."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesConfig:
    """The user's own part of the case library.

    Raises:
        ValueError: a number is out of range.
    """

    library_dir: Path | None = field(
        default=None,
        metadata={
            "doc": "Folder of your own cases; the worker writes verdicts into it. Unset: verdicts "
            "stay in their topic until a worker has one."
        },
    )
    group: str = field(
        default="rootline-verdicts", metadata={"doc": "Consumer group that reads the verdicts."}
    )
    asked_incidents: int = field(
        default=512,
        metadata={"doc": "Incidents whose last question the engine holds until it is written."},
    )
    kept_incidents: int = field(
        default=5_000,
        metadata={"doc": "Incidents whose last question is at hand when a verdict comes."},
    )
    max_file_bytes: int = field(
        default=256 * 1024 * 1024, metadata={"doc": "Largest file of cases that is read."}
    )

    def __post_init__(self) -> None:
        for name in ("asked_incidents", "kept_incidents", "max_file_bytes"):
            if getattr(self, name) <= 0:
                msg = f"cases.{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
