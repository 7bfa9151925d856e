"""JSON Schemas made from the dataclasses of this folder: pure, nothing is written here.

Descriptions are the classes' docstrings. `python -m agents.contracts.publish` writes the files in
`schemas/published/`, and a test keeps those equal to the code.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.incident import SCHEMA_VERSION, Incident

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INSTANT = re.compile(r".*_at|window_start|window_end")


def incident_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an `incidents` record.

    >>> incident_schema()["properties"]["revision"]
    {'type': 'integer'}
    """
    definitions = definitions_of([Incident], "#/$defs/{name}")
    incident = definitions.pop("Incident")
    return {
        "$schema": DIALECT,
        "$id": f"urn:rootline:incident:{SCHEMA_VERSION}",
        **incident,
        "$defs": definitions,
    }


def definitions_of(kinds: Sequence[type[Any]], reference: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of these dataclasses and of all that they contain, by class name.

    Args:
        kinds: the dataclasses.
        reference: how one schema refers to another, with `{name}` in it.
    """
    _, definitions = msgspec.json.schema_components(kinds, ref_template=reference)
    return {name: _tidy(schema) for name, schema in sorted(definitions.items())}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Put a docstring on one line, and say of RFC 3339 texts that they are."""
    tidy = dict(schema)
    if "description" in tidy:
        tidy["description"] = " ".join(tidy["description"].split())
    if "properties" in tidy:
        tidy["properties"] = {
            name: _instant(kind) if _INSTANT.fullmatch(name) else kind
            for name, kind in tidy["properties"].items()
        }
    return tidy


def _instant(kind: dict[str, Any]) -> dict[str, Any]:
    """Add the format to a text.

    >>> _instant({"anyOf": [{"type": "string"}, {"type": "null"}]})
    {'anyOf': [{'type': 'string', 'format': 'date-time'}, {'type': 'null'}]}
    """
    if kind.get("type") == "string":
        return {**kind, "format": "date-time"}
    if "anyOf" in kind:
        return {**kind, "anyOf": [_instant(each) for each in kind["anyOf"]]}
    return kind
