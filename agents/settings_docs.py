"""Writes docs/CONFIG.md from the sections' fields; a test keeps the file equal to the code.

Refresh it with `python -m agents.settings_docs > docs/CONFIG.md`.
"""

import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from agents.settings import Settings
from agents.settings_secrets import is_secret

_PREAMBLE = """\
# Configuration

Everything has a default. `rootline config` prints what is in force, `rootline config --defaults`
the defaults.

Values come from one TOML file (`--config FILE`, else `ROOTLINE_CONFIG`, else `rootline.toml` in
the working folder) and from the environment, which wins: `ROOTLINE_<SECTION>__<KEY>`, deeper
tables with further `__`, for example `ROOTLINE_PIPELINE__GROUPING__GAP_SECONDS`.
`ROOTLINE_BOOTSTRAP` is short for `ROOTLINE_KAFKA__BOOTSTRAP`. In the environment lists are
separated by commas, or are JSON as tables are. Relative paths count from the folder of the TOML
file, those in the environment from the working folder. Unknown keys are refused.

Keys marked *secret* are printed and logged nowhere. Each can be read from a file instead: leave
the key out and give the same name with `_file` a path (`token_file = "/run/secrets/token"`). A
list of secrets is read from one file, a word each; a table of them from a table of paths
(`[notifier.webhook_urls_file]`).

This page is generated: `python -m agents.settings_docs > docs/CONFIG.md`.
"""


def config_page() -> str:
    """The text of docs/CONFIG.md."""
    parts = [_PREAMBLE]
    for item in fields(Settings):
        parts.extend(_section(item.name, type(getattr(Settings(), item.name))))
    return "\n".join(parts)


def undocumented() -> list[str]:
    """Keys whose field has no sentence in `metadata["doc"]`; a test holds this empty."""
    return [
        f"{section}.{item.name}"
        for top in fields(Settings)
        for section, kind in _tables(top.name, type(getattr(Settings(), top.name)))
        for item, hint in _keys(kind)
        if not is_dataclass(hint) and not item.metadata.get("doc")
    ]


def _section(name: str, kind: type[Any]) -> Iterator[str]:
    for table, inner in _tables(name, kind):
        rows = [_row(item, hint) for item, hint in _keys(inner)]
        rows = [row for row in rows if row]
        if not rows:
            continue
        yield f"## [{table}]\n"
        yield f"{_summary(inner)}\n"
        yield "| key | type | default | meaning |\n|---|---|---|---|"
        yield "\n".join(rows) + "\n"


def _tables(name: str, kind: type[Any]) -> Iterator[tuple[str, type[Any]]]:
    """A section and the tables inside it, outer before inner."""
    yield name, kind
    for item, hint in _keys(kind):
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _tables(f"{name}.{item.name}", hint)
        elif (inner := _item_table(hint)) is not None:
            yield from _tables(f"[{name}.{item.name}]", inner)


def _keys(kind: type[Any]) -> Iterator[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return ((item, hints[item.name]) for item in fields(kind))


def _item_table(hint: Any) -> type[Any] | None:
    """The dataclass of a list of tables, if `hint` is one."""
    inner = get_args(hint)[0] if get_origin(hint) is tuple else None
    return inner if isinstance(inner, type) and is_dataclass(inner) else None


def _row(item: Field[Any], hint: Any) -> str:
    if is_dataclass(hint):
        return ""
    doc = str(item.metadata.get("doc", "")).replace("|", "\\|")
    mark = " *secret*" if is_secret(item) else ""
    return f"| `{item.name}` | {_type(hint)}{mark} | {_default(item)} | {doc} |"


def _summary(kind: type[Any]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def _default(item: Field[Any]) -> str:
    """The default, written as in TOML."""
    value = item.default_factory() if callable(item.default_factory) else item.default
    if not isinstance(value, bool | int | float | str | Path | Enum | tuple | Mapping | None):
        return "required"
    return "unset" if value is None else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if is_dataclass(value):
        pairs = {i.name: getattr(value, i.name) for i in fields(value)}
        return _toml({name: item for name, item in pairs.items() if item is not None})
    if isinstance(value, Enum):
        return _toml(value.value)
    if isinstance(value, int | float):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"'


_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", Path: "path"}


def _type(hint: Any) -> str:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(item) for item in get_args(hint) if item is not type(None))
    if origin is Literal:
        return " \\| ".join(f"`{choice}`" for choice in get_args(hint))
    if origin is tuple:
        inner = get_args(hint)[0]
        return f"list of {'tables' if is_dataclass(inner) else _type(inner)}"
    if origin is not None:
        return f"table of {_type(get_args(hint)[1])}"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " \\| ".join(f"`{member.value}`" for member in hint)
    return _WORDS[hint]


if __name__ == "__main__":
    sys.stdout.write(config_page())
