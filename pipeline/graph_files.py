"""Service graphs from files that people already have: pure text in, declared edges out.

Recognised: our own YAML/JSON, Backstage catalogues, Jaeger and Zipkin dependencies, CSV. Edges
come out caller -> callee whatever the file's own direction is.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any

from schemas.codecs.yaml_text import parse_yaml
from schemas.component import Component, ComponentKind
from schemas.errors import SchemaError
from schemas.signal import GraphEdge

_MAX_EDGES = 200_000
_EXPECTED = (
    "expected own YAML/JSON with `edges`, a Backstage catalogue, Jaeger or Zipkin dependencies, "
    "or CSV with the columns caller,callee"
)
_MISSHAPED = (
    AttributeError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    csv.Error,
)
_BACKSTAGE_KINDS = {
    "database": ComponentKind.DATABASE,
    "cache": ComponentKind.CACHE,
    "queue": ComponentKind.QUEUE,
    "topic": ComponentKind.QUEUE,
    "external": ComponentKind.EXTERNAL,
}


def read_graph(text: str, *, name: str) -> tuple[GraphEdge, ...]:
    """Read a graph file's text.

    Args:
        text: the content; its form is recognised by what it holds, a CSV by the file's name.
        name: the file's name, for messages and as the edges' source.

    Raises:
        SchemaError: says what was found and what is expected.
    """
    with _shaped(name):
        return _checked(_read(text, name), name)


def graph_edges(document: Mapping[str, Any], *, source: str) -> tuple[GraphEdge, ...]:
    """Read our own form: {"components": [{"name", "kind"}], "edges": [{"caller", "callee"}]}."""
    with _shaped(source):
        return _checked(_from_own(document, source), source)


@contextmanager
def _shaped(name: str) -> Iterator[None]:
    """Say in a sentence that a part of the file has not the type that its place asks for."""
    try:
        yield
    except SchemaError:
        raise
    except _MISSHAPED as error:
        msg = f"{name} has a part of the wrong type ({str(error)[:200]}); {_EXPECTED}"
        raise SchemaError(msg) from error


def _read(text: str, name: str) -> list[GraphEdge]:
    source = f"file:{name}"
    if name.lower().endswith(".csv"):
        return _from_csv(text, source)
    documents = _parse(text, name)
    if len(documents) == 1 and isinstance(documents[0], dict | list):
        edges = _from_document(documents[0], source)
        if edges is not None:
            return edges
    entities = [d for d in documents if isinstance(d, dict)]
    if entities and all("kind" in d and "metadata" in d for d in entities):
        return _from_backstage(entities, source)
    found = ", ".join(sorted({type(d).__name__ for d in documents})) or "nothing"
    msg = f"{name} holds {found} of no known form; {_EXPECTED}"
    raise SchemaError(msg)


def _parse(text: str, name: str) -> list[Any]:
    try:
        if text.lstrip()[:1] in {"{", "["}:
            return [json.loads(text)]
        return [d for d in parse_yaml(text) if d is not None]
    except (ValueError, RecursionError) as error:
        msg = f"{name} is neither JSON nor YAML ({str(error)[:400]}); {_EXPECTED}"
        raise SchemaError(msg) from error


def _from_document(document: Any, source: str) -> list[GraphEdge] | None:
    if isinstance(document, dict):
        if "edges" in document:
            return _from_own(document, source)
        if isinstance(document.get("data"), list):  # Jaeger wraps its list
            return _from_dependencies(document["data"], source)
        return None
    if all(isinstance(row, dict) and {"parent", "child"} <= row.keys() for row in document):
        return _from_dependencies(document, source)
    return None


def _from_own(document: Mapping[str, Any], source: str) -> list[GraphEdge]:
    rows = document.get("components") or []
    kinds = {_text(row, "name"): _kind(row.get("kind", "service")) for row in rows}

    def component(name: str) -> Component:
        return Component(name=name, kind=kinds.get(name, ComponentKind.SERVICE))

    return [
        GraphEdge(
            caller=component(_text(row, "caller")),
            callee=component(_text(row, "callee")),
            source=source,
            weight=float(row.get("weight", 1.0)),
        )
        for row in document["edges"]
    ]


def _from_dependencies(rows: Iterable[Mapping[str, Any]], source: str) -> list[GraphEdge]:
    return [
        GraphEdge(
            caller=Component(name=_text(row, "parent")),
            callee=Component(name=_text(row, "child")),
            source=source,
            weight=float(row.get("callCount", 1)),
        )
        for row in rows
    ]


def _from_csv(text: str, source: str) -> list[GraphEdge]:
    reader = csv.DictReader(io.StringIO(text))
    columns = set(reader.fieldnames or ())
    if not {"caller", "callee"} <= columns:
        shown = str(sorted(columns))[:200]
        msg = f"{source} has the columns {shown}, expected at least caller,callee"
        raise SchemaError(msg)
    return [
        GraphEdge(
            caller=Component(name=_text(row, "caller"), kind=_kind(row.get("caller_kind"))),
            callee=Component(name=_text(row, "callee"), kind=_kind(row.get("callee_kind"))),
            source=source,
            weight=float(row.get("weight") or 1.0),
        )
        for row in reader
    ]


def _from_backstage(entities: Iterable[Mapping[str, Any]], source: str) -> list[GraphEdge]:
    """`dependsOn` and `consumesApis` are calls; `dependencyOf` is a call the other way round."""
    entities = list(entities)
    components: dict[str, Component] = {}
    providers: dict[str, list[str]] = {}
    for entity in entities:
        name = _text(entity["metadata"], "name")
        spec = entity.get("spec") or {}
        components[name] = Component(
            name=name, kind=_BACKSTAGE_KINDS.get(str(spec.get("type")), ComponentKind.SERVICE)
        )
        for api in spec.get("providesApis") or ():
            providers.setdefault(_entity_name(api), []).append(name)
    pairs: list[tuple[str, str]] = []
    for entity in entities:
        name, spec = entity["metadata"]["name"], entity.get("spec") or {}
        pairs += [(name, _entity_name(ref)) for ref in spec.get("dependsOn") or ()]
        pairs += [(_entity_name(ref), name) for ref in spec.get("dependencyOf") or ()]
        for api in spec.get("consumesApis") or ():
            pairs += [(name, provider) for provider in providers.get(_entity_name(api), ())]
    return [
        GraphEdge(
            caller=components.get(caller, Component(name=caller)),
            callee=components.get(callee, Component(name=callee)),
            source=source,
        )
        for caller, callee in pairs
    ]


def _entity_name(reference: object) -> str:
    """Take the name out of a Backstage reference.

    >>> _entity_name("resource:default/orders-db"), _entity_name("orders-db")
    ('orders-db', 'orders-db')
    """
    return str(reference).rpartition(":")[2].rpartition("/")[2]


def _kind(value: object) -> ComponentKind:
    if not value:
        return ComponentKind.SERVICE
    try:
        return ComponentKind(str(value).lower())
    except ValueError as error:
        kinds = ", ".join(k.value for k in ComponentKind)
        msg = f"a component kind {repr(value)[:80]}, expected one of {kinds}"
        raise SchemaError(msg) from error


def _text(row: object, key: str) -> str:
    value = row.get(key) if isinstance(row, Mapping) else None
    if not isinstance(value, str) or not value.strip():
        msg = f"an entry {str(row)[:80]!r} without a text {key!r}; every entry needs one"
        raise SchemaError(msg)
    return value.strip()


def _checked(edges: Iterable[GraphEdge], name: str) -> tuple[GraphEdge, ...]:
    found = tuple(edges)
    odd = next((edge for edge in found if not isfinite(edge.weight) or edge.weight < 0), None)
    if odd is not None:
        msg = f"{name} has an edge of the weight {odd.weight}, expected a number of at least 0"
        raise SchemaError(msg)
    if len(found) > _MAX_EDGES:
        msg = f"{name} declares {len(found)} edges, expected at most {_MAX_EDGES}"
        raise SchemaError(msg)
    return found
