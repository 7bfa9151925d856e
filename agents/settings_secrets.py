"""What is secret in the configuration, how it is read from a file, and how it is hidden.

A field is secret by `metadata={"secret": True}` or by its name. A secret's value is printed
nowhere: `shown` is the only way from a section to something printable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from agents.errors import SettingsError

HIDDEN = "(hidden)"
_MAX_SECRET_BYTES = 64 * 1024
_TELLING_CHARS = 12  # a shorter part of a URL is a word that may turn up anywhere
_SECRET_WORDS = ("token", "password", "secret", "webhook_url", "webhook_urls")


def is_secret(item: Field[Any]) -> bool:
    """Tell whether a dataclass field holds a secret."""
    if "secret" in item.metadata:
        return bool(item.metadata["secret"])
    return item.name.endswith(_SECRET_WORDS)


def read_secret(path: Path, key: str) -> str:
    """Read a secret from its file; the line break at the end is not part of it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_SECRET_BYTES + 1)
    except OSError as error:
        msg = f"{key} names {path}, which cannot be read: {error.strerror}"
        raise SettingsError(msg) from error
    if len(data) > _MAX_SECRET_BYTES:
        msg = (
            f"{key} names {path}, which holds more than {_MAX_SECRET_BYTES} bytes; is it a secret?"
        )
        raise SettingsError(msg)
    try:
        text = data.decode().strip()
    except UnicodeDecodeError as error:
        msg = f"{key} names {path}, which is not UTF-8 text"
        raise SettingsError(msg) from error
    if not text:
        msg = f"{key} names {path}, which is empty"
        raise SettingsError(msg)
    return text


def shown(value: Any, *, secret: bool = False) -> Any:
    """Turn a section (or a value of one) into plain data with its secrets hidden."""
    if secret and not isinstance(value, Mapping | tuple):
        return HIDDEN if value else value
    if is_dataclass(value) and not isinstance(value, type):
        return {
            item.name: shown(getattr(value, item.name), secret=is_secret(item))
            for item in fields(value)
        }
    if isinstance(value, Mapping):
        return {str(name): shown(item, secret=secret) for name, item in value.items()}
    if isinstance(value, tuple):
        return [shown(item, secret=secret) for item in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def secret_texts(value: Any, *, secret: bool = False) -> Iterator[str]:
    """Yield every secret text in a section, for what must be kept out of the logs."""
    if secret and isinstance(value, str):
        if value:
            yield from _forms(value)
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from secret_texts(getattr(value, item.name), secret=is_secret(item) or secret)
    elif isinstance(value, tuple):
        for item in value:
            yield from secret_texts(item, secret=secret)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_texts(item, secret=secret)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret, and what of it tells all: a webhook's URL is also logged as its path."""
    yield secret
    parts = urlsplit(secret)
    if not parts.scheme or not parts.netloc:
        return
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    pieces = [path, parts.password or "", *parts.path.split("/"), *_values(parts.query)]
    for piece in pieces:
        if len(piece) >= _TELLING_CHARS:
            yield piece
            yield unquote(piece)


def _values(query: str) -> list[str]:
    return [pair.partition("=")[2] for pair in query.split("&")]
