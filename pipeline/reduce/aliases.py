"""What peer names turned out to mean: learnt where a call's server span was seen.

A caller calls "stock.internal" and the service behind it calls itself "inventory"; or names no
peer at all. Invariant: a name that turned out to mean two things is never guessed again.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

AMBIGUOUS = -1
_ASSUMED = -2
"""An assumed meaning m (nobody answered, the name was taken as it is) is held as _ASSUMED - m."""


@dataclass(slots=True)
class Aliases:
    """Meanings by alias key (caller, peer or operation); at most `limit`, then all anew."""

    limit: int
    meanings: dict[int, int] = field(default_factory=dict)

    def guess(self, alias: NDArray[np.uint64], unknown: int) -> NDArray[np.int64]:
        """Return what each alias means, `unknown` where that is not known or ambiguous."""
        found, inverse = np.unique(alias, return_inverse=True)
        guessed = [self._guess(key, unknown) for key in found.tolist()]
        meant: NDArray[np.int64] = np.array(guessed, np.int64)[inverse]
        return meant

    def _guess(self, key: int, unknown: int) -> int:
        meaning = self.meanings.get(key, AMBIGUOUS)
        if meaning == AMBIGUOUS:
            return unknown
        return meaning if meaning >= 0 else _ASSUMED - meaning

    def learn(self, alias: NDArray[np.uint64], meant: NDArray[np.int64]) -> None:
        """Learn from calls whose server span was seen."""
        for key, meaning in sorted(set(zip(alias.tolist(), meant.tolist(), strict=True))):
            known = self.meanings.get(key)
            if known is None or known <= _ASSUMED:
                self._put(key, meaning)
            elif known != meaning:
                self._put(key, AMBIGUOUS)

    def assume(self, alias: NDArray[np.uint64], peer: NDArray[np.int64]) -> None:
        """Take names as they are where no server span came."""
        for key, meaning in sorted(set(zip(alias.tolist(), peer.tolist(), strict=True))):
            if key not in self.meanings:
                self._put(key, _ASSUMED - meaning)

    def _put(self, key: int, meaning: int) -> None:
        if len(self.meanings) >= self.limit:
            self.meanings.clear()
        self.meanings[key] = meaning
