"""Change events in our own dialect, plain or as CloudEvents.

`{"kind", "service" | "labels", "at", "title", "version", "author", "id"}`; docs/FORMATS.md has the
table. A change without an id gets one from its content, so that a repeat is the same change.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.change import Change, ChangeKind
from schemas.codecs.cloudevents import Headers, open_json
from schemas.codecs.instants import check_instant, read_instant
from schemas.codecs.json_text import as_object, as_text
from schemas.codecs.label_sets import check_labels, read_labels
from schemas.codecs.limits import DEFAULT_LIMITS, CodecLimits
from schemas.errors import SchemaError
from schemas.telemetry import Labels, labels_of

KIND_WORDS: dict[str, ChangeKind] = {
    "deploy": ChangeKind.DEPLOY,
    "deployment": ChangeKind.DEPLOY,
    "release": ChangeKind.DEPLOY,
    "rollout": ChangeKind.DEPLOY,
    "rollback": ChangeKind.DEPLOY,
    "config": ChangeKind.CONFIG,
    "configuration": ChangeKind.CONFIG,
    "flag": ChangeKind.FLAG,
    "feature_flag": ChangeKind.FLAG,
    "feature-flag": ChangeKind.FLAG,
    "scale": ChangeKind.SCALE,
    "scaling": ChangeKind.SCALE,
    "migration": ChangeKind.MIGRATION,
    "schema": ChangeKind.MIGRATION,
    "job": ChangeKind.JOB,
    "cronjob": ChangeKind.JOB,
}
"""Accepted spellings of a change's kind; any other word is `other`."""


def decode_change(
    value: bytes,
    headers: Headers = (),
    *,
    received_ms: int | None = None,
    limits: CodecLimits = DEFAULT_LIMITS,
) -> Change:
    """Decode one change.

    Args:
        value: the message.
        headers: its Kafka headers.
        received_ms: the record's Kafka timestamp, which stands in for `at` where neither the
            change nor its CloudEvents envelope has a time.
        limits: what one message may hold.
    """
    opened = open_json(value, headers, limits)
    document = as_object(opened.document, "the change")
    text = limits.annotation_value_chars
    kind = _kind(document)
    labels = _labels(document, limits)
    at_ms = _at(document, opened.time, received_ms)
    title = as_text(document.get("title"), "title", text)
    version = as_text(document.get("version"), "version", text)
    author = as_text(document.get("author"), "author", text)
    given = as_text(document.get("id"), "id", limits.label_value_chars)
    return Change(
        change_id=given or content_id([kind, labels, at_ms, title, version, author]),
        kind=kind,
        at_ms=at_ms,
        labels=labels,
        title=title,
        version=version,
        author=author,
    )


def content_id(parts: list[Any]) -> str:
    """Hash what a change says to 32 hexadecimal digits."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]


def _kind(document: Mapping[str, Any]) -> ChangeKind:
    word = as_text(document.get("kind"), "kind", 200).strip().lower()
    if not word:
        msg = (
            f"the change has no kind, expected one of {', '.join(ChangeKind)}:"
            " say what was changed"
        )
        raise SchemaError(msg)
    return KIND_WORDS.get(word, ChangeKind.OTHER)


def _labels(document: Mapping[str, Any], limits: CodecLimits) -> Labels:
    """`service` is a short way to write the label of that name."""
    found = document.get("labels")
    labels = dict(read_labels(found, "labels", limits)) if found is not None else {}
    service = as_text(document.get("service"), "service", limits.label_value_chars).strip()
    if service:
        labels["service"] = service
    if not labels:
        msg = "the change names no target, expected service or labels: say what was changed"
        raise SchemaError(msg)
    return check_labels(labels_of(labels), "labels", limits)


def _at(document: Mapping[str, Any], envelope_time: str, received_ms: int | None) -> int:
    at = document.get("at")
    if isinstance(at, int) and not isinstance(at, bool):
        return check_instant(at, "at")
    at_ms = read_instant(at, "at")
    if at_ms is None:
        at_ms = read_instant(envelope_time, "the CloudEvents time")
    if at_ms is None:
        at_ms = received_ms
    if at_ms is None:
        msg = "the change has no at, expected an RFC 3339 time or milliseconds since 1970: add it"
        raise SchemaError(msg)
    return at_ms
