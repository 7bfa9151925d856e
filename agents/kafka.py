"""How to reach Kafka: the [kafka] section, and the client arguments that every client shares.

Every producer, consumer and admin client takes its connection from `client_arguments`, encryption
and login included; a test holds that nobody makes one without.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from agents.kafka_security.agreement import AUTHENTICATED, ENCRYPTED, Protocol, check_agreement
from agents.kafka_security.sasl import OauthConfig, SaslConfig
from agents.kafka_security.tls import TlsConfig, tls_context

Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaConfig:
    """Where the cluster is and how patient its clients are.

    Raises:
        ValueError: a value is out of range, or `bootstrap` is no list of host:port.
    """

    bootstrap: str = field(
        default="127.0.0.1:9092",
        metadata={"doc": "Brokers to ask first, as host:port, separated by commas."},
    )
    client_id: str = field(
        default="rootline", metadata={"doc": "Name by which the brokers' logs and quotas know us."}
    )
    request_timeout_ms: int = field(
        default=10_000, metadata={"doc": "Longest one request to a broker may take."}
    )
    retry_backoff_ms: int = field(
        default=100, metadata={"doc": "Pause before a failed request is sent again."}
    )
    metadata_max_age_ms: int = field(
        default=30_000,
        metadata={"doc": "Age at which topics and partition leaders are asked for anew."},
    )
    compression: Compression = field(
        default="lz4", metadata={"doc": "How produced batches are compressed."}
    )
    linger_ms: int = field(
        default=2, metadata={"doc": "Longest a message waits for others to share its batch."}
    )
    max_message_bytes: int = field(
        default=8 * 1024 * 1024,
        metadata={
            "doc": "Largest message we produce; the topics' max.message.bytes must allow it."
        },
    )
    security_protocol: Protocol = field(
        default="PLAINTEXT",
        metadata={
            "doc": "What the brokers' listener speaks: SSL is encrypted, SASL_... asks for a "
            "login. docs/SECURING-KAFKA.md shows each."
        },
    )
    tls: TlsConfig = field(default_factory=TlsConfig)
    sasl: SaslConfig = field(default_factory=SaslConfig)
    oauth: OauthConfig = field(default_factory=OauthConfig)

    def __post_init__(self) -> None:
        servers(self.bootstrap)
        check_agreement(self.security_protocol, self.tls, self.sasl, self.oauth)
        if not self.client_id:
            msg = "client_id is empty; expected a name"
            raise ValueError(msg)
        for name in ("request_timeout_ms", "retry_backoff_ms", "metadata_max_age_ms"):
            if getattr(self, name) <= 0:
                msg = f"{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        if not 0 <= self.linger_ms <= 1_000:
            msg = f"linger_ms is {self.linger_ms}; expected 0 to 1000"
            raise ValueError(msg)
        if self.max_message_bytes < 1_024:
            msg = f"max_message_bytes is {self.max_message_bytes}; expected 1024 or more"
            raise ValueError(msg)


def servers(bootstrap: str) -> list[str]:
    """Split and check a list of brokers.

    >>> servers("a:9092, [::1]:9093")
    ['a:9092', '[::1]:9093']
    """
    found = [part.strip() for part in bootstrap.split(",") if part.strip()]
    if not found:
        msg = "bootstrap is empty; expected host:port, for example 127.0.0.1:9092"
        raise ValueError(msg)
    for server in found:
        host, _, port = server.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= 65_535:
            msg = f"bootstrap names {server!r}; expected host:port, for example 127.0.0.1:9092"
            raise ValueError(msg)
    return found


def client_arguments(config: KafkaConfig) -> dict[str, object]:
    """The keyword arguments that every aiokafka client takes.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    return {
        "bootstrap_servers": servers(config.bootstrap),
        "client_id": config.client_id,
        "request_timeout_ms": config.request_timeout_ms,
        "retry_backoff_ms": config.retry_backoff_ms,
        "metadata_max_age_ms": config.metadata_max_age_ms,
        **security_arguments(config),
    }


def security_arguments(config: KafkaConfig) -> Mapping[str, object]:
    """What of a client's arguments is about encryption and login.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    protocol, sasl = config.security_protocol, config.sasl
    arguments: dict[str, object] = {"security_protocol": protocol}
    if protocol in ENCRYPTED:
        arguments["ssl_context"] = tls_context(config.tls)
    if protocol in AUTHENTICATED:
        arguments["sasl_mechanism"] = sasl.mechanism
        if sasl.mechanism == "OAUTHBEARER":
            # Not above: it brings aiohttp and aiokafka, which reading settings can do without.
            from agents.kafka_security.tokens import token_source  # noqa: PLC0415

            arguments["sasl_oauth_token_provider"] = token_source(config.oauth)
        else:
            arguments["sasl_plain_username"] = sasl.username
            arguments["sasl_plain_password"] = sasl.password
    return arguments


def producer_arguments(config: KafkaConfig) -> dict[str, object]:
    """The keyword arguments of a producer: acknowledged by all replicas, without duplicates."""
    return client_arguments(config) | {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": config.linger_ms,
        "compression_type": None if config.compression == "none" else config.compression,
        # aiokafka measures the size before compression and with the record's overhead; the
        # configured limit is for the value alone.
        "max_request_size": config.max_message_bytes + 64 * 1024,
    }
