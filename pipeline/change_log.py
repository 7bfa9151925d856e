"""Recent changes of one environment, in order of time, each once."""

from dataclasses import dataclass, field

from schemas.signal import ChangeSignal


@dataclass(slots=True, kw_only=True)
class ChangeLog:
    """Bounded; `any_seen` stays true once a change came, since "none" then means something."""

    limit: int
    signals: list[ChangeSignal] = field(default_factory=list)
    any_seen: bool = False

    def add(self, signal: ChangeSignal) -> None:
        """Note a change; a repeat of a known id is ignored."""
        self.any_seen = True
        if any(c.change.change_id == signal.change.change_id for c in self.signals):
            return
        self.signals.append(signal)
        self.signals.sort(key=lambda c: (c.change.at_ms, c.change.change_id))
        del self.signals[: -self.limit]
