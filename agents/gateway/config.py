"""The [gateway] section: where it listens, who may post, and every limit it holds."""

import ipaddress
from dataclasses import dataclass, field

from agents.gateway.source import SourceConfig, check_sources, is_header_text
from agents.gateway.tls import TlsConfig

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningConfig:
    """How signed requests are kept from being used twice."""

    tolerance_seconds: int = field(
        default=300,
        metadata={"doc": "Most that a signed request's timestamp may differ from our clock."},
    )
    replay_entries: int = field(
        default=200_000,
        metadata={"doc": "Most signed requests remembered within the tolerance; beyond it 503."},
    )

    def __post_init__(self) -> None:
        if self.tolerance_seconds <= 0 or self.replay_entries <= 0:
            msg = "tolerance_seconds or replay_entries is not above 0; expected a number above 0"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """Everything the gateway can be told.

    Raises:
        ValueError: a value is out of range, limits contradict each other, or other machines could
            post without a token.
    """

    host: str = field(default="127.0.0.1", metadata={"doc": "Address to listen on."})
    port: int = field(default=8088, metadata={"doc": "Port to listen on; 0 takes any free one."})
    token: str = field(
        default="",
        repr=False,
        metadata={
            "doc": "Bearer token that senders must show; empty asks for none. "
            "/healthz, /readyz and /metrics stay open.",
            "secret": True,
        },
    )
    sources: tuple[SourceConfig, ...] = field(
        default=(),
        metadata={"doc": "Senders with keys, environments and limits of their own."},
    )
    signing: SigningConfig = field(default_factory=SigningConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    requests_per_second: float = field(
        default=0.0,
        metadata={
            "doc": "Requests that one source (without keys: one address) may send on average; "
            "beyond it 429, for alerts 503, with Retry-After. 0 is no limit."
        },
    )
    burst: int = field(default=100, metadata={"doc": "Requests that one source may send at once."})
    allow_anonymous: bool = field(
        default=False,
        metadata={"doc": "Permit an address that other machines reach without a token."},
    )
    max_body_bytes: int = field(
        default=4 * MIB,
        metadata={"doc": "Largest body, before and after decompression; a larger one gets 413."},
    )
    max_inflight_bytes: int = field(
        default=64 * MIB,
        metadata={"doc": "Most bytes of bodies held at one time; beyond it 503."},
    )
    max_inflight_requests: int = field(
        default=512, metadata={"doc": "Most requests in progress at one time; beyond it 503."}
    )
    max_connections: int = field(
        default=1_024, metadata={"doc": "Most connections at one time; more are closed at once."}
    )
    body_timeout_ms: int = field(
        default=10_000, metadata={"doc": "Longest a sender may take over its body; then 408."}
    )
    head_timeout_ms: int = field(
        default=10_000,
        metadata={"doc": "Longest a new connection may take over its first request's head."},
    )
    send_timeout_ms: int = field(
        default=10_000,
        metadata={"doc": "Longest an answer may wait to be read; then the connection is ended."},
    )
    idle_timeout_ms: int = field(
        default=75_000,
        metadata={"doc": "Silence after which a connection without a request is closed."},
    )
    produce_timeout_ms: int = field(
        default=5_000,
        metadata={"doc": "Longest to wait for Kafka's acknowledgement; then 503."},
    )
    retry_after_seconds: int = field(
        default=5, metadata={"doc": "What a 503 names in Retry-After."}
    )
    probe_interval_ms: int = field(
        default=2_000, metadata={"doc": "Pause between two looks at the Kafka cluster."}
    )
    reconnect_after_ms: int = field(
        default=30_000,
        metadata={"doc": "Time without Kafka after which the brokers are looked up anew."},
    )
    shutdown_timeout_ms: int = field(
        default=15_000, metadata={"doc": "Longest to finish what is in progress at the end."}
    )

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            msg = f"port is {self.port}; expected 0 (any free port) to 65535"
            raise ValueError(msg)
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                msg = f"{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        if self.requests_per_second < 0:
            msg = f"requests_per_second is {self.requests_per_second}; expected 0 or more"
            raise ValueError(msg)
        self._check_keys()
        # A compressed body is held beside its decompressed form.
        if self.max_inflight_bytes < 2 * self.max_body_bytes:
            msg = (
                f"max_inflight_bytes ({self.max_inflight_bytes}) is less than twice "
                f"max_body_bytes ({self.max_body_bytes}): the largest body would never be taken; "
                "raise it"
            )
            raise ValueError(msg)

    def _check_keys(self) -> None:
        if self.token and not is_header_text(self.token):
            msg = "token has characters that no HTTP header carries; use printable ASCII"
            raise ValueError(msg)
        check_sources(self.sources)
        if self.token and any(source.name == SINGLE_SOURCE for source in self.sources):
            msg = f"sources names {SINGLE_SOURCE!r}, which token is; use another name"
            raise ValueError(msg)
        if any(self.token in source.tokens for source in self.sources if self.token):
            msg = "token is a token of one of the sources as well; give each its own"
            raise ValueError(msg)
        if self.token or self.sources or self.allow_anonymous or is_loopback(self.host):
            return
        msg = (
            f"host is {self.host!r}, which other machines can reach, and there is no token; "
            "set token or token_file, or sources, or allow_anonymous where the network is trusted"
        )
        raise ValueError(msg)


SINGLE_SOURCE = "default"
"""The name of the source whose key is `token`."""
_POSITIVE = (
    "max_body_bytes",
    "max_inflight_bytes",
    "max_inflight_requests",
    "max_connections",
    "burst",
    "body_timeout_ms",
    "send_timeout_ms",
    "head_timeout_ms",
    "idle_timeout_ms",
    "produce_timeout_ms",
    "retry_after_seconds",
    "probe_interval_ms",
    "reconnect_after_ms",
    "shutdown_timeout_ms",
)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a listener on `host`.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
