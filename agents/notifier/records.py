"""Incident records as they are read from the topic."""

import msgspec

from schemas.errors import SchemaError
from schemas.incident import SCHEMA_VERSION, Incident

_DECODER = msgspec.json.Decoder(Incident)


def decode_incident(value: bytes) -> Incident:
    """Read an incident.

    Raises:
        SchemaError: it is none, or of a schema this version does not know.
    """
    try:
        incident = _DECODER.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"this is no incident record: {str(error)[:200]}"
        raise SchemaError(msg) from error
    ours = SCHEMA_VERSION.split(".", 1)[0]
    if incident.schema_version.split(".", 1)[0] != ours:
        msg = (
            f"the incident has schema_version {incident.schema_version!r}, expected {ours}.x; "
            "use a notifier of the same version as the worker"
        )
        raise SchemaError(msg)
    return incident
