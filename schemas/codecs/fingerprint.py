"""Alertmanager's fingerprint of a label set, for the bridges that drop it."""

import re

from schemas.telemetry import Labels

_OFFSET = 14695981039346656037
_PRIME = 1099511628211
_MASK = (1 << 64) - 1
_SIXTEEN_HEX = re.compile(r"[0-9a-fA-F]{16}", re.ASCII)


def fingerprint_of(labels: Labels) -> str:
    """Hash labels by FNV-1a 64 over name, 0xFF, value, 0xFF, names sorted bytewise.

    >>> fingerprint_of((("job", "foo"), ("severity", "warning"))), fingerprint_of(())
    ('9266ef3da838ad95', 'cbf29ce484222325')
    """
    pairs = sorted((name.encode(), value.encode()) for name, value in labels)
    state = _OFFSET
    for byte in b"".join(name + b"\xff" + value + b"\xff" for name, value in pairs):
        state = ((state ^ byte) * _PRIME) & _MASK
    return f"{state:016x}"


def is_fingerprint(text: str) -> bool:
    """Whether text has the form of a fingerprint: 16 hexadecimal digits."""
    return bool(_SIXTEEN_HEX.fullmatch(text))
