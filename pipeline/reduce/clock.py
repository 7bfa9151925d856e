"""Event time per environment: how far it has come, and when it is time to speak again.

Invariant: event time never goes back.
"""

from dataclasses import dataclass, field

from pipeline.reduce.roster import NEVER


@dataclass(slots=True)
class Clock:
    """Event time of one environment, and the event time of its last signal."""

    event_ms: int = NEVER
    spoke_ms: int = NEVER


@dataclass(slots=True)
class Clocks:
    """The clocks of one reducer, by environment."""

    by_environment: dict[str, Clock] = field(default_factory=dict)

    def advance(self, environment: str, to_ms: int) -> None:
        """Note an event; an earlier one than the latest changes nothing."""
        clock = self.by_environment.setdefault(environment, Clock())
        clock.event_ms = max(clock.event_ms, to_ms)

    def due(self, flush_ms: int) -> list[tuple[str, int]]:
        """Return (environment, event time) of those that have not spoken for `flush_ms`.

        >>> clocks = Clocks()
        >>> clocks.advance("prod", 1000)
        >>> clocks.due(5000)
        [('prod', 1000)]
        >>> clocks.spoke("prod"), clocks.due(0), clocks.due(5000)
        (None, [('prod', 1000)], [])
        """
        return [
            (name, clock.event_ms)
            for name, clock in sorted(self.by_environment.items())
            if clock.event_ms - clock.spoke_ms >= flush_ms
        ]

    def has_moved(self, environment: str) -> bool:
        """Say whether event time came further since the last signal."""
        clock = self.by_environment[environment]
        return clock.event_ms > clock.spoke_ms

    def spoke(self, environment: str) -> None:
        """Note that a signal was given at the present event time."""
        clock = self.by_environment[environment]
        clock.spoke_ms = clock.event_ms
