"""The [worker] section: group membership, batch sizes, how often state is made durable, limits."""

from dataclasses import dataclass, field

from agents.worker.consumer_status import Patience
from agents.worker.shedding import SHEDDABLE

ROLES = ("reduce", "correlate", "notify", "verdicts")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """Everything the worker can be told besides where Kafka is and how topics are called.

    Raises:
        ValueError: a value is out of range, or a role is unknown.
    """

    roles: tuple[str, ...] = field(
        default=ROLES,
        metadata={"doc": "What this worker does: reduce, correlate, notify, verdicts."},
    )
    reduce_group: str = field(
        default="rootline-reduce", metadata={"doc": "Consumer group that reads the input topics."}
    )
    correlate_group: str = field(
        default="rootline-correlate",
        metadata={"doc": "Consumer group that reads the signals topic."},
    )
    session_timeout_ms: int = field(
        default=6_000,
        metadata={"doc": "Silence after which a dead worker's partitions go to the others."},
    )
    heartbeat_ms: int = field(
        default=1_000, metadata={"doc": "Pause between two signs of life to the group."}
    )
    rebalance_timeout_ms: int = field(
        default=30_000, metadata={"doc": "Longest a rebalance waits for this worker to hand over."}
    )
    handover_ms: int = field(
        default=10_000,
        metadata={
            "doc": "Longest a worker takes to finish its batch and save before a hand-over."
        },
    )
    poll_ms: int = field(default=200, metadata={"doc": "Longest one read waits for new records."})
    batch_records: int = field(
        default=5_000, metadata={"doc": "Most records that one read returns."}
    )
    slice_records: int = field(
        default=2_000, metadata={"doc": "Most records that are handled between two publications."}
    )
    slice_seconds: float = field(
        default=1.0,
        metadata={"doc": "Fewer records are handled at once where they would take longer."},
    )
    fetch_bytes: int = field(
        default=16 * 1024 * 1024, metadata={"doc": "Most bytes that one fetch brings."}
    )
    partition_fetch_bytes: int = field(
        default=1024 * 1024,
        metadata={"doc": "Most bytes that one fetch brings of one partition (or one message)."},
    )
    publish_records: int = field(
        default=2_000, metadata={"doc": "Most produced records that await acknowledgement."}
    )
    publish_seconds: float = field(
        default=300.0,
        metadata={"doc": "Longest to wait for acknowledgements before starting over."},
    )
    request_seconds: float = field(
        default=30.0, metadata={"doc": "Longest any other exchange with Kafka may take."}
    )
    reconnect_seconds: float = field(
        default=2.0, metadata={"doc": "Pause before Kafka is tried again after a failure."}
    )
    snapshot_seconds: float = field(
        default=10.0,
        metadata={
            "doc": "State and offsets are made durable this often: the most to be replayed."
        },
    )
    snapshot_records: int = field(
        default=100_000, metadata={"doc": "State is also saved after this many records."}
    )
    snapshot_chunk_bytes: int = field(
        default=900_000,
        metadata={"doc": "Largest record of a state topic; larger states use many."},
    )
    snapshot_max_bytes: int = field(
        default=256 * 1024 * 1024, metadata={"doc": "Largest state that is saved or restored."}
    )
    commit_seconds: float = field(
        default=1.0, metadata={"doc": "Offsets of topics without state are committed this often."}
    )
    rebuild_seconds: float = field(
        default=900.0,
        metadata={"doc": "Input read again when a saved state is missing or cannot be read."},
    )
    idle_seconds: float = field(
        default=0.5, metadata={"doc": "Pause between two ticks of a partition without backlog."}
    )
    flush_seconds: float = field(
        default=1.0, metadata={"doc": "Silence after which a reducer lets go of what it holds."}
    )
    future_seconds: float = field(
        default=300.0,
        metadata={"doc": "An event further ahead of its arrival than this is dead-lettered."},
    )
    shed: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": (
                "Telemetry that may be skipped when it is old: some of otlp_spans, otlp_metrics, "
                "metrics; never alerts or changes. Counted in rootline_messages_shed_total."
            )
        },
    )
    shed_behind_seconds: float = field(
        default=120.0, metadata={"doc": "Age from which messages of worker.shed are skipped."}
    )
    signal_bytes: int = field(
        default=900_000, metadata={"doc": "Largest record of the signals topic; larger are split."}
    )
    stuck_seconds: float = field(
        default=60.0,
        metadata={"doc": "Without progress for this long while there is work, a worker is stuck."},
    )
    ready_behind_seconds: float = field(
        default=60.0,
        metadata={"doc": "Unready while more waits and the last handled record is older."},
    )
    shutdown_seconds: float = field(
        default=20.0, metadata={"doc": "Longest an orderly stop may take; then it is ended hard."}
    )
    max_restarts: int = field(
        default=3,
        metadata={"doc": "Crashes of a stage within restart_window_seconds that end the process."},
    )
    restart_window_seconds: float = field(
        default=120.0, metadata={"doc": "Over which time crashes of a stage are counted."}
    )

    def patience(self) -> Patience:
        """Return how long what may take before a consumer counts as stuck, or as behind."""
        return Patience(
            stuck=self.stuck_seconds,
            save=self.snapshot_seconds + self.request_seconds,
            behind=self.ready_behind_seconds,
            join=self.rebalance_timeout_ms / 1000,
        )

    def __post_init__(self) -> None:
        unknown = sorted(set(self.roles) - set(ROLES))
        if unknown or not self.roles:
            msg = f"worker.roles is {list(self.roles)}; expected one or more of {', '.join(ROLES)}"
            raise ValueError(msg)
        alien = sorted(set(self.shed) - set(SHEDDABLE))
        if alien:
            msg = (
                f"worker.shed names {', '.join(alien)}; expected some of {', '.join(SHEDDABLE)} "
                "(alerts and changes are never shed)"
            )
            raise ValueError(msg)
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                msg = f"worker.{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        if self.heartbeat_ms * 3 > self.session_timeout_ms:
            msg = (
                f"worker.heartbeat_ms ({self.heartbeat_ms}) is more than a third of "
                f"worker.session_timeout_ms ({self.session_timeout_ms}): one lost heartbeat would "
                "take the partitions away; lower the first"
            )
            raise ValueError(msg)
        if self.handover_ms >= self.rebalance_timeout_ms:
            msg = (
                f"worker.handover_ms ({self.handover_ms}) is not below "
                f"worker.rebalance_timeout_ms ({self.rebalance_timeout_ms}): the group would not "
                "wait for the last save; lower the first"
            )
            raise ValueError(msg)


_POSITIVE = (
    "session_timeout_ms",
    "heartbeat_ms",
    "rebalance_timeout_ms",
    "handover_ms",
    "poll_ms",
    "batch_records",
    "slice_records",
    "slice_seconds",
    "fetch_bytes",
    "partition_fetch_bytes",
    "publish_records",
    "publish_seconds",
    "request_seconds",
    "reconnect_seconds",
    "snapshot_seconds",
    "snapshot_records",
    "snapshot_chunk_bytes",
    "snapshot_max_bytes",
    "commit_seconds",
    "rebuild_seconds",
    "idle_seconds",
    "flush_seconds",
    "future_seconds",
    "signal_bytes",
    "stuck_seconds",
    "ready_behind_seconds",
    "shed_behind_seconds",
    "shutdown_seconds",
    "max_restarts",
    "restart_window_seconds",
)
