"""YAML text to plain objects: safe types only, and bounded before anything is built.

Under the pattern catalogue and the graph files. Invariant: whatever the text is, `SchemaError` is
all that is raised; in particular no nesting reaches the parser's own recursion, which would end
the process, and no alias stands for more than itself.
"""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from schemas.errors import SchemaError

DEPTH_LIMIT: Final = 64
"""Deepest nesting that is read; files that people write have fewer than ten levels."""
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""What yaml.safe_load does, by libyaml where it is there: 10,000 lines in 0.1 s instead of 0.7."""


def parse_yaml(text: str | bytes) -> list[Any]:
    r"""Parse every document of a text.

    >>> parse_yaml("a: [1, x]")
    [{'a': [1, 'x']}]
    >>> parse_yaml("a: &one [1]\nb: *one")
    Traceback (most recent call last):
    schemas.errors.SchemaError: YAML aliases are not read (line 2): write the values out
    """
    try:
        _check(text)
        return list(_documents(text))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        if isinstance(error, SchemaError):
            raise
        # Implicit types may not hold what they look like: 2026-99-99, a number of 5000 digits.
        msg = f"not YAML ({str(error)[:300]}): correct it"
        raise SchemaError(msg) from error


def _documents(text: str | bytes) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_data():
            yield loader.get_data()
    finally:
        loader.dispose()


def _check(text: str | bytes) -> None:
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.AliasEvent):
            mark = event.start_mark
            place = f" (line {mark.line + 1})" if mark else ""
            msg = f"YAML aliases are not read{place}: write the values out"
            raise SchemaError(msg)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT:
            msg = f"YAML nested more than {DEPTH_LIMIT} deep is not read: flatten it"
            raise SchemaError(msg)
