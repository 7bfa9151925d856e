"""How a consumer is doing: it writes, health checks, watchdog and metrics read."""

import time
from collections.abc import Iterable, Mapping

from agents.worker.consumer_status import ConsumerStatus, Patience, Phase
from agents.worker.standing import Key, PartitionStatus, Place, Standing


class Progress:
    """Keeps what is known of one consumer.

    The consumer's own loop beats, turns and moves; somebody beside it, who asks the brokers,
    observes partitions and says whether Kafka answers.
    """

    def __init__(self, name: str, patience: Patience) -> None:
        self.name = name
        self._patience = patience
        self._phase = Phase.WAITING
        self._away = False
        self._turn = 0
        self._lag: dict[Key, int] = {}
        self._standings: dict[Key, Standing] = {}
        # `since` is when the present phase began: nobody is blamed for the time before it.
        self._beat = self._moved = self._since = self._unburdened = time.monotonic()

    def beat(self, phase: Phase | None = None) -> None:
        """Say that the loop goes round, and what it is at."""
        self._beat = time.monotonic()
        if phase is not None and phase is not self._phase:
            self._phase, self._since = phase, self._beat

    def turned(self) -> None:
        """Say that the loop has gone round once: every partition had its chance."""
        self._turn += 1
        self.beat()

    def moved(self) -> None:
        """Say that records were handled and what they caused was acknowledged."""
        self._beat = self._moved = self._unburdened = time.monotonic()

    def kafka(self, *, answers: bool) -> None:
        """Say whether the brokers answer; while they do not, nothing here is to blame."""
        if self._away or not answers:
            self._since = self._unburdened = time.monotonic()
        self._away = not answers

    def observe(self, places: Iterable[Place]) -> None:
        """Replace what is known of the partitions by what position and brokers say."""
        found: dict[Key, Standing] = {}
        for place in places:
            standing = self._standings.get(place.key)
            if standing is None:
                standing = Standing(place, self._turn)
            elif standing.observe(place, self._turn):
                self._moved = self._unburdened = time.monotonic()
            found[place.key] = standing
        self._standings = found
        self.set_lag({place.key: place.lag for place in places})

    def set_lag(self, lag: Mapping[Key, int]) -> None:
        """Replace the numbers of records not handled yet."""
        if not any(self._lag.values()):
            # Nothing was waiting until now, so the wait for progress starts now.
            self._moved = self._unburdened = time.monotonic()
        self._lag = dict(lag)
        self._standings = {key: self._standings[key] for key in lag if key in self._standings}

    def status(self) -> ConsumerStatus:
        """Return how things stand."""
        now = time.monotonic()
        away = self._away and self._phase is not Phase.STOPPED
        return ConsumerStatus(
            name=self.name,
            phase=Phase.WAITING if away else self._phase,
            partitions={key: self._partition(key, lag) for key, lag in self._lag.items()},
            # An exchange with brokers that do not answer may hold the loop up until it times out.
            beat_seconds=now - (max(self._beat, self._since) if away else self._beat),
            phase_seconds=now - self._since,
            moved_seconds=now - max(self._moved, self._since),
            barren_seconds=now - self._unburdened,
            patience=self._patience,
        )

    def _partition(self, key: Key, lag: int) -> PartitionStatus:
        standing = self._standings.get(key)
        if standing is None:
            return PartitionStatus(lag=lag)
        return standing.status(self._since, self._turn)
