"""Stages without state: alerts and changes get their component and go on as signals."""

from collections.abc import Sequence

from agents.worker.intake import Decode, Intake
from agents.worker.packing import Packer
from agents.worker.stage import Incoming, Outgoing
from schemas.alert import Alert
from schemas.change import Change
from schemas.resolve import Resolver
from schemas.signal import AlertSignal, ChangeSignal, Signal


class Stateless:
    """The half of a stage that has nothing to remember."""

    def idle(self, now_ms: int) -> list[Outgoing]:
        """Say nothing."""
        del now_ms
        return []

    def snapshot(self) -> None:
        """Return nothing: there is no state."""

    def restore(self, data: bytes) -> None:
        """Refuse: there is no state that could have been saved."""
        del data
        msg = "this stage has no state; expected never to be asked to restore one"
        raise AssertionError(msg)


class AlertStage(Stateless):
    """Alerts of any dialect in, one AlertSignal each out."""

    def __init__(
        self,
        intake: Intake,
        packer: Packer,
        resolver: Resolver,
        decode: Decode[tuple[Alert, ...]],
    ) -> None:
        self._intake = intake
        self._packer = packer
        self._resolver = resolver
        self._decode = decode

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Forward every alert of every message."""
        outgoing: list[Outgoing] = []
        for record in records:
            self._intake.metrics.messages.labels(topic=record.topic).inc()
            alerts = self._intake.decoded(self._decode, record, now_ms)
            if isinstance(alerts, Outgoing):
                outgoing.append(alerts)
            else:
                outgoing += self._forward(record, alerts, self._intake.latest_ms(record, now_ms))
        return outgoing

    def _forward(
        self, record: Incoming, alerts: tuple[Alert, ...], latest_ms: int
    ) -> list[Outgoing]:
        good = [a for a in alerts if max(a.starts_ms, a.event_ms) <= latest_ms]
        letters = []
        if len(good) < len(alerts):
            bad = len(alerts) - len(good)
            rest = " (the others were used)" if good else ""
            found = f"{bad} of {len(alerts)} alerts{rest} are"
            letters = [self._intake.future(record, found, latest_ms)]
        return letters + self._packer.pack(self._signal(alert) for alert in good)

    def _signal(self, alert: Alert) -> tuple[str, Signal]:
        self._intake.metrics.alerts_received.labels(status=alert.status.value).inc()
        self._intake.metrics.signals.labels(type="alert").inc()
        resolved = self._resolver.component(alert.labels)
        signal = AlertSignal(alert=alert, component=resolved.component, route=resolved.route)
        return self._resolver.environment(alert.labels), signal


class ChangeStage(Stateless):
    """Changes in, one ChangeSignal each out."""

    def __init__(
        self, intake: Intake, packer: Packer, resolver: Resolver, decode: Decode[Change]
    ) -> None:
        self._intake = intake
        self._packer = packer
        self._resolver = resolver
        self._decode = decode

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Forward the change of every message."""
        outgoing: list[Outgoing] = []
        for record in records:
            self._intake.metrics.messages.labels(topic=record.topic).inc()
            change = self._intake.decoded(self._decode, record, now_ms)
            if isinstance(change, Outgoing):
                outgoing.append(change)
                continue
            latest_ms = self._intake.latest_ms(record, now_ms)
            if change.at_ms > latest_ms:
                outgoing.append(self._intake.future(record, "the change is", latest_ms))
            else:
                outgoing += self._packer.pack([self._signal(change)])
        return outgoing

    def _signal(self, change: Change) -> tuple[str, Signal]:
        self._intake.metrics.changes.inc()
        self._intake.metrics.signals.labels(type="change").inc()
        component = self._resolver.component(change.labels).component
        signal = ChangeSignal(change=change, component=component)
        return self._resolver.environment(change.labels), signal
