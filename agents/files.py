"""Which files the shell loads at start: the [model] and [graph] sections, and their reading."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from agents.errors import SettingsError

_MAX_MODEL_BYTES = 16 * 1024 * 1024


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


def read_model(config: ModelConfig) -> bytes | None:
    """Read the configured ranker and check its checksum; None means the one that is shipped.

    Raises:
        SettingsError: the file cannot be read, is too large, or is not the expected one.
    """
    if config.path is None:
        return None
    data = _read(config.path, _MAX_MODEL_BYTES, "model.path")
    found = hashlib.sha256(data).hexdigest()
    if config.sha256 and found != config.sha256:
        msg = (
            f"model.path names {config.path} with the SHA-256 {found}; expected {config.sha256} "
            "(model.sha256): fetch the right file or correct the checksum"
        )
        raise SettingsError(msg)
    return data


def read_graph_files(config: GraphFilesConfig) -> dict[str, bytes]:
    """Read the configured graph files, by name in the order given.

    Raises:
        SettingsError: a file cannot be read, is too large, or two have the same name.
    """
    found: dict[str, bytes] = {}
    for path in config.files:
        if path.name in found:
            msg = f"graph.files names two files called {path.name}; rename one of them"
            raise SettingsError(msg)
        found[path.name] = _read(path, config.max_file_bytes, "graph.files")
    return found


def _read(path: Path, limit: int, key: str) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        msg = f"{key} names {path}, which cannot be read: {error.strerror}"
        raise SettingsError(msg) from error
    if len(data) > limit:
        msg = f"{key} names {path}, which is larger than {limit} bytes"
        raise SettingsError(msg)
    return data
