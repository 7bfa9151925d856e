"""A regular expression of the configuration cannot be made slow, whatever a label says."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.pattern_cost import MOST_WAYS, ways
from schemas.resolve_rules import VALUE_CHARS_LIMIT, MappingRule, apply_rules

SLOW = (
    "(a+)+b",
    "(a|a)*b",
    "(ab|a.)*c",
    "(a*)*b",
    r"(\w+\s?)*x",
    r"([a-zA-Z]+)*\d",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*?,){11}P",
    "(x+x+)+y",
    ".*-.*-.*-.*",
    "a?" * 24 + "a" * 24,
    "(?=(a+)+b)a",
    "(?>(a+)+b)",
    "(?:(a+)+b)*+",
    "(?i:k+)+K",
    r"(a+)\1*\1*\1*b",
    "(a+|b+|ab)*c",
)
QUICK = (
    r"(\w+)-v\d+-.*",
    r"(\w+)-canary-.*",
    r"pay-(.*)",
    r"[a-z]+(?:-[a-z]+)*-\d{1,4}",
    r"(?:cart|web|pay)-(?:eu|us)\d",
    r"(.+)-([a-z0-9]+)-([a-z0-9]{5})",
    r"(?P<name>[^-]++)-[^-]+",
    r"\d{1,3}(?:\.\d{1,3}){3}",
    r"(?i)db-(\w+)",
    r"(?:-[a-z]++)*+",
    "a.*b.*",
    r"(?!test-).*",
    r"(a)(?(1)b|c)",
)


@pytest.mark.parametrize("regex", SLOW)
def test_what_can_be_slow_is_refused_with_a_way_out(regex: str) -> None:
    with pytest.raises(ValueError, match="more than 100000 ways, which would be slow; let no"):
        MappingRule(label="pod", regex=regex, replacement="x")


@pytest.mark.parametrize("regex", QUICK)
def test_what_people_write_is_accepted(regex: str) -> None:
    MappingRule(label="pod", regex=regex, replacement="x")


TEXTS = tuple(
    (piece * VALUE_CHARS_LIMIT)[: VALUE_CHARS_LIMIT - 1] + "!"
    for piece in ("a", "b", "ab", "a-", "-", "aab", "a1")
)
ATOMS = st.sampled_from(["a", "b", "-", ".", "[ab]", "[^-]", r"\w", r"\d", "(?:ab|a)", "(a|-)"])
REPEATS = st.sampled_from(["", "", "*", "+", "?", "*?", "{0,3}", "{2,}", "++", "{0,40}"])


def _joined(parts: list[tuple[str, str]]) -> str:
    return "".join(atom + repeat for atom, repeat in parts)


FLAT = st.lists(st.tuples(ATOMS, REPEATS), min_size=1, max_size=5).map(_joined)
NESTED = st.lists(
    st.tuples(FLAT.map(lambda inner: f"(?:{inner})") | ATOMS, REPEATS), min_size=1, max_size=3
).map(_joined)


@given(regex=NESTED)
@settings(max_examples=400, deadline=None)
def test_what_is_accepted_is_quick_on_the_worst_of_texts(regex: str) -> None:
    if ways(regex, VALUE_CHARS_LIMIT) > MOST_WAYS:
        return
    for text in TEXTS:
        begun = time.process_time()
        re.fullmatch(regex, text)
        assert time.process_time() - begun < 0.5, (regex, text)


def test_a_long_value_is_not_tried() -> None:
    rules = (MappingRule(label="pod", regex=".*", replacement="all"),)
    assert apply_rules(rules, {"pod": "a" * VALUE_CHARS_LIMIT})
    assert apply_rules(rules, {"pod": "a" * (VALUE_CHARS_LIMIT + 1)}) is None
