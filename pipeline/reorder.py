"""Puts events back in order of event time: what came shuffled leaves sorted."""

import heapq

from schemas.codecs.signals import decode_signal, encode_signal
from schemas.signal import AlertSignal, ChangeSignal, Signal, TelemetrySignal, TickSignal

_Key = tuple[int, int, str]


def event_ms_of(signal: Signal) -> int:
    """Return when the signal's event happened."""
    match signal:
        case AlertSignal():
            return signal.alert.event_ms
        case ChangeSignal():
            return signal.change.at_ms
        case TelemetrySignal() | TickSignal():
            return signal.observed_ms


def order_of(signal: Signal) -> _Key:
    """Return a total order: time, then telemetry before changes before alerts, then identity.

    A firing goes before a resolve of the same instant.
    """
    match signal:
        case TelemetrySignal():
            return signal.observed_ms, 0, signal.source
        case ChangeSignal():
            return signal.change.at_ms, 1, signal.change.change_id
        case AlertSignal():
            alert = signal.alert
            return alert.event_ms, 2, f"{alert.status.value}|{alert.fingerprint}|{alert.starts_ms}"
        case TickSignal():
            return signal.observed_ms, 3, ""


class ReorderBuffer:
    """A heap of signals by event time; its owner keeps it within bounds by releasing early."""

    def __init__(self) -> None:
        self._heap: list[tuple[_Key, int, Signal]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def head_ms(self) -> int | None:
        """Event time of the first signal held."""
        return self._heap[0][0][0] if self._heap else None

    def push(self, signal: Signal) -> None:
        """Hold a signal."""
        self._count += 1
        heapq.heappush(self._heap, (order_of(signal), self._count, signal))

    def pop(self) -> Signal:
        """Release the first signal."""
        return heapq.heappop(self._heap)[2]

    def snapshot(self) -> list[str]:
        """Return the held signals, in order, each as its wire form."""
        return [encode_signal(signal).decode() for _, _, signal in sorted(self._heap, key=_rank)]

    def restore(self, signals: list[str]) -> None:
        """Replace the content by a snapshot."""
        self._heap, self._count = [], 0
        for text in signals:
            self.push(decode_signal(text.encode()))


def _rank(entry: tuple[_Key, int, Signal]) -> tuple[_Key, int]:
    return entry[0], entry[1]
