"""Recordings as folders: reads and writes what schemas/recording.py describes."""

import base64
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import orjson

from schemas.codecs.json_text import check_depth
from schemas.codecs.recordings import (
    metrics_from_npz,
    metrics_to_npz,
    spans_from_npz,
    spans_to_npz,
)
from schemas.errors import SchemaError
from schemas.recording import Fault, Message, Recording

FORMAT = 1
_MAX_BYTES = 1 << 30
_LARGEST = (1 << 53) - 1
_DEPTH = 64
_DAMAGE = (KeyError, TypeError, ValueError, OverflowError)
"""What wrong content raises when it is taken apart."""
T = TypeVar("T")
_STREAMS = ("alerts", "changes", "diagnostics")
_FILES = (
    "recording.json",
    *(f"{name}.jsonl" for name in _STREAMS),
    "metrics.npz",
    "spans.npz",
    "graph.json",
    "truth.json",
)


def write_recording(recording: Recording, folder: Path) -> None:
    """Write a recording into a folder, which is made; files that would be empty are left out.

    A recording that the folder held before is replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        (folder / name).unlink(missing_ok=True)
    head = {
        "format": FORMAT,
        "environment": recording.environment,
        "start_ms": recording.start_ms,
        "end_ms": recording.end_ms,
        "resolution_seconds": recording.resolution_seconds,
        "provenance": recording.provenance,
    }
    pretty = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    (folder / "recording.json").write_bytes(orjson.dumps(head, option=pretty))
    for name in _STREAMS:
        messages: tuple[Message, ...] = getattr(recording, name)
        if messages:
            lines = b"".join(_line(m) for m in messages)
            (folder / f"{name}.jsonl").write_bytes(lines)
    if recording.metrics is not None:
        (folder / "metrics.npz").write_bytes(metrics_to_npz(recording.metrics))
    if recording.spans is not None:
        (folder / "spans.npz").write_bytes(spans_to_npz(recording.spans))
    if recording.graph is not None:
        (folder / "graph.json").write_bytes(orjson.dumps(recording.graph, option=pretty))
    if recording.truth is not None:
        truth = {"faults": [asdict(f) for f in recording.truth]}
        (folder / "truth.json").write_bytes(orjson.dumps(truth, option=pretty))


def read_recording(folder: Path) -> Recording:
    """Read a recording from a folder.

    Raises:
        SchemaError: when it is no recording, or a file of it is damaged; names the file.
    """
    head = _json(folder / "recording.json")
    if head is None:
        msg = (
            f"{folder} holds no recording.json, expected a recording's folder; "
            "`rootline simulate FAULT --out DIR` makes one"
        )
        raise SchemaError(msg)
    if head.get("format") != FORMAT:
        found = repr(head.get("format"))[:80]
        msg = f"{folder}/recording.json has format {found}, expected {FORMAT}"
        raise SchemaError(msg)
    try:
        return Recording(
            environment=str(head["environment"]),
            start_ms=_whole(head["start_ms"]),
            end_ms=_whole(head["end_ms"]),
            resolution_seconds=float(head["resolution_seconds"]),
            provenance=dict(head["provenance"]),
            alerts=_messages(folder / "alerts.jsonl"),
            changes=_messages(folder / "changes.jsonl"),
            diagnostics=_messages(folder / "diagnostics.jsonl"),
            metrics=_columns(folder / "metrics.npz", metrics_from_npz),
            spans=_columns(folder / "spans.npz", spans_from_npz),
            graph=_json(folder / "graph.json"),
            truth=_truth(folder / "truth.json"),
        )
    except SchemaError:
        raise
    except _DAMAGE as error:
        msg = f"{folder}/recording.json is damaged ({_what(error)})"
        raise SchemaError(msg) from error


def _columns(path: Path, read: Callable[[bytes], T]) -> T | None:
    data = _bytes(path)
    if data is None:
        return None
    try:
        return read(data)
    except SchemaError as error:
        msg = f"{path} is damaged: {error}"
        raise SchemaError(msg) from error


def _truth(path: Path) -> tuple[Fault, ...] | None:
    content = _json(path)
    if content is None:
        return None
    try:
        return tuple(_fault(fault) for fault in content["faults"])
    except _DAMAGE as error:
        msg = f"{path} holds no faults ({_what(error)}); expected a list of them in `faults`"
        raise SchemaError(msg) from error


def _fault(row: dict[str, Any]) -> Fault:
    fault = Fault(**row)
    if not isinstance(fault.component, str) or not isinstance(fault.pattern, str):
        msg = "component and pattern have to be texts"
        raise TypeError(msg)
    return replace(fault, start_ms=_whole(fault.start_ms), end_ms=_whole(fault.end_ms))


def _whole(value: Any) -> int:
    """Read a whole number that can be written again."""
    number = int(value)
    if abs(number) > _LARGEST:
        msg = f"{str(value)[:40]} is no time in milliseconds"
        raise ValueError(msg)
    return number


def _what(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)[:200]


def _line(message: Message) -> bytes:
    """One message as a line; a value that is no JSON (or too deep) is kept as base64."""
    try:
        # Written anew, because a value may hold line ends between its tokens.
        value = orjson.loads(message.value)
        return orjson.dumps({"arrived_ms": message.arrived_ms, "value": value}) + b"\n"
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        raw = base64.b64encode(message.value).decode()
        return orjson.dumps({"arrived_ms": message.arrived_ms, "base64": raw}) + b"\n"


def _messages(path: Path) -> tuple[Message, ...]:
    data = _bytes(path)
    if data is None:
        return ()
    found: list[Message] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
            value = (
                base64.b64decode(row["base64"], validate=True)
                if "base64" in row
                else orjson.dumps(row["value"])
            )
            found.append(Message(arrived_ms=_whole(row["arrived_ms"]), value=value))
        except _DAMAGE as error:
            found_instead = _what(error)
            msg = (
                f"{path}:{number} is no message line ({found_instead}); expected arrived_ms, value"
            )
            raise SchemaError(msg) from error
    return tuple(found)


def _json(path: Path) -> dict[str, Any] | None:
    data = _bytes(path)
    if data is None:
        return None
    try:
        # What is deeper could be read and not written again.
        check_depth(data, _DEPTH)
        content = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        msg = f"{path} is no JSON ({error})"
        raise SchemaError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} holds {type(content).__name__}, expected an object"
        raise SchemaError(msg)
    return content


def _bytes(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    size = path.stat().st_size
    if size > _MAX_BYTES:
        msg = f"{path} has {size} bytes, expected at most {_MAX_BYTES}"
        raise SchemaError(msg)
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror})"
        raise SchemaError(msg) from error
