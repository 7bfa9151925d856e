"""How many records to handle in one go, so that a go takes about as long as it should.

Between two goes a stage can be stopped, handed over and saved. An engine that is slow today, be it
for what the records hold or for what the machine does, gets fewer records a go. It begins small,
so that no restart begins with a go that is too long.
"""

_FIRST = 64
_GROWTH = 2.0
_LEAST_SECONDS = 1e-6


class Pace:
    """The size of the next go, from how long the last one took.

    Args:
        limit: most records of a go.
        seconds: how long a go should take at most.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._size = float(min(_FIRST, limit))

    @property
    def size(self) -> int:
        """Records to take in the next go.

        >>> Pace(2_000, 1.0).size
        64
        """
        return int(self._size)

    def took(self, records: int, seconds: float) -> None:
        """Learn from a go: it grows at most twofold, and shrinks as far as it must.

        >>> pace = Pace(2_000, 1.0)
        >>> pace.took(64, 0.01)
        >>> pace.size
        128
        >>> pace.took(128, 12.8)
        >>> pace.size
        10
        """
        fitting = records * self._seconds / max(seconds, _LEAST_SECONDS)
        # A short go says little about how a long one would do.
        grown = max(self._size, records * _GROWTH) if fitting > records else fitting
        self._size = max(1.0, min(grown, fitting, float(self._limit)))
