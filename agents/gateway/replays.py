"""Which signed requests were taken already: remembered for as long as their time would pass."""

from collections import OrderedDict

from agents.gateway.refusal import Reason, Refusal


class Replays:
    """The nonces of each source within the clock's tolerance, at most `limit` of them.

    A nonce is remembered until its timestamp is too old for it to be used again. It is never
    dropped earlier to make room: a full memory refuses, and says to come again.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def enter(self, source: str, nonce: str, *, now: float, until: float) -> None:
        """Note a request.

        Args:
            source: who signed it.
            nonce: its nonce.
            now: the time in seconds.
            until: when its timestamp is too old.

        Raises:
            Refusal: it was taken before, or as many as can be remembered are.
        """
        key = (source, nonce)
        if key in self._until and self._until[key] >= now:
            raise Refusal(
                Reason.REPLAYED,
                "this signed request was taken before; sign each one anew, with its own nonce",
            )
        self._drop_old(now)
        if len(self._until) >= self._limit:
            raise Refusal(
                Reason.OVERLOADED,
                f"{self._limit} signed requests came within the tolerance "
                "(gateway.signing.replay_entries); send it again",
            )
        self._until[key] = until

    def leave(self, source: str, nonce: str) -> None:
        """Forget a request that was not taken after all, so that it may be sent again."""
        self._until.pop((source, nonce), None)

    def _drop_old(self, now: float) -> None:
        # Times come nearly in order, so what is old is at the front, give or take the tolerance.
        while self._until:
            key, until = next(iter(self._until.items()))
            if until >= now:
                break
            del self._until[key]
