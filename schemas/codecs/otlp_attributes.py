"""Which OTLP attributes are kept, under which name, and the memo that decodes each one once.

Attributes repeat from row to row, so a look-up by their raw bytes replaces decoding. The memos are
bounded and hold pure results.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from schemas.codecs.label_sets import check_labels, sorted_labels
from schemas.codecs.limits import CodecLimits
from schemas.codecs.statements import normalise_statement
from schemas.telemetry import Labels

Pair = tuple[str, str]
ParsePair = Callable[[bytes], tuple[str, object]]

KEPT_ATTRIBUTES: tuple[tuple[str, str], ...] = (
    ("peer.service", "peer.service"),
    ("server.address", "server.address"),
    ("net.peer.name", "server.address"),
    ("server.port", "server.port"),
    ("net.peer.port", "server.port"),
    ("network.peer.address", "network.peer.address"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.peer.ip", "network.peer.address"),
    ("url.full", "url.host"),
    ("http.url", "url.host"),
    ("http.host", "url.host"),
    ("db.system.name", "db.system.name"),
    ("db.system", "db.system.name"),
    ("db.namespace", "db.namespace"),
    ("db.name", "db.namespace"),
    ("db.query.text", "db.query.text"),
    ("db.statement", "db.query.text"),
    ("db.query.summary", "db.query.summary"),
    ("db.operation.name", "db.operation.name"),
    ("db.operation", "db.operation.name"),
    ("db.collection.name", "db.collection.name"),
    ("db.sql.table", "db.collection.name"),
    ("db.user", "db.user"),
    ("db.client.connection.pool.name", "pool.name"),
    ("pool.name", "pool.name"),
    ("db.response.status_code", "db.response.status_code"),
    ("messaging.system", "messaging.system"),
    ("messaging.destination.name", "messaging.destination.name"),
    ("messaging.destination", "messaging.destination.name"),
    ("messaging.operation.type", "messaging.operation.type"),
    ("messaging.operation", "messaging.operation.type"),
    ("messaging.consumer.group.name", "messaging.consumer.group.name"),
    ("messaging.kafka.consumer.group", "messaging.consumer.group.name"),
    ("rpc.system.name", "rpc.system"),
    ("rpc.system", "rpc.system"),
    ("rpc.service", "rpc.service"),
    ("rpc.method", "rpc.method"),
    ("rpc.response.status_code", "rpc.grpc.status_code"),
    ("rpc.grpc.status_code", "rpc.grpc.status_code"),
    ("http.request.method", "http.request.method"),
    ("http.method", "http.request.method"),
    ("http.route", "http.route"),
    ("http.response.status_code", "http.response.status_code"),
    ("http.status_code", "http.response.status_code"),
    ("http.request.resend_count", "http.request.resend_count"),
    ("error.type", "error.type"),
    ("exception.type", "exception.type"),
)
"""Span attributes kept, by their name on the wire, with the name of the current conventions.

They identify peers, operations, statements and failures. Of a URL only the host is kept, of a
statement only its form.
"""

DROPPED_RESOURCE_ATTRIBUTES = (
    "telemetry.",
    "os.",
    "process.command",
    "process.executable",
    "process.runtime",
    "process.owner",
    "process.parent_pid",
)
"""Resource attributes that identify nothing and are long or change at every start."""

_CANONICAL = dict(KEPT_ATTRIBUTES)
MEMO_ENTRIES = 16_384
MEMO_KEY_BYTES = 1024


class PairMemo(dict[bytes, Pair | None]):
    """Raw KeyValue -> (name, text), None for what is not kept. Misses decode."""

    def __init__(self, parse: ParsePair, keep: Callable[[str, object], Pair | None]) -> None:
        super().__init__()
        self._parse = parse
        self._keep = keep

    def __missing__(self, raw: bytes) -> Pair | None:
        pair = self._keep(*self._parse(raw))
        if len(raw) <= MEMO_KEY_BYTES:
            if len(self) >= MEMO_ENTRIES:
                self.clear()
            self[raw] = pair
        return pair


def span_pair(name: str, value: object) -> Pair | None:
    """Keep what KEPT_ATTRIBUTES lists, under its current name.

    >>> span_pair("db.statement", "SELECT 1"), span_pair("thread.id", 7)
    (('db.query.text', 'SELECT ?'), None)
    """
    canonical = _CANONICAL.get(name)
    text = text_of(value) if canonical else None
    if canonical is None or not text:
        return None
    if canonical == "db.query.text":
        text = normalise_statement(text)
    elif canonical == "url.host":
        text = _host(text)
    return (canonical, text) if text else None


def resource_pair(name: str, value: object) -> Pair | None:
    """Keep every scalar resource attribute that identifies something."""
    if name.startswith(DROPPED_RESOURCE_ATTRIBUTES):
        return None
    return point_pair(name, value)


def point_pair(name: str, value: object) -> Pair | None:
    """Keep every attribute of a data point that has a text.

    >>> point_pair("cpu", 3), point_pair("tags", ["a", "b"]), point_pair("", "x")
    (('cpu', '3'), ('tags', 'a,b'), None)
    """
    text = text_of(value)
    return (name, text) if name and text else None


def text_of(value: object) -> str | None:
    """Write an attribute's value as text; None where it has none.

    >>> text_of(True), text_of(1.5), text_of(None)
    ('true', '1.5', None)
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case list():
            return ",".join(text_of(each) or "" for each in value)
        case _:
            return None


def freeze(pairs: tuple[Pair, ...], where: str, limits: CodecLimits) -> Labels:
    """Sort pairs into labels within the limits."""
    return check_labels(sorted_labels(pairs), where, limits)


def _host(url: str) -> str:
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""
