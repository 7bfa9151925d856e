"""Turns a tree of raw values (TOML, environment) into one frozen dataclass, by its annotations.

Types are checked, unknown keys refused with the nearest known one, and secrets read from `*_file`
keys. Every error is one sentence that names the key and where its value came from; a secret's
value never gets into one.
"""

import difflib
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from agents.errors import SettingsError
from agents.settings_secrets import HIDDEN, is_secret, read_secret

T = TypeVar("T")
Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """A value that came as text from an environment variable, to be read by the wanted type."""

    variable: str
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its dotted key, the file it came from, and the folder of that file."""

    key: str
    file: str = ""
    folder: Path = Path()
    secret: bool = False

    def below(self, name: str) -> "Place":
        """The place of a key inside this one."""
        return replace(self, key=f"{self.key}.{name}" if self.key else name)

    def wrong(self, value: object, expected: str) -> SettingsError:
        """The sentence about a value of the wrong kind."""
        found, origin = value, f" in {self.file}" if self.file else ""
        if isinstance(value, Text):
            found, origin = value.text, f" in the environment variable {value.variable}"
        shown = HIDDEN if self.secret else _shortened(found)
        return SettingsError(f"{self.key} is {shown}{origin}; expected {expected}")


def build(kind: type[T], tree: Mapping[str, Any], place: Place) -> T:
    """Build the dataclass `kind` from a tree of raw values; what is absent takes its default."""
    known = {item.name: item for item in fields(cast("Any", kind))}
    secrets = {name for name, item in known.items() if is_secret(item)}
    hints = get_type_hints(kind)
    files = {f"{name}_file" for name in secrets}
    given: Tree = {}
    for name, value in tree.items():
        if name in known:
            where = replace(place.below(name), secret=name in secrets)
            given[name] = convert(hints[name], value, where)
        elif name not in files:
            raise _unknown(name, value, sorted({*known, *files}), place)
    for name in sorted(secrets):
        if f"{name}_file" not in tree:
            continue
        if get_origin(hints[name]) is Mapping:
            given[name] = _from_files(given.get(name, {}), name, tree, place)
        else:
            given[name] = _from_file(hints[name], name, tree, place)
    return _construct(kind, given, secrets, place)


def convert(hint: Any, value: Any, place: Place) -> Any:
    """Check one raw value against its annotation and return it in that type."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _optional(hint, value, place)
    if origin is Literal:
        return _one_of(get_args(hint), value, place)
    if origin is tuple:
        return _tuple(get_args(hint)[0], value, place)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(get_args(hint)[1], value, place)
    if is_dataclass(hint):
        raw = _parsed(value, "{", place, "a table")
        if not isinstance(raw, Mapping):
            raise place.wrong(value, "a table")
        return build(cast("type[Any]", hint), raw, place)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_one_of(tuple(member.value for member in hint), value, place))
    return _SCALARS[hint](value, place)


def texts(value: object) -> list[str]:
    """The non-empty texts inside a secret's value (one text, or several)."""
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) and value else []


def _construct(kind: type[T], given: Tree, secrets: set[str], place: Place) -> T:
    """Call the dataclass; what its own checks say gets the place and loses the secrets."""
    for item in fields(cast("Any", kind)):
        required = item.default is MISSING and item.default_factory is MISSING
        if required and item.name not in given:
            doc = item.metadata.get("doc", "")
            msg = f"{place.below(item.name).key} is missing; it has to be given: {doc}"
            raise SettingsError(msg)
    try:
        return kind(**given)
    except ValueError as error:
        sentence = str(error)
    for name in sorted(secrets & set(given)):
        for text in texts(given[name]):
            sentence = sentence.replace(text, HIDDEN)
    prefix = "" if not place.key or sentence.startswith(place.key) else f"[{place.key}] "
    msg = f"{prefix}{sentence}"
    raise SettingsError(msg)


def _unknown(name: str, value: object, known: list[str], place: Place) -> SettingsError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    table = f"[{place.key}]" if place.key else "the configuration"
    origin = f" ({place.file})" if place.file else ""
    if isinstance(value, Text):
        origin = f" (environment variable {value.variable})"
    return SettingsError(f"{table} has no key {name!r}{origin}; {hint}")


