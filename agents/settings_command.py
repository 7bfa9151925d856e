"""`rootline config`: print the effective configuration, secrets hidden."""

from typing import Any

import click
import orjson

from agents.options import json_option, settings_option
from agents.settings import Settings
from agents.terminal import say, say_json


@click.command()
@settings_option
@click.option("--defaults", is_flag=True, help="Print the defaults, whatever is configured.")
@json_option
def config(settings: Settings, *, defaults: bool, as_json: bool) -> None:
    """Print the effective configuration, secrets hidden."""
    effective = (Settings() if defaults else settings).redacted()
    if as_json:
        say_json(effective, orjson.OPT_INDENT_2)
        return
    say("\n".join(toml_lines(effective)))


def toml_lines(tree: dict[str, Any], table: str = "") -> list[str]:
    """Write plain data as TOML; what is unset is left out, as TOML has no word for it.

    >>> toml_lines({"kafka": {"bootstrap": "a:1", "x": None, "deep": {"on": True}}})
    ['[kafka]', 'bootstrap = "a:1"', '', '[kafka.deep]', 'on = true', '']
    """
    plain = {k: v for k, v in tree.items() if not isinstance(v, dict) and v is not None}
    lines = [f"[{table}]"] if table and (plain or not tree) else []
    lines += [f"{_key(name)} = {_value(value)}" for name, value in plain.items()]
    if lines:
        lines.append("")
    for name, value in tree.items():
        if isinstance(value, dict):
            lines += toml_lines(value, f"{table}.{_key(name)}" if table else _key(name))
    return lines


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else orjson.dumps(name).decode()


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, dict):
        pairs = (f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return "{ " + ", ".join(pairs) + " }"
    # JSON's texts, numbers and booleans are TOML's; except for DEL, which TOML wants escaped.
    return orjson.dumps(value).decode().replace("\x7f", "\\u007f")
