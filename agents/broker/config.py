"""Settings of the embedded broker: one frozen dataclass, every limit named, checked when built."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Everything the embedded broker can be told; the defaults suit a demo on one machine.

    Raises:
        ValueError: a value is out of range, or the address is not loopback without `allow_remote`.
    """

    host: str = field(
        default="127.0.0.1",
        metadata={"doc": "Address to listen on; loopback unless allow_remote."},
    )
    port: int = field(default=9092, metadata={"doc": "Port to listen on; 0 takes any free one."})
    allow_remote: bool = field(
        default=False,
        metadata={"doc": "Permit a non-loopback address, although there is no authentication."},
    )
    data_dir: Path = field(
        default=Path("var/broker"),
        metadata={"doc": "Folder that holds topics, offsets and the lock; created when absent."},
    )
    fsync: bool = field(
        default=False,
        metadata={"doc": "Flush every write to the disk before acknowledging it (power loss)."},
    )
    segment_bytes: int = field(
        default=64 * MIB, metadata={"doc": "Size at which a partition starts a new segment file."}
    )
    segment_ms: int = field(
        default=7 * 24 * 3_600_000,
        metadata={"doc": "Age at which a partition starts a new segment file."},
    )
    index_interval_bytes: int = field(
        default=32 * 1024,
        metadata={"doc": "Bytes of log between two entries of the in-memory sparse index."},
    )
    retention_ms: int = field(
        default=7 * 24 * 3_600_000,
        metadata={"doc": "Age at which closed segments are deleted; -1 keeps them for ever."},
    )
    retention_bytes: int = field(
        default=-1,
        metadata={"doc": "Size a partition is cut back to, by whole segments; -1 is no limit."},
    )
    housekeeping_interval_ms: int = field(
        default=5_000,
        metadata={"doc": "Pause between two rounds of retention, compaction and journal upkeep."},
    )
    auto_create_topics: bool = field(
        default=True, metadata={"doc": "Create a topic when a client first asks for its metadata."}
    )
    default_partitions: int = field(
        default=1, metadata={"doc": "Partitions of a topic whose creator names no number."}
    )
    max_partitions: int = field(
        default=512,
        metadata={"doc": "Most partitions over all topics; each holds one file descriptor."},
    )
    max_connections: int = field(
        default=256, metadata={"doc": "Most client connections at one time; more are closed."}
    )
    max_request_bytes: int = field(
        default=32 * MIB, metadata={"doc": "Largest request frame; a longer one is closed upon."}
    )
    max_message_bytes: int = field(
        default=8 * MIB, metadata={"doc": "Largest record batch a produce request may carry."}
    )
    max_fetch_bytes: int = field(
        default=16 * MIB, metadata={"doc": "Most record bytes in one fetch response."}
    )
    max_inflight_bytes: int = field(
        default=128 * MIB,
        metadata={"doc": "Most bytes of requests and fetch responses held over all connections."},
    )
    max_fetch_wait_ms: int = field(
        default=30_000, metadata={"doc": "Longest a fetch may wait for new records."}
    )
    io_timeout_ms: int = field(
        default=30_000,
        metadata={"doc": "Longest a client may take to finish a frame or to read its response."},
    )
    idle_timeout_ms: int = field(
        default=600_000, metadata={"doc": "Silence after which a connection is closed."}
    )
    max_groups: int = field(default=1_000, metadata={"doc": "Most consumer groups."})
    max_group_members: int = field(default=250, metadata={"doc": "Most members of one group."})
    min_session_timeout_ms: int = field(
        default=6_000, metadata={"doc": "Shortest session timeout a group member may ask for."}
    )
    max_session_timeout_ms: int = field(
        default=1_800_000, metadata={"doc": "Longest session timeout a group member may ask for."}
    )
    group_initial_delay_ms: int = field(
        default=50,
        metadata={"doc": "Pause before an empty group's first generation, to gather members."},
    )
    max_producers_per_partition: int = field(
        default=1_000,
        metadata={"doc": "Idempotent producers remembered per partition, least recent dropped."},
    )
    compaction_max_keys: int = field(
        default=200_000, metadata={"doc": "Most distinct keys one compaction round holds."}
    )

    def __post_init__(self) -> None:
        if not self.allow_remote and not _is_loopback(self.host):
            msg = (
                f"host is {self.host!r}, which other machines can reach, and this broker has no "
                "authentication; use 127.0.0.1 or set allow_remote"
            )
            raise ValueError(msg)
        if not 0 <= self.port <= 65_535:
            msg = f"port is {self.port}; expected 0 (any free port) to 65535"
            raise ValueError(msg)
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                msg = f"{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        if self.max_message_bytes > self.max_request_bytes:
            msg = (
                f"max_message_bytes ({self.max_message_bytes}) exceeds max_request_bytes "
                f"({self.max_request_bytes}): such a message could never arrive; raise the latter"
            )
            raise ValueError(msg)
        if self.max_inflight_bytes < self.max_request_bytes:
            msg = (
                f"max_inflight_bytes ({self.max_inflight_bytes}) is below max_request_bytes "
                f"({self.max_request_bytes}): the largest request could never be read; raise it"
            )
            raise ValueError(msg)


_POSITIVE = (
    "segment_bytes",
    "segment_ms",
    "index_interval_bytes",
    "housekeeping_interval_ms",
    "default_partitions",
    "max_partitions",
    "max_connections",
    "max_request_bytes",
    "max_message_bytes",
    "max_fetch_bytes",
    "max_fetch_wait_ms",
    "io_timeout_ms",
    "idle_timeout_ms",
    "max_groups",
    "max_group_members",
    "min_session_timeout_ms",
    "max_session_timeout_ms",
    "max_producers_per_partition",
    "compaction_max_keys",
)


def _is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a listener on `host`.

    >>> _is_loopback("127.0.0.1"), _is_loopback("localhost"), _is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