def _from_file(hint: Any, name: str, tree: Mapping[str, Any], place: Place) -> Any:
    where = place.below(f"{name}_file")
    if name in tree:
        msg = f"{place.below(name).key} and {where.key} are both set; keep one of them"
        raise SettingsError(msg)
    path = _path(tree[f"{name}_file"], where)
    text = read_secret(path, where.key)
    return tuple(text.split()) if get_origin(hint) is tuple else text


def _from_files(
    known: Mapping[str, Any], name: str, tree: Mapping[str, Any], place: Place
) -> dict[str, Any]:
    """Read a table of secrets from a table of paths; it joins those that are given as texts."""
    where = place.below(f"{name}_file")
    paths = _mapping(Path, tree[f"{name}_file"], where)
    both = sorted(set(paths) & set(known))
    if both:
        msg = f"{place.below(name).key} and {where.key} both name {both[0]}; keep one of them"
        raise SettingsError(msg)
    found = {key: read_secret(path, f"{where.key}.{key}") for key, path in paths.items()}
    return {**known, **found}


def _shortened(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _parsed(value: Any, opening: str, place: Place, expected: str) -> Any:
    """Read a structure that came as JSON text in an environment variable."""
    if not isinstance(value, Text) or not value.text.lstrip().startswith(opening):
        return value
    try:
        return orjson.loads(value.text)
    except orjson.JSONDecodeError:
        raise place.wrong(value, f"{expected}, as JSON") from None


def _optional(hint: Any, value: Any, place: Place) -> Any:
    if isinstance(value, Text) and not value.text:
        return None
    (inner,) = (item for item in get_args(hint) if item is not type(None))
    return convert(inner, value, place)


def _one_of(choices: tuple[Any, ...], value: Any, place: Place) -> Any:
    raw = value.text if isinstance(value, Text) else value
    for choice in choices:
        if raw == choice or str(raw).lower() == str(choice):
            return choice
    raise place.wrong(value, f"one of {', '.join(map(str, choices))}")


def _tuple(inner: Any, value: Any, place: Place) -> tuple[Any, ...]:
    raw = _parsed(value, "[", place, "a list")
    if isinstance(raw, Text):
        parts = [part.strip() for part in raw.text.split(",") if part.strip()]
        raw = [Text(raw.variable, part) for part in parts]
    if not isinstance(raw, list):
        raise place.wrong(value, "a list")
    return tuple(
        convert(inner, item, replace(place, key=f"{place.key}[{index}]"))
        for index, item in enumerate(raw)
    )


def _mapping(inner: Any, value: Any, place: Place) -> dict[str, Any]:
    raw = _parsed(value, "{", place, "a table")
    if not isinstance(raw, Mapping):
        raise place.wrong(value, "a table")
    return {name: convert(inner, item, place.below(name)) for name, item in raw.items()}


def _bool(value: Any, place: Place) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    if isinstance(value, Text) and value.text.strip().lower() in words:
        return words[value.text.strip().lower()]
    if isinstance(value, bool):
        return value
    raise place.wrong(value, "true or false")


def _int(value: Any, place: Place) -> int:
    if isinstance(value, Text):
        try:
            return int(value.text)
        except ValueError:
            raise place.wrong(value, "a whole number") from None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise place.wrong(value, "a whole number")


def _float(value: Any, place: Place) -> float:
    if isinstance(value, Text):
        try:
            number = float(value.text)
        except ValueError:
            raise place.wrong(value, "a number") from None
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    else:
        raise place.wrong(value, "a number")
    if not math.isfinite(number):
        raise place.wrong(value, "a finite number")
    return number


def _str(value: Any, place: Place) -> str:
    text = value.text if isinstance(value, Text) else value
    if not isinstance(text, str):
        raise place.wrong(value, "a text")
    return text


def _path(value: Any, place: Place) -> Path:
    if isinstance(value, Text) and value.text:
        return Path(value.text).expanduser()
    if isinstance(value, str) and value:
        return place.folder / Path(value).expanduser()
    raise place.wrong(value, "a path")


_SCALARS: dict[Any, Callable[[Any, Place], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Path: _path,
}
