"""What a secured Apache Kafka cluster is started with, beside what every one is."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The listeners that clients use, and the server properties that secure them.

    Brokers and controllers talk to each other over plaintext listeners of their own on loopback,
    and the cluster's own check whether it is ready goes there too.

    Args:
        listeners: name -> protocol (`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`); the first
            one is the cluster's `bootstrap`, each one is at `address(name)`.
        properties: server properties, such as `listener.name.tls.ssl.keystore.location`.
        scram: arguments of the storage tool's `--add-scram`, such as
            `SCRAM-SHA-512=[name=alice,password=secret]`.
        jvm: options of the broker's JVM, such as `-Djava.security.auth.login.config=FILE`.
    """

    listeners: Mapping[str, str] = field(default_factory=lambda: {"CLIENT": "PLAINTEXT"})
    properties: Mapping[str, str] = field(default_factory=dict)
    scram: tuple[str, ...] = ()
    jvm: tuple[str, ...] = ()
