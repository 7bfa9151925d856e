"""What a span's attributes say: whom it talks to, how it failed, what it asked for.

Pure; the span reader memoises it per attribute set.
"""

import re
from dataclasses import dataclass
from enum import IntFlag

from schemas.codecs.statements import normalise_statement
from schemas.component import Component
from schemas.resolve import Resolver
from schemas.telemetry import Labels, SpanKind


class Mark(IntFlag):
    """What is told apart about a span beyond its kind and status."""

    NONE = 0
    TIMEOUT = 1
    REFUSED = 2  # refused or reset
    TLS = 4
    FAILED = 8  # failed by its status code, whatever its status says
    CALLER_FAULT = 16  # a client span's 4xx: an error of the caller, not of the callee
    WAIT = 32  # waits for a pool or a lock


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFacts:
    """What spans of one kind with one attribute set have in common."""

    peer: Component | None
    marks: Mark
    statement: str
    failure: str


_FAILURE_ATTRIBUTES = ("error.type", "exception.type", "exception.message", "error.message")
_TIMEOUT = re.compile(r"time[d ]*-?_?out|deadline", re.IGNORECASE)
_REFUSED = re.compile(
    r"refused|connection[_ ]?reset|econn|broken ?pipe|no route|unreachable"
    r"|too[_ ]many[_ ]connections|connectexception|connect[_ ]?error|connectionerror",
    re.IGNORECASE,
)
_TLS = re.compile(r"tls|ssl|certificate|x509|handshake", re.IGNORECASE)
_WAIT = re.compile(r"acquire|wait|borrow|check[_ ]out|get[_ ]?connection", re.IGNORECASE)
_WAITED_FOR = re.compile(r"pool|connection|lock|mutex|semaphore|permit", re.IGNORECASE)
_DATABASE_FULL = frozenset({"1040", "08004", "53300"})
"""MySQL's and PostgreSQL's codes for "too many connections"."""
_GRPC_TIMEOUT, _GRPC_UNAVAILABLE = "4", "14"
_GRPC_SERVER_FAULTS = frozenset(
    {
        *("2", "4", "12", "13", "14", "15"),
        *("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"),
    }
)


def waits(name: str) -> bool:
    """Say whether an internal span of this name waits for a pool or a lock.

    >>> waits("pool.acquire"), waits("HikariPool getConnection"), waits("render page")
    (True, True, False)
    """
    return bool(_WAIT.search(name) and _WAITED_FOR.search(name))


def facts_of(kind: SpanKind, attributes: Labels, resolver: Resolver) -> SpanFacts:
    """Read the attributes of a span of some kind."""
    said: dict[str, str] = {}
    for name, value in attributes:
        said.setdefault(name, value)
    marks, failure = _failure(kind, said)
    if kind in (SpanKind.INTERNAL, SpanKind.UNSPECIFIED) and "pool.name" in said:
        marks |= Mark.WAIT
    statement = said.get("db.query.text") or said.get("db.query.summary") or ""
    if not statement and "db.operation.name" in said:
        statement = f"{said['db.operation.name']} {said.get('db.collection.name', '')}".strip()
    return SpanFacts(
        peer=resolver.peer(attributes, kind),
        marks=marks,
        statement=normalise_statement(statement),
        failure=failure,
    )


def _failure(kind: SpanKind, said: dict[str, str]) -> tuple[Mark, str]:
    text = " ".join(said[name] for name in _FAILURE_ATTRIBUTES if name in said)
    http = said.get("http.response.status_code") or said.get("http.status_code") or ""
    grpc = said.get("rpc.grpc.status_code", "")
    marks = Mark.NONE
    if (
        _TIMEOUT.search(text)
        or http in ("504", "408")
        or grpc in (_GRPC_TIMEOUT, "DEADLINE_EXCEEDED")
    ):
        marks |= Mark.TIMEOUT
    if _TLS.search(text):
        marks |= Mark.TLS
    # 503 is left out: a callee that sheds load answers it, and so did accept the connection.
    elif (
        _REFUSED.search(text)
        or grpc in (_GRPC_UNAVAILABLE, "UNAVAILABLE")
        or said.get("db.response.status_code") in _DATABASE_FULL
    ):
        marks |= Mark.REFUSED
    if (len(http) == 3 and http[0] == "5") or grpc in _GRPC_SERVER_FAULTS:
        marks |= Mark.FAILED
    elif (
        kind is SpanKind.CLIENT
        and len(http) == 3
        and http[0] == "4"
        and http not in ("408", "429")
    ):
        marks |= Mark.CALLER_FAULT
    failure = said.get("error.type") or said.get("exception.type") or ""
    if not failure and marks & Mark.FAILED:
        failure = f"HTTP {http}" if http else f"gRPC {grpc}"
    return marks, failure[:200]
