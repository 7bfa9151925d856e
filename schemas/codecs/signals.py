"""Our own internal dialect: one `signals` record is the JSON of one Signal dataclass."""

import re
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


# Such a number may need more than the 64 bits that can be written again; most records have none.
_LONG_NUMBER = re.compile(rb"[0-9]{19}")


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
                f"a signal of type {peek.type[:60]!r}, expected one of"
                f" {', '.join(sorted(_BY_TYPE))}; is a newer version writing to this topic?"
            )
            raise SchemaError(msg)
        signal: Signal = msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = (
            f"a signals record that does not decode ({str(error)[:200]});"
            " only Rootline writes this topic"
        )
        raise SchemaError(msg) from error
    if _LONG_NUMBER.search(value):
        _check_writable(signal)
    return signal


def _check_writable(signal: Signal) -> None:
    try:
        orjson.dumps(signal)
    except TypeError as error:
        msg = (
            "a signals record with a number beyond 64 bits, which cannot be saved;"
            " only Rootline writes this topic"
        )
        raise SchemaError(msg) from error
