"""The bound on what the gateway holds: requests in progress and bytes of their bodies.

Bytes are given back when nothing holds them any more, which is when Kafka has settled the message
and not when the sender was answered: an unacknowledged message stays in the producer's buffer.
"""

import asyncio
from typing import Self

from agents.gateway.config import GatewayConfig
from agents.gateway.refusal import Reason, Refusal
from agents.telemetry import GatewayMetrics


class Admission:
    """Counts requests and bytes against their limits."""

    def __init__(self, config: GatewayConfig, metrics: GatewayMetrics) -> None:
        self._config = config
        self._metrics = metrics
        self._requests = 0
        self._bytes = 0

    def enter(self) -> "Lease":
        """Admit one more request.

        Raises:
            Refusal: as many as allowed are in progress.
        """
        if self._requests >= self._config.max_inflight_requests:
            raise Refusal(
                Reason.OVERLOADED,
                f"{self._requests} requests are in progress, which is the limit; send it again",
            )
        self._requests += 1
        self._metrics.inflight_requests.set(self._requests)
        return Lease(self)

    def take(self, size: int) -> None:
        """Admit `size` more bytes.

        Raises:
            Refusal: as many as allowed are held.
        """
        if self._bytes + size > self._config.max_inflight_bytes:
            raise Refusal(
                Reason.OVERLOADED,
                f"{self._bytes} bytes wait for Kafka and the limit is "
                f"{self._config.max_inflight_bytes}; send it again",
            )
        self._bytes += size
        self._metrics.inflight_bytes.set(self._bytes)

    def give_back(self, *, requests: int = 0, size: int = 0) -> None:
        """Release what was admitted."""
        self._requests -= requests
        self._bytes -= size
        self._metrics.inflight_requests.set(self._requests)
        self._metrics.inflight_bytes.set(self._bytes)


class Lease:
    """One request's share, given back at the end of its `with` block or when Kafka settles it."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0
        self._pending: asyncio.Future[object] | None = None

    def take(self, size: int) -> None:
        """Account for `size` more bytes held by this request."""
        self._admission.take(size)
        self._size += size

    def shrink(self, size: int) -> None:
        """Account for `size` bytes that this request has let go."""
        self._admission.give_back(size=size)
        self._size -= size

    def hold_for(self, delivery: "asyncio.Future[object]") -> None:
        """Keep the bytes accounted for until Kafka has settled this delivery."""
        self._pending = delivery

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._admission.give_back(requests=1)
        if self._pending is None or self._pending.done():
            self._settled(self._pending)
        else:
            self._pending.add_done_callback(self._settled)

    def _settled(self, delivery: "asyncio.Future[object] | None") -> None:
        if delivery is not None and not delivery.cancelled():
            delivery.exception()  # marks it as seen: the sender was answered long ago
        self._admission.give_back(size=self._size)
        self._size = 0
