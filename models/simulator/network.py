"""Time on the wire, with what a bad link adds: delay, and retransmission timeouts after loss."""

import random

BASE_SECONDS = 0.0004
JITTER_SECONDS = 0.0006
PACKETS = 6
FIRST_RETRANSMISSION_SECONDS = 0.2
MAX_RETRANSMISSIONS = 6


class Link:
    """One component's connection to the network."""

    __slots__ = ("delay_seconds", "impaired", "loss", "retransmitted", "sent")

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.loss = 0.0
        self.impaired = False
        self.sent = 0
        self.retransmitted = 0

    def impair(self, *, delay_seconds: float = 0.0, loss: float = 0.0) -> None:
        """Make the link slow or lossy; both zero repairs it."""
        self.delay_seconds = delay_seconds
        self.loss = loss
        self.impaired = delay_seconds > 0.0 or loss > 0.0


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


def _impairment(rng: random.Random, link: Link) -> float:
    """Draw both directions' extra delay and the timeouts after lost packets."""
    seconds = 0.0
    if link.delay_seconds:
        seconds += 2.0 * link.delay_seconds * (0.7 + 0.6 * rng.random())
    if link.loss:
        wait, lost = FIRST_RETRANSMISSION_SECONDS, 1.0 - (1.0 - link.loss) ** PACKETS
        for _ in range(MAX_RETRANSMISSIONS):
            if rng.random() >= lost:
                break
            link.retransmitted += 1
            seconds += wait
            wait *= 2.0
            lost = link.loss * 2.0
    return seconds
