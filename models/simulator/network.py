"""Time on the wire, and what a bad link does: delay, loss, a narrow pipe, packets that vanish.

Delay and loss cost time (`exchange_seconds`); a hindrance decides whether an exchange comes about
at all (`verdict`).
"""

import random
from dataclasses import dataclass

from simpy import Environment

from models.simulator.outcome import OK, REFUSED, RESET, TIMED_OUT

BASE_SECONDS = 0.0004
JITTER_SECONDS = 0.0006
PACKETS = 6
BYTES_A_PACKET = 1_400
FIRST_RETRANSMISSION_SECONDS = 0.2
MAX_RETRANSMISSIONS = 6
FIRST_SYN_SECONDS = 1.0
SWALLOWED = -1
"""The verdict on a request that arrives but whose answer does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What stops exchanges over a link.

    `parted` are the links whose packets are dropped here; the others are shares of the exchanges:
    reset midway, refused on arrival, and answered with packets too large to come through.
    """

    parted: frozenset["Link"] = frozenset()
    resets: float = 0.0
    refusals: float = 0.0
    swallowed: float = 0.0


class Shaper:
    """A pipe of so many bytes a second; what does not fit waits, up to a limit."""

    __slots__ = ("_env", "_free_at", "_rate", "dropped")

    MAX_QUEUE_SECONDS = 2.5

    def __init__(self, env: Environment, bytes_per_second: float) -> None:
        self._env = env
        self._rate = bytes_per_second
        self._free_at = 0.0
        self.dropped = 0

    def wait(self) -> float:
        """Queue one exchange; a full queue drops packets, which are sent again later."""
        now = self._env.now
        start = max(now, self._free_at)
        if start - now > self.MAX_QUEUE_SECONDS:
            self.dropped += 1
            return start - now + FIRST_RETRANSMISSION_SECONDS
        self._free_at = start + PACKETS * BYTES_A_PACKET / self._rate
        return self._free_at - now


class Link:
    """One component's connection to the network."""

    __slots__ = (
        "corrupted",
        "corruption",
        "delay_seconds",
        "hindrance",
        "impaired",
        "loss",
        "retransmitted",
        "sent",
        "shaper",
    )

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.loss = 0.0
        self.impaired = False
        self.sent = 0
        self.retransmitted = 0
        self.corruption = 0.0
        self.corrupted = 0
        self.shaper: Shaper | None = None
        self.hindrance: Hindrance | None = None

    @property
    def dropped(self) -> int:
        """Packets that did not fit into the queue before a narrow pipe."""
        return self.shaper.dropped if self.shaper is not None else 0

    def impair(self, *, delay_seconds: float = 0.0, loss: float = 0.0) -> None:
        """Make the link slow or lossy; both zero repairs it."""
        self.delay_seconds = delay_seconds
        self.loss = loss
        self._settle()

    def corrupt(self, share: float) -> None:
        """Let a share of the packets arrive damaged, so that they are thrown away."""
        self.corruption = share
        self._settle()

    def narrow(self, shaper: Shaper | None) -> None:
        """Put a narrow pipe into the way, or take it out."""
        self.shaper = shaper
        self._settle()

    def _settle(self) -> None:
        bad = self.delay_seconds > 0.0 or self.loss > 0.0 or self.corruption > 0.0
        self.impaired = bad or self.shaper is not None


def exchange_seconds(rng: random.Random, one: Link, other: Link) -> float:
    """Draw the time that a request and its answer spend between two links."""
    one.sent += PACKETS
    other.sent += PACKETS
    seconds = BASE_SECONDS + rng.random() * JITTER_SECONDS
    if one.impaired:
        seconds += _impairment(rng, one)
    if other.impaired and other is not one:
        seconds += _impairment(rng, other)
    return seconds


def verdict(rng: random.Random, caller: Link, callee: Link) -> int:
    """Decide whether an exchange comes about: OK, SWALLOWED, or the failure that it meets."""
    for link, peer in ((caller, callee), (callee, caller)):
        hindrance = link.hindrance
        if hindrance is None:
            continue
        if peer in hindrance.parted:
            link.retransmitted += 2
            return TIMED_OUT
        if link is callee and hindrance.refusals and rng.random() < hindrance.refusals:
            return REFUSED
        if hindrance.resets and rng.random() < hindrance.resets:
            return RESET
        if hindrance.swallowed and rng.random() < hindrance.swallowed:
            link.retransmitted += MAX_RETRANSMISSIONS
            return SWALLOWED
    return OK


def handshake_seconds(rng: random.Random, loss: float) -> float:
    """Draw how long a new connection takes while a share of the first packets is dropped."""
    seconds, wait = 0.0, FIRST_SYN_SECONDS
    while rng.random() < loss and wait <= 8.0 * FIRST_SYN_SECONDS:
        seconds += wait
        wait *= 2.0
    return seconds


def _impairment(rng: random.Random, link: Link) -> float:
    """Draw both directions' extra delay and the timeouts after lost packets."""
    seconds = 0.0
    if link.delay_seconds:
        seconds += 2.0 * link.delay_seconds * (0.7 + 0.6 * rng.random())
    if link.loss:
        seconds += _retransmissions(rng, link, link.loss)
    if link.corruption:
        before = link.retransmitted
        seconds += _retransmissions(rng, link, link.corruption)
        link.corrupted += link.retransmitted - before
    if link.shaper is not None:
        before = link.shaper.dropped
        seconds += link.shaper.wait()
        link.retransmitted += link.shaper.dropped - before
    return seconds


def _retransmissions(rng: random.Random, link: Link, loss: float) -> float:
    seconds, wait, lost = 0.0, FIRST_RETRANSMISSION_SECONDS, 1.0 - (1.0 - loss) ** PACKETS
    for _ in range(MAX_RETRANSMISSIONS):
        if rng.random() >= lost:
            break
        link.retransmitted += 1
        seconds += wait
        wait *= 2.0
        lost = loss * 2.0
    return seconds
