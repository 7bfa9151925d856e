"""Compares what a disturbed run left behind with the undisturbed one. Pure; every rule is here.

Equal must be: the incidents, their members, their last answers, and what was set aside. Allowed
are repeats with the same content, since whoever applies a higher revision only does not see them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.outcome import Outcome, answer, members

_SHOWN = 3


class Kind(StrEnum):
    """What is wrong; a closed set."""

    LOST_BY_BROKER = "lost by the broker"
    ALERT_LOST = "alert lost"
    MISSING = "incident missing"
    INVENTED = "incident opened twice or invented"
    REOPENED = "opened twice"
    MEMBERS = "other members"
    ANSWER = "other final answer"
    TWO_CONTENTS = "one revision with two contents"
    SET_ASIDE = "other alerts set aside"
    CHAT_TWICE = "chat told twice"
    DEAD_LETTERS = "other dead letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One difference, as a sentence."""

    kind: Kind
    sentence: str


Check = Callable[[Outcome, Outcome], Iterator[Finding]]


def compare(expected: Outcome, found: Outcome) -> list[Finding]:
    """Return every difference that must not be, in the order of the checks."""
    return [finding for check in CHECKS for finding in check(expected, found)]


def _broker(_expected: Outcome, found: Outcome) -> Iterator[Finding]:
    """What a plain client cannot read either was not lost by us."""
    lost = sorted(found.acknowledged - set(found.read))
    if lost:
        sentence = f"{len(lost)} acknowledged inputs cannot be read again: {lost[:_SHOWN]}"
        yield Finding(kind=Kind.LOST_BY_BROKER, sentence=sentence)


def _alerts(_expected: Outcome, found: Outcome) -> Iterator[Finding]:
    lost = sorted(found.beats - found.answered)
    if lost:
        sentence = f"{len(lost)} pulses ended nowhere: {lost[:_SHOWN]}"
        yield Finding(kind=Kind.ALERT_LOST, sentence=sentence)


def _incidents(expected: Outcome, found: Outcome) -> Iterator[Finding]:
    wanted, there = expected.final(), found.final()
    for name in sorted(set(wanted) - set(there)):
        yield Finding(kind=Kind.MISSING, sentence=f"{name}: {wanted[name]['title']}")
    for name in sorted(set(there) - set(wanted)):
        yield Finding(kind=Kind.INVENTED, sentence=f"{name}: {there[name]['title']}")
    for name in sorted(set(wanted) & set(there)):
        before, after = members(wanted[name]), members(there[name])
        if before != after:
            sentence = f"{name} has {len(after)} members, expected {len(before)}"
            yield Finding(kind=Kind.MEMBERS, sentence=sentence)
        one, other = answer(wanted[name]), answer(there[name])
        different = sorted(key for key in one | other if one.get(key) != other.get(key))
        if different:
            sentence = f"{name} differs in {', '.join(different)}"
            yield Finding(kind=Kind.ANSWER, sentence=sentence)


def _openings(_expected: Outcome, found: Outcome) -> Iterator[Finding]:
    """An incident is opened by one revision, in the topic and in chat."""
    opened: defaultdict[str, set[int]] = defaultdict(set)
    for each in found.revisions:
        if each.transition == "opened":
            opened[each.incident_id].add(each.revision)
    for told in found.openings:
        opened[f"chat about {told.incident_id}"].add(told.revision)
    for name, revisions in sorted(opened.items()):
        if len(revisions) > 1:
            sentence = f"{name} by revisions {sorted(revisions)}"
            yield Finding(kind=Kind.REOPENED, sentence=sentence)


def _contents(expected: Outcome, found: Outcome) -> Iterator[Finding]:
    """A revision says one thing, whoever wrote it and however often, in this run and the other."""
    contents: defaultdict[tuple[str, int], set[bytes]] = defaultdict(set)
    for each in (*expected.revisions, *found.revisions):
        contents[each.incident_id, each.revision].add(each.value)
    for (name, revision), values in sorted(contents.items()):
        if len(values) > 1:
            sentence = f"{name}:{revision} has {len(values)} contents"
            yield Finding(kind=Kind.TWO_CONTENTS, sentence=sentence)


def _set_aside(expected: Outcome, found: Outcome) -> Iterator[Finding]:
    wanted, there = set(expected.set_aside), set(found.set_aside)
    for each in sorted(wanted ^ there, key=str)[:_SHOWN]:
        which = "missing" if each in wanted else "more"
        yield Finding(kind=Kind.SET_ASIDE, sentence=f"{which}: {each}")


def _chat(_expected: Outcome, found: Outcome) -> Iterator[Finding]:
    """Told twice in effect: copies under one key are dropped by whoever looks at the key."""
    revisions = Counter(told.incident_id for told in set(found.told))
    published = {(r.incident_id, r.revision) for r in found.revisions}
    for told in sorted(set(found.told), key=str):
        if (told.incident_id, told.revision) not in published:
            sentence = f"{told.incident_id}:{told.revision} was told and never published"
            yield Finding(kind=Kind.CHAT_TWICE, sentence=sentence)
    for name, wanted in Counter(told.incident_id for told in set(found.openings)).items():
        if wanted > 1:
            sentence = f"{name} was told as opened {wanted} times in {revisions[name]} messages"
            yield Finding(kind=Kind.CHAT_TWICE, sentence=sentence)


def _dead_letters(expected: Outcome, found: Outcome) -> Iterator[Finding]:
    wanted = expected.dead_letters | found.poisoned
    for place in sorted(wanted ^ found.dead_letters)[:_SHOWN]:
        which = "missing" if place in wanted else "more"
        yield Finding(kind=Kind.DEAD_LETTERS, sentence=f"{which}: {place}")


CHECKS: tuple[Check, ...] = (
    _broker,
    _alerts,
    _incidents,
    _openings,
    _contents,
    _set_aside,
    _chat,
    _dead_letters,
)
