"""The [telemetry] section: where the worker serves its own metrics and health."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """Where /metrics, /healthz and /readyz of the worker are; the gateway has them on its port."""

    enabled: bool = field(default=True, metadata={"doc": "Serve metrics and health of a worker."})
    host: str = field(default="127.0.0.1", metadata={"doc": "Address to listen on."})
    port: int = field(default=9464, metadata={"doc": "Port to listen on; 0 takes any free one."})

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            msg = f"port is {self.port}; expected 0 (any free port) to 65535"
            raise ValueError(msg)
