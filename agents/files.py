"""Which files the shell loads at start: the [model] and [graph] sections."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Where the ranker comes from."""

    path: Path | None = field(
        default=None,
        metadata={"doc": "File of a trained ranker; unset takes the one that is shipped."},
    )
    sha256: str = field(
        default="",
        metadata={"doc": "Checksum that the file must have (64 hex digits); empty accepts any."},
    )

    def __post_init__(self) -> None:
        if self.sha256 and (len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef")):
            msg = f"sha256 is {self.sha256!r}; expected 64 lower-case hex digits"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphFilesConfig:
    """Where known edges of the service graph come from, besides what is learnt from traffic."""

    files: tuple[Path, ...] = field(
        default=(),
        metadata={
            "doc": "Files of caller -> callee edges: own YAML/JSON, Backstage catalog, Jaeger or "
            "Zipkin dependencies, CSV; the form is recognised."
        },
    )
    max_file_bytes: int = field(
        default=32 * 1024 * 1024, metadata={"doc": "Largest graph file that is read."}
    )

    def __post_init__(self) -> None:
        if self.max_file_bytes <= 0:
            msg = f"max_file_bytes is {self.max_file_bytes}; expected a number above 0"
            raise ValueError(msg)
