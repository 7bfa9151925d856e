"""The configuration of REDUCE."""

from dataclasses import dataclass, field

from pipeline.baseline import BaselineConfig

COMPONENT_ID_LIMIT = 1 << 17
SHORTEST_PANE_SECONDS = 10
"""A pane key is two component ids and a pane number in 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceConfig:
    """How REDUCE cuts, keeps and speaks; one for both reducers."""

    pane_seconds: int = field(
        default=30, metadata={"doc": "length of a pane; the same as the engine's"}
    )
    flush_seconds: float = field(
        default=5.0,
        metadata={"doc": "event time after which changed panes are sent again, totals so far"},
    )
    panes_per_signal: int = field(
        default=500, metadata={"doc": "panes of each sort in one signal; more go into the next"}
    )
    future_seconds: float = field(
        default=5.0,
        metadata={"doc": "event time is believed at most this far ahead of the arrival"},
    )
    sighting_panes: int = field(
        default=10, metadata={"doc": "panes after which a component is announced again"}
    )
    component_limit: int = field(
        default=20_000, metadata={"doc": "components one reducer knows; further ones are ignored"}
    )
    baseline: BaselineConfig = field(
        default=BaselineConfig(), metadata={"doc": "how the baselines of metric series learn"}
    )
    anomaly_z: float = field(
        default=3.0, metadata={"doc": "a series is sent once its bad z is at least this"}
    )
    history_panes: int = field(
        default=10,
        metadata={"doc": "panes that are sent from before an anomaly, and after it"},
    )
    series_limit: int = field(
        default=100_000,
        metadata={"doc": "metric series with state; the longest silent ones make room"},
    )
    counter_gap_seconds: float = field(
        default=300.0, metadata={"doc": "a counter silent for longer starts anew, without a rate"}
    )
    stale_seconds: float = field(
        default=90.0,
        metadata={"doc": "a series silent for longer while its target speaks has stopped"},
    )
    silent_seconds: float = field(
        default=150.0,
        metadata={"doc": "a component silent for longer while others speak has stopped"},
    )
    span_limit: int = field(
        default=200_000, metadata={"doc": "spans kept to join parents and children"}
    )
    trace_hold_seconds: float = field(
        default=5.0,
        metadata={"doc": "event time without news after which a trace's self times are counted"},
    )
    trace_keep_seconds: float = field(
        default=30.0,
        metadata={"doc": "event time for which spans are kept for late children and repeats"},
    )
    pane_keep_seconds: float = field(
        default=300.0,
        metadata={"doc": "event time for which a pane takes late spans; later ones are dropped"},
    )
    exemplars_per_pane: int = field(
        default=3, metadata={"doc": "spans shown per pane: the slowest and the slowest failed"}
    )
    statements_per_edge: int = field(
        default=5, metadata={"doc": "statements sent per edge pane, by time spent"}
    )
    statements_tracked: int = field(
        default=64, metadata={"doc": "statements told apart per edge pane; the rest is one"}
    )
    alias_limit: int = field(
        default=50_000, metadata={"doc": "learnt meanings of peer names; forgotten all when full"}
    )

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name in (
            "panes_per_signal",
            "sighting_panes",
            "history_panes",
            "series_limit",
            "span_limit",
            "exemplars_per_pane",
            "statements_per_edge",
            "statements_tracked",
            "alias_limit",
        ):
            if getattr(self, name) < 1:
                msg = f"reduce.{name} is {getattr(self, name)}; give at least 1."
                raise ValueError(msg)
        if self.pane_seconds < SHORTEST_PANE_SECONDS:
            msg = (
                f"reduce.pane_seconds is {self.pane_seconds};"
                f" give at least {SHORTEST_PANE_SECONDS}."
            )
            raise ValueError(msg)
        if not 1 <= self.component_limit <= COMPONENT_ID_LIMIT:
            msg = (
                f"reduce.component_limit is {self.component_limit};"
                f" give 1 to {COMPONENT_ID_LIMIT}."
            )
            raise ValueError(msg)
        if self.flush_seconds < 0 or self.trace_hold_seconds < 0:
            msg = "reduce.flush_seconds and reduce.trace_hold_seconds must not be negative."
            raise ValueError(msg)
        if self.trace_keep_seconds < self.trace_hold_seconds:
            msg = (
                f"reduce.trace_keep_seconds is {self.trace_keep_seconds}, less than"
                f" trace_hold_seconds ({self.trace_hold_seconds}); keep spans at least as long."
            )
            raise ValueError(msg)

    @property
    def pane_ms(self) -> int:
        """Length of a pane in milliseconds."""
        return self.pane_seconds * 1000

    @property
    def flush_ms(self) -> int:
        """Event time between two signals in milliseconds."""
        return int(self.flush_seconds * 1000)

    @property
    def layout(self) -> dict[str, int]:
        """What a snapshot's columns are laid out by; another layout cannot take it over."""
        return {
            "pane_seconds": self.pane_seconds,
            "history_panes": self.history_panes,
            "baseline.ring": self.baseline.ring,
        }
