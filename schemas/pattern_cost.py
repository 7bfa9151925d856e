"""How long a regular expression can take at worst, told from the expression alone.

Python's engine tries one way to match after the other, so an expression that fits a text in many
ways takes as many steps where none of them succeeds in the end. `ways` bounds that number; the
configuration refuses what exceeds it, so no text can make matching slow. Where what follows a
repetition cannot be part of it (`[^-]+-`), there is one way only.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

MOST_WAYS: Final = 100_000
"""About a millisecond for the longest text."""

_CHARS = 256
_OTHERS = 1 << _CHARS
"""Stands for every character beyond Latin-1 in a set of characters, which is an integer's bits."""
_ANYTHING = (_OTHERS << 1) - 1
# There is no public way to the parsed expression; the names are the same from 3.11 to 3.14.
_PARSER: Any = getattr(re, "_parser")  # noqa: B009 -- typeshed does not know it
_CASE_GROUP = re.compile(r"\(\?[a-z]*i")
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


@dataclass(frozen=True, slots=True)
class _First:
    """With which characters a match can begin, and whether it can be empty."""

    chars: int
    empty: bool

    def then(self, rest: int) -> int:
        """The characters that can stand first when `rest` can follow."""
        return self.chars | rest if self.empty else self.chars


def ways(regex: str, chars: int) -> int:
    r"""Bound the ways in which an expression may fit a text of `chars` characters.

    >>> ways(r"(\w+)-v\d+-(.*)", 256), ways("(a+)+b", 256) > MOST_WAYS
    (1, True)

    Raises:
        re.error: it is no regular expression.
    """
    parsed = _PARSER.parse(regex)
    ignore_case = bool(parsed.state.flags & re.IGNORECASE) or _CASE_GROUP.search(regex)
    return _Counter(chars, ignore_case=bool(ignore_case)).total(parsed)


class _Counter:
    """Walks a parsed expression; no count grows beyond what is refused anyway."""

    def __init__(self, chars: int, *, ignore_case: bool) -> None:
        self._chars = chars
        self._ignore_case = ignore_case
        self._inside = 0

    def total(self, parsed: Any) -> int:
        """Count the whole: what backtracks, and what is tried inside of what does not."""
        return _capped(self._sequence(parsed, 0) + self._inside)

    def _sequence(self, items: Any, follow: int) -> int:
        total = 1
        # From behind, because what can follow an item is what comes after it.
        for item in reversed(list(items)):
            total = _capped(total * self._item(item, follow))
            follow = self._first_of(item).then(follow)
        return total

    def _item(self, item: tuple[Any, Any], follow: int) -> int:
        match str(item[0]), item[1]:
            case ("MAX_REPEAT" | "MIN_REPEAT", (low, high, body)):
                return self._repeat(low, min(int(high), self._chars), body, follow)
            case ("POSSESSIVE_REPEAT", (_, high, body)):
                self._alone(body, min(int(high), self._chars))
            case ("ATOMIC_GROUP", body):
                self._alone(body, 1)
            case ("ASSERT" | "ASSERT_NOT", (_, body)):
                self._alone(body, 1)
            case ("SUBPATTERN", (_, _, _, body)):
                return self._sequence(body, follow)
            case ("BRANCH", (_, bodies)):
                return self._branch(bodies, follow)
            case ("GROUPREF_EXISTS", (_, one, other)):
                return self._branch([one, other or []], follow)
            case _:
                pass
        return 1

    def _repeat(self, low: int, high: int, body: Any, follow: int) -> int:
        if high <= 1 and low == high:
            return self._sequence(body, follow)
        first = self._first(body)
        again = first.chars | follow if high > 1 else follow
        inner = self._sequence(body, again)
        if first.empty and high > 1:
            return MOST_WAYS + 1
        once = first.chars & follow == 0 or low >= high
        stops = 1 if once else high - low + 1
        return _capped(stops * _power(inner, high))

    def _branch(self, bodies: Any, follow: int) -> int:
        counts = [self._sequence(body, follow) for body in bodies]
        firsts = [self._first(body).then(follow) for body in bodies]
        seen, apart = 0, True
        for chars in firsts:
            apart &= seen & chars == 0
            seen |= chars
        # Where no two branches begin alike, the first character decides.
        return max(counts) if apart else _capped(sum(counts))

    def _alone(self, body: Any, times: int) -> None:
        """What is matched once and never tried again adds its own ways, and multiplies none."""
        self._inside = _capped(self._inside + times * self._sequence(body, _ANYTHING))

    def _first(self, items: Any) -> _First:
        chars = 0
        for item in items:
            first = self._first_of(item)
            chars |= first.chars
            if not first.empty:
                return _First(chars, empty=False)
        return _First(chars, empty=True)

    def _first_of(self, item: tuple[Any, Any]) -> _First:
        match str(item[0]), item[1]:
            case ("LITERAL" | "NOT_LITERAL" | "ANY" | "IN", _):
                return _First(self._one(item), empty=False)
            case ("MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT", (low, _, body)):
                first = self._first(body)
                return _First(first.chars, empty=first.empty or low == 0)
            case ("ATOMIC_GROUP", body):
                return self._first(body)
            case ("SUBPATTERN", (_, _, _, body)):
                return self._first(body)
            case ("BRANCH", (_, bodies)):
                firsts = [self._first(body) for body in bodies]
                chars = 0
                for first in firsts:
                    chars |= first.chars
                return _First(chars, empty=any(first.empty for first in firsts))
            case ("AT", _):
                return _First(0, empty=True)
            case _:
                # A look around, a reference to a group: anything may stand there.
                return _First(_ANYTHING, empty=True)

    def _one(self, item: tuple[Any, Any]) -> int:
        """The characters that an item of exactly one character takes."""
        match str(item[0]), item[1]:
            case ("LITERAL", code):
                return self._char(code)
            case ("NOT_LITERAL", code):
                return _ANYTHING & ~self._char(code) | _OTHERS
            case ("IN", parts):
                return self._class(parts)
            case _:
                return _ANYTHING

    def _class(self, parts: Any) -> int:
        chars, negated = 0, False
        for kind, value in parts:
            match str(kind):
                case "NEGATE":
                    negated = True
                case "LITERAL":
                    chars |= self._char(value)
                case "RANGE":
                    low, high = value
                    for code in range(low, min(high, _CHARS - 1) + 1):
                        chars |= self._char(code)
                    chars |= _OTHERS if high >= _CHARS or self._ignore_case else 0
                case "CATEGORY":
                    chars |= _category(_CATEGORIES[str(value)])
                case _:
                    chars = _ANYTHING
        # Some characters beyond Latin-1 are in a class and others are not.
        return _ANYTHING & ~chars | _OTHERS if negated else chars

    def _char(self, code: int) -> int:
        if code >= _CHARS:
            return _OTHERS
        if not self._ignore_case:
            return 1 << code
        # Case folding may lead out of Latin-1 (the Kelvin sign is a K).
        return sum({1 << ord(c) for c in (chr(code).lower(), chr(code).upper()) if _latin(c)}) | (
            _OTHERS
        )


def _latin(text: str) -> bool:
    return len(text) == 1 and ord(text) < _CHARS


def _category(pattern: str) -> int:
    found = sum(1 << code for code in range(_CHARS) if re.match(pattern, chr(code)))
    return found | _OTHERS


def _power(base: int, exponent: int) -> int:
    # A base of two is beyond the cap after a few steps; no need to compute with large numbers.
    return 1 if base == 1 else _capped(base ** min(exponent, 20))


def _capped(count: int) -> int:
    return min(count, MOST_WAYS + 1)
