"""What one simulated run is made of: how long, how busy, how finely it is observed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationConfig:
    """Length, load and observation of one run.

    The fault starts at a moment drawn within the first `onset_share` of the storm and lasts until
    the storm ends; `recovery_seconds` is what is recorded after that. `request_rate` is the mean
    rate of user requests a second, `span_sampling` the share of traces that is kept (head
    sampling). `target` names the victim; None leaves it to the seed.
    """

    warmup_seconds: float = 600.0
    storm_seconds: float = 420.0
    recovery_seconds: float = 0.0
    onset_share: float = 0.15
    request_rate: float = 30.0
    scrape_seconds: int = 15
    span_sampling: float = 1.0
    start_ms: int = 1_772_445_600_000  # 2026-03-02T10:00:00Z
    environment: str = "prod-eu1"
    target: str | None = None
    spans: bool = True
    metrics: bool = True
    alerts: bool = True
    changes: bool = True
    noise_alerts: bool = True
    background_changes: bool = True

    def __post_init__(self) -> None:
        """Refuse what no run can be made of."""
        if self.warmup_seconds < 60 or self.storm_seconds < 60:
            msg = (
                f"warmup_seconds={self.warmup_seconds} and storm_seconds={self.storm_seconds} "
                "must both be at least 60: rules look back over a minute"
            )
            raise ValueError(msg)
        if not 0.5 <= self.request_rate <= 200:
            msg = (
                f"request_rate={self.request_rate} must lie between 0.5 and 200 requests a second"
            )
            raise ValueError(msg)
        if not 0.0 <= self.span_sampling <= 1.0 or not 0.0 <= self.onset_share <= 0.5:
            msg = "span_sampling must lie in [0, 1] and onset_share in [0, 0.5]"
            raise ValueError(msg)
        if self.scrape_seconds < 5 or self.recovery_seconds < 0:
            msg = "scrape_seconds must be at least 5 and recovery_seconds not negative"
            raise ValueError(msg)

    @property
    def duration_seconds(self) -> float:
        """Length of the whole recording."""
        return self.warmup_seconds + self.storm_seconds + self.recovery_seconds
