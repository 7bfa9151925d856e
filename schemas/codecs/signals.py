"""Our own internal dialect: one `signals` record is the JSON of one Signal dataclass."""

from dataclasses import dataclass

import msgspec
import orjson

from schemas.errors import SchemaError
from schemas.signal import AlertSignal, ChangeSignal, Signal, TelemetrySignal, TickSignal

_BY_TYPE: dict[str, type[Signal]] = {
    "alert": AlertSignal,
    "change": ChangeSignal,
    "telemetry": TelemetrySignal,
    "tick": TickSignal,
}


@dataclass(frozen=True, slots=True)
class _Peek:
    type: str


def encode_signal(signal: Signal) -> bytes:
    """Return the record value of a signal; equal signals give equal bytes."""
    return orjson.dumps(signal)


def decode_signal(value: bytes) -> Signal:
    """Decode a record value.

    Raises:
        SchemaError: when it is no JSON, of no known type, or a field is missing or ill-typed.
    """
    try:
        peek = msgspec.json.decode(value, type=_Peek)
        kind = _BY_TYPE.get(peek.type)
        if kind is None:
            msg = (
                f"a signal of type {peek.type!r}, expected one of {', '.join(sorted(_BY_TYPE))}; "
                "is a newer version writing to this topic?"
            )
            raise SchemaError(msg)
        signal: Signal = msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError as error:
        msg = f"a signals record that does not decode ({error}); only Rootline writes this topic"
        raise SchemaError(msg) from error
    return signal
