"""Who may learn from whom: folds over recordings; none is answered by who has seen it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents.evaluation.asked import Collected
from agents.evaluation.identity import Identity
from models.unseen import folds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Recordings that are answered by what was learnt from the others."""

    held: tuple[Collected, ...]
    training: tuple[Collected, ...]


def group_of(identity: Identity) -> str:
    """Name what may not be torn."""
    return f"{identity.system}/{identity.group}"


def _fault_of(identity: Identity) -> str:
    return identity.fault or group_of(identity)


def _root_of(identity: Identity) -> str:
    # A healthy recording has no root, and goes with its own group.
    if identity.healthy:
        return group_of(identity)
    return f"{identity.system}/{'+'.join(identity.roots)}"


FOLD_KEYS: Final[Mapping[str, Callable[[Identity], str]]] = {
    "group": group_of,
    "case": lambda identity: identity.key,
}
"""What cross-validation keeps together: repeats of one root and fault, or a case alone."""

SPLITS: Final[Mapping[str, Callable[[Identity], str]]] = {
    "leave-one-system-out": lambda identity: identity.system,
    "leave-one-fault-out": _fault_of,
    "leave-one-root-out": _root_of,
}
"""What is left out together, by the name of the split."""


def folds(
    cases: Sequence[Collected],
    also: Sequence[Collected],
    key: Callable[[Identity], str],
    most: int,
) -> list[Fold]:
    """Deal cases to at most so many folds by a key; who shares a key shares a fold.

    Args:
        cases: Recordings to be answered, each in one fold.
        also: Recordings to learn from; those whose key is held out are left out.
        key: What must not be on both sides.
        most: Folds at most; fewer than there are keys leave several keys out together.
    """
    keys = [key(case.identity) for case in cases]
    count = min(most, len(set(keys)))
    dealt = folds_of(keys, count).tolist() if cases else []
    found = []
    for number in range(count):
        held = tuple(c for c, fold in zip(cases, dealt, strict=True) if fold == number)
        out = {key(c.identity) for c in held}
        training = tuple(c for c in also if key(c.identity) not in out)
        found.append(Fold(held=held, training=training))
    return found
