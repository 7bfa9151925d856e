"""The [watchdog] section: when a process ends itself, so that its supervisor starts it anew."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogConfig:
    """What a worker watches in itself. It ends with a status other than 0 and a sentence.

    Raises:
        ValueError: a value is out of range.
    """

    enabled: bool = field(
        default=True, metadata={"doc": "Watch the event loop, the consumers and the memory."}
    )
    stall_seconds: float = field(
        default=30.0,
        metadata={"doc": "An event loop silent for this long ends the process at once."},
    )
    stuck_seconds: float = field(
        default=60.0,
        metadata={
            "doc": "A consumer that is stuck (worker.stuck_seconds) and stays so ends the process."
        },
    )
    memory_bytes: int = field(
        default=0,
        metadata={"doc": "Resident memory above which a worker saves and ends; 0: no limit."},
    )

    def __post_init__(self) -> None:
        for name in ("stall_seconds", "stuck_seconds"):
            if getattr(self, name) <= 0:
                msg = f"watchdog.{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        if self.memory_bytes < 0:
            msg = f"watchdog.memory_bytes is {self.memory_bytes}; expected 0 (no limit) or more"
            raise ValueError(msg)
