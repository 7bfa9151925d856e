"""Every knob of the core, with its unit in the name and a default.

Passed down as an argument; only agents/settings.py reads files and the environment.
"""

from dataclasses import dataclass, field


def _positive(section: str, **values: float) -> None:
    for key, value in values.items():
        if value <= 0:
            msg = f"{section}.{key} is {value}, expected a number above 0"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkConfig:
    """How far behind the newest event the promise "nothing older comes" is made."""

    lateness_seconds: float = field(
        default=5.0,
        metadata={"doc": "Events may arrive this much out of order and still be put in order."},
    )
    idle_seconds: float = field(
        default=10.0,
        metadata={"doc": "A telemetry source silent for this long no longer holds time back."},
    )
    late_seconds: float = field(
        default=900.0,
        metadata={"doc": "An alert older than the watermark by more than this is set aside."},
    )
    max_sources: int = field(
        default=1000, metadata={"doc": "Telemetry sources tracked at once; the idlest goes first."}
    )
    max_buffered: int = field(
        default=100_000,
        metadata={"doc": "Events held for ordering; beyond it the oldest are let go early."},
    )

    def __post_init__(self) -> None:
        """Check ranges."""
        _positive(
            "pipeline.watermark",
            lateness_seconds=self.lateness_seconds,
            idle_seconds=self.idle_seconds,
            late_seconds=self.late_seconds,
            max_sources=self.max_sources,
            max_buffered=self.max_buffered,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupingConfig:
    """L1: which alerts become one incident, and which alone open none."""

    gap_seconds: float = field(
        default=300.0,
        metadata={"doc": "An alert joins an incident when it starts within this of its last one."},
    )
    max_age_seconds: float = field(
        default=3600.0,
        metadata={"doc": "An incident takes no more alerts this long after its first one."},
    )
    max_alerts: int = field(
        default=500, metadata={"doc": "An incident takes no more than this many alerts."}
    )
    max_hops: int = field(
        default=6, metadata={"doc": "Longest path in the service graph that links two alerts."}
    )
    open_alone_severity: str = field(
        default="unknown",
        metadata={
            "doc": (
                "Least severity with which a single alert opens an incident: info, warning, "
                "unknown (no severity label) or critical; milder ones need company."
            )
        },
    )
    flap_limit: int = field(
        default=4,
        metadata={"doc": "State changes in 15 minutes beyond which an alert counts as flapping."},
    )
    flap_release: int = field(
        default=2, metadata={"doc": "State changes in 15 minutes below which it no longer does."}
    )
    max_groups: int = field(
        default=1000,
        metadata={"doc": "Groups (pending and open) held; beyond it the oldest is closed."},
    )
    max_fingerprints: int = field(
        default=200_000,
        metadata={"doc": "Alert fingerprints remembered; the longest quiet is forgotten first."},
    )

    def __post_init__(self) -> None:
        """Check ranges."""
        _positive(
            "pipeline.grouping",
            gap_seconds=self.gap_seconds,
            max_age_seconds=self.max_age_seconds,
            max_alerts=self.max_alerts,
            max_hops=self.max_hops,
            max_groups=self.max_groups,
            max_fingerprints=self.max_fingerprints,
        )
        if self.open_alone_severity not in {"info", "warning", "unknown", "critical"}:
            msg = (
                f"pipeline.grouping.open_alone_severity is {self.open_alone_severity!r}, "
                "expected info, warning, unknown or critical"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringConfig:
    """When revisions of an incident are published."""

    early_seconds: float = field(
        default=10.0, metadata={"doc": "First answer this long after the first alert."}
    )
    evaluate_seconds: float = field(
        default=30.0,
        metadata={"doc": "An incident is ranked this often while its window is open."},
    )
    min_interval_seconds: float = field(
        default=10.0, metadata={"doc": "Least time between two revisions that only update."}
    )
    refresh_seconds: float = field(
        default=300.0,
        metadata={"doc": "An open incident is published at least this often while its window is."},
    )
    confidence_step: float = field(
        default=0.1, metadata={"doc": "A move of the best candidate's probability worth telling."}
    )
    growth_share: float = field(
        default=0.2, metadata={"doc": "Growth of the alert set worth telling, as a share."}
    )
    growth_seconds: float = field(
        default=60.0,
        metadata={"doc": "Smaller growth of the alert set is told this long after the last."},
    )
    late_seconds: float = field(
        default=900.0,
        metadata={"doc": "Late alerts still change a closed window's incident for this long."},
    )
    quiet_seconds: float = field(
        default=120.0,
        metadata={"doc": "Quiet time after the last resolve before an incident is resolved."},
    )
    reopen_seconds: float = field(
        default=600.0,
        metadata={"doc": "A member alert that fires again within this reopens its incident."},
    )
    expire_seconds: float = field(
        default=86_400.0,
        metadata={"doc": "An incident whose alerts never resolve is closed after this."},
    )

    def __post_init__(self) -> None:
        """Check ranges."""
        _positive(
            "pipeline.firing",
            early_seconds=self.early_seconds,
            evaluate_seconds=self.evaluate_seconds,
            min_interval_seconds=self.min_interval_seconds,
            refresh_seconds=self.refresh_seconds,
            growth_seconds=self.growth_seconds,
            late_seconds=self.late_seconds,
            quiet_seconds=self.quiet_seconds,
            reopen_seconds=self.reopen_seconds,
            expire_seconds=self.expire_seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphConfig:
    """The service graph: how long edges live and how many there may be."""

    edge_ttl_seconds: float = field(
        default=86_400.0,
        metadata={"doc": "A learnt edge not seen for this long is dropped; declared ones stay."},
    )
    max_edges: int = field(
        default=50_000, metadata={"doc": "Edges held; beyond it the longest unseen goes first."}
    )

    def __post_init__(self) -> None:
        """Check ranges."""
        _positive(
            "pipeline.graph", edge_ttl_seconds=self.edge_ttl_seconds, max_edges=self.max_edges
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceConfig:
    """What is read around an incident, and against which past."""

    pane_seconds: int = field(
        default=30, metadata={"doc": "Length of a pane; must equal reduce.pane_seconds."}
    )
    window_seconds: float = field(
        default=300.0, metadata={"doc": "Evidence is read over the last this many seconds."}
    )
    baseline_seconds: float = field(
        default=720.0, metadata={"doc": "Length of the past that the window is compared with."}
    )
    baseline_gap_seconds: float = field(
        default=60.0, metadata={"doc": "The past ends this long before the first alert."}
    )
    after_seconds: float = field(
        default=120.0,
        metadata={
            "doc": (
                "Evidence is read until this long after the last alert, so that a recovery "
                "does not wash out the answer."
            )
        },
    )
    anomaly_z: float = field(
        default=5.0, metadata={"doc": "Robust z from which a component counts as anomalous."}
    )
    change_seconds: float = field(
        default=1800.0, metadata={"doc": "Changes this long before the onset are evidence."}
    )
    max_candidates: int = field(
        default=60, metadata={"doc": "Candidates ranked per incident, the most anomalous first."}
    )
    max_metrics: int = field(
        default=12, metadata={"doc": "Correlated metrics published per incident."}
    )
    max_traces: int = field(default=6, metadata={"doc": "Traces published per incident."})
    max_published_candidates: int = field(
        default=10, metadata={"doc": "Ranked candidates published per incident."}
    )
    max_series: int = field(
        default=50_000, metadata={"doc": "Anomalous series remembered per environment."}
    )
    max_keys: int = field(
        default=20_000, metadata={"doc": "Components and edges with panes, per environment."}
    )
    max_changes: int = field(default=1000, metadata={"doc": "Change events remembered."})

    def __post_init__(self) -> None:
        """Check ranges."""
        _positive(
            "pipeline.evidence",
            pane_seconds=self.pane_seconds,
            window_seconds=self.window_seconds,
            baseline_seconds=self.baseline_seconds,
            after_seconds=self.after_seconds,
            anomaly_z=self.anomaly_z,
            max_candidates=self.max_candidates,
            max_metrics=self.max_metrics,
            max_traces=self.max_traces,
            max_published_candidates=self.max_published_candidates,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineConfig:
    """All of the core's configuration."""

    watermark: WatermarkConfig = field(default_factory=WatermarkConfig)
    grouping: GroupingConfig = field(default_factory=GroupingConfig)
    firing: FiringConfig = field(default_factory=FiringConfig)
    graph: GraphConfig = field(default_factory=GraphConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    max_environments: int = field(
        default=1000, metadata={"doc": "Environments one worker holds at once."}
    )
