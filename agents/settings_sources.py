"""Reads the two sources of the configuration into one tree: a TOML file, then the environment.

`ROOTLINE_<SECTION>__<KEY>` sets a key, deeper tables by further `__`; it wins over the file.
`ROOTLINE_CONFIG` names the file, `ROOTLINE_BOOTSTRAP` is short for ROOTLINE_KAFKA__BOOTSTRAP.
"""

import difflib
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path

from agents.errors import SettingsError
from agents.settings_values import Text, Tree

PREFIX = "ROOTLINE_"
CONFIG_VARIABLE = "ROOTLINE_CONFIG"
SHORT_FORMS = {"ROOTLINE_BOOTSTRAP": ("kafka", "bootstrap")}
DEFAULT_FILE = Path("rootline.toml")
_MAX_FILE_BYTES = 4 * 1024 * 1024


def configuration_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Choose the file: the one asked for, else ROOTLINE_CONFIG, else ./rootline.toml if there."""
    if path is not None:
        return path
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def read_file(path: Path) -> Tree:
    """Read a TOML file."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            msg = f"the configuration {path} is larger than {_MAX_FILE_BYTES} bytes"
            raise SettingsError(msg)
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the configuration {path} cannot be read: {error.strerror}; check --config"
        raise SettingsError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"the configuration {path} is not valid TOML: {error}"
        raise SettingsError(msg) from error


def environment_values(
    environ: Mapping[str, str], sections: Mapping[str, Collection[str]]
) -> list[tuple[tuple[str, ...], Text]]:
    """Pick our variables out of an environment, in order of name: (path of the key, its text).

    Args:
        environ: all variables of the process.
        sections: the known sections and their keys, to tell a slip from a stranger's variable.
    """
    found: list[tuple[tuple[str, ...], Text]] = []
    for variable in sorted(environ):
        text = environ[variable]
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        _check_text(variable, text)
        if variable in SHORT_FORMS:
            found.append((SHORT_FORMS[variable], Text(variable, text)))
        elif "__" in variable:
            path = tuple(variable.removeprefix(PREFIX).lower().split("__"))
            if not all(path):
                msg = f"the environment variable {variable} names no key; see docs/CONFIG.md"
                raise SettingsError(msg)
            found.append((path, Text(variable, text)))
        else:
            _refuse_slip(variable, text, sections)
    # The long form wins over the short one.
    return sorted(found, key=lambda entry: entry[1].variable not in SHORT_FORMS)


def _check_text(variable: str, text: str) -> None:
    """Refuse bytes that are no text; Python lets them through in a form that cannot be written."""
    try:
        variable.encode()
        text.encode()
    except UnicodeEncodeError as error:
        shown = variable.encode("ascii", "backslashreplace").decode()
        msg = f"the environment variable {shown} is not UTF-8 text"
        raise SettingsError(msg) from error


def overlay(tree: Tree, values: list[tuple[tuple[str, ...], Text]]) -> Tree:
    """Put values over a tree; a text where deeper keys are set is replaced by a table."""
    merged = {name: dict(item) if isinstance(item, dict) else item for name, item in tree.items()}
    for path, text in values:
        table = merged
        for name in path[:-1]:
            below = table.get(name)
            table[name] = dict(below) if isinstance(below, dict) else {}
            table = table[name]
        table[path[-1]] = text
    return merged


def _refuse_slip(variable: str, text: str, sections: Mapping[str, Collection[str]]) -> None:
    """Refuse a variable that was meant for us but would have no effect.

    Others that begin with ROOTLINE_ are left alone: Kubernetes sets such for a service that is
    called rootline (ROOTLINE_PORT=tcp://...).
    """
    if text.startswith(("tcp://", "udp://", "sctp://")):
        return
    name = variable.removeprefix(PREFIX).lower()
    for section, keys in sections.items():
        key = name.removeprefix(f"{section}_")
        if key != name and key in keys:
            meant = f"{PREFIX}{section}__{key}".upper()
            msg = f"the environment variable {variable} sets nothing; did you mean {meant}?"
            raise SettingsError(msg)
    known = [CONFIG_VARIABLE, *SHORT_FORMS]
    near = difflib.get_close_matches(variable, known, n=1, cutoff=0.85)
    if near:
        msg = f"the environment variable {variable} sets nothing; did you mean {near[0]}?"
        raise SettingsError(msg)
