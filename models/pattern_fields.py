"""Checked access to a mapping read from YAML: every complaint names the place and the remedy."""

from collections.abc import Container
from typing import Any

from models.errors import ModelError

TEXT_LIMIT = 2_000
LIST_LIMIT = 50


class Fields:
    """One mapping of a document; fields are taken one by one, and nothing may be left over."""

    def __init__(self, where: str, document: Any) -> None:
        if not isinstance(document, dict):
            msg = f"{where}: expected a mapping, found {type(document).__name__}."
            raise ModelError(msg)
        self.where = where
        self._document: dict[Any, Any] = document
        self._taken: set[str] = set()

    def nothing_else(self) -> None:
        """Refuse fields that nobody asked for: most are misspelt."""
        unknown = sorted(str(key) for key in self._document if key not in self._taken)
        if unknown:
            known = ", ".join(sorted(self._taken))
            msg = f"{self.where}: unknown field {unknown[0]!r}; known are {known}."
            raise ModelError(msg)

    def text(self, name: str) -> str:
        """Take a text that must be there and not empty."""
        value = self._take(name)
        if not isinstance(value, str) or not value.strip() or len(value) > TEXT_LIMIT:
            raise self._wrong(name, f"a text of 1 to {TEXT_LIMIT} characters", value)
        return value.strip()

    def word(self, name: str, allowed: Container[str]) -> str:
        """Take one text out of a closed set."""
        return self._allowed(name, self.text(name), allowed)

    def words(
        self, name: str, allowed: Container[str] | None = None, *, least: int = 0
    ) -> tuple[str, ...]:
        """Take a list of texts (absent: empty), each out of `allowed` where that is given."""
        value = self._take(name)
        value = [] if value is None else value
        if not isinstance(value, list) or not least <= len(value) <= LIST_LIMIT:
            raise self._wrong(name, f"a list of {least} to {LIST_LIMIT} texts", value)
        for item in value:
            if not isinstance(item, str) or not item.strip() or len(item) > TEXT_LIMIT:
                raise self._wrong(name, f"texts of 1 to {TEXT_LIMIT} characters only", item)
        if len(set(value)) != len(value):
            raise self._wrong(name, "each text once", value)
        return tuple(self._allowed(name, item, allowed) for item in value)

    def texts_by_name(self, name: str) -> dict[str, str]:
        """Take a mapping of texts (absent: empty)."""
        value = self._take(name)
        value = {} if value is None else value
        if not isinstance(value, dict) or not all(
            isinstance(part, str) and part for item in value.items() for part in item
        ):
            raise self._wrong(name, "a mapping of names to texts", value)
        return value

    def count(self, name: str, *, default: int, most: int) -> int:
        """Take a whole number from 1 to `most`, or the default."""
        value = self._take(name)
        value = default if value is None else value
        if type(value) is not int or not 1 <= value <= most:
            raise self._wrong(name, f"a whole number from 1 to {most}", value)
        return value

    def entries(self, name: str) -> list[Any]:
        """Take a list that must not be empty, of whatever comes."""
        value = self._take(name)
        if not isinstance(value, list) or not value:
            raise self._wrong(name, "a list with at least one entry", value)
        return value

    def parts(self, name: str) -> "list[Fields]":
        """Take a list of mappings (absent: empty)."""
        value = self._take(name)
        value = [] if value is None else value
        if not isinstance(value, list) or len(value) > LIST_LIMIT:
            raise self._wrong(name, f"a list of at most {LIST_LIMIT} mappings", value)
        return [Fields(f"{self.where}, {name} {i + 1}", item) for i, item in enumerate(value)]

    def part(self, name: str) -> "Fields":
        """Take a mapping within this one."""
        return Fields(f"{self.where}, {name}", self._take(name))

    def _take(self, name: str) -> Any:
        self._taken.add(name)
        return self._document.get(name)

    def _allowed(self, name: str, word: str, allowed: Container[str] | None) -> str:
        if allowed is not None and word not in allowed:
            raise self._wrong(name, "a word of its closed set", word)
        return word

    def _wrong(self, name: str, expected: str, found: Any) -> ModelError:
        shown = "nothing" if found is None else repr(found)[:80]
        return ModelError(f"{self.where}: {name} must be {expected}, found {shown}.")
