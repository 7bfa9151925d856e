"""Apache Kafka with one listener for each way of being secured, and the settings that fit each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clusters.security import Security
from tests.kafka_security.certificates import Authority
from tests.kafka_security.tokens import AUDIENCE, CLIENT_ID, CLIENT_SECRET, ISSUER

USER, OTHER_USER = "rootline", "rootline-gateway"
PASSWORD = "canary-kafka-password"
KEY_PASSWORD = "canary-key-password"

LISTENERS = {
    "TLS": "SSL",
    "MTLS": "SSL",
    "SCRAM": "SASL_SSL",
    "OAUTH": "SASL_SSL",
    "BOTH": "SASL_SSL",
    "CLEAR": "SASL_PLAINTEXT",
    "OPEN": "PLAINTEXT",
    "OLD": "SSL",
}
_SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN_LOGIN = (
    f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
)
_BEARER_LOGIN = (
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
    'unsecuredLoginStringClaim_sub="broker";'
)
_SIGNED_TOKENS = "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator"
_BEARER_CHECK = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"


class Files:
    """Every certificate and key of the tests, in one folder."""

    def __init__(self, folder: Path) -> None:
        ours, theirs = Authority("Test authority"), Authority("Another authority")
        self.folder = folder
        self.authority = ours
        self.ca = ours.write(folder, "ca")
        self.other_ca = theirs.write(folder, "other-ca")
        self.broker = ours.sign("broker", "127.0.0.1").write(folder, "broker")
        self.old_broker = ours.sign("broker", "127.0.0.1", begin_days=-9, end_days=-2).write(
            folder, "old-broker"
        )
        self.client = ours.sign("rootline").write(folder, "client")
        self.locked = ours.sign("rootline").write(folder, "locked", KEY_PASSWORD)
        self.expired = ours.sign("rootline", begin_days=-9, end_days=-2).write(folder, "expired")
        self.stranger = theirs.sign("rootline").write(folder, "stranger")


def security(files: Files, keys_url: str, properties: Mapping[str, str] | None = None) -> Security:
    """What the cluster is started with.

    Args:
        files: the certificates.
        keys_url: where the broker reads the keys that sign tokens.
        properties: more server properties.
    """
    return Security(
        listeners=LISTENERS,
        properties={
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": _keystore(files.broker),
            "listener.name.old.ssl.keystore.type": "PEM",
            "listener.name.old.ssl.keystore.location": _keystore(files.old_broker),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(files.ca),
            "listener.name.mtls.ssl.client.auth": "required",
            "listener.name.both.ssl.client.auth": "required",
            **_scram("scram", "SCRAM-SHA-512", "SCRAM-SHA-256"),
            **_scram("both", "SCRAM-SHA-512"),
            **_scram("clear", "SCRAM-SHA-256", "PLAIN"),
            "listener.name.clear.plain.sasl.jaas.config": _PLAIN_LOGIN,
            **_bearer("oauth", keys_url),
            **(properties or {}),
        },
        scram=tuple(
            f"{kind}=[name={user},password={PASSWORD}]"
            for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for user in (USER, OTHER_USER)
        ),
        jvm=(f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys_url}",),
    )


def _keystore(identity: tuple[Path, Path]) -> str:
    """Put key and certificate into the one file that Kafka takes as a keystore."""
    certificate, key = identity
    both = certificate.with_suffix(".keystore.pem")
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return str(both)


def _scram(listener: str, *mechanisms: str) -> dict[str, str]:
    named = f"listener.name.{listener}"
    logins = {
        f"{named}.{mechanism.lower()}.sasl.jaas.config": _SCRAM_LOGIN
        for mechanism in mechanisms
        if mechanism != "PLAIN"
    }
    return {f"{named}.sasl.enabled.mechanisms": ",".join(mechanisms), **logins}


def _bearer(listener: str, keys_url: str) -> dict[str, str]:
    named = f"listener.name.{listener}"
    return {
        f"{named}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{named}.oauthbearer.sasl.jaas.config": _BEARER_LOGIN,
        f"{named}.oauthbearer.sasl.server.callback.handler.class": _BEARER_CHECK,
        f"{named}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url": keys_url,
        # Without it Kafka 4.1 takes a token of any signer; a mechanism's prefix would hide it.
        f"{named}.sasl.oauthbearer.jwt.validator.class": _SIGNED_TOKENS,
        f"{named}.oauthbearer.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{named}.oauthbearer.sasl.oauthbearer.expected.issuer": ISSUER,
    }


def fitting(files: Files, token_url: str) -> dict[str, dict[str, Any]]:
    """The [kafka] section (without bootstrap) that fits each listener."""
    tls = {"ca_file": str(files.ca)}
    mutual = tls | {"certificate_file": str(files.client[0]), "key_file": str(files.client[1])}
    scram = {"mechanism": "SCRAM-SHA-512", "username": USER, "password": PASSWORD}
    oauth = {
        "token_url": token_url,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "ca_file": str(files.ca),
        "scope": "kafka",
    }
    clear = scram | {"mechanism": "SCRAM-SHA-256", "allow_cleartext": True}
    return {
        "TLS": {"security_protocol": "SSL", "tls": tls},
        "MTLS": {"security_protocol": "SSL", "tls": mutual},
        "SCRAM": {"security_protocol": "SASL_SSL", "tls": tls, "sasl": scram},
        "OAUTH": {
            "security_protocol": "SASL_SSL",
            "tls": tls,
            "sasl": {"mechanism": "OAUTHBEARER"},
            "oauth": oauth,
        },
        "BOTH": {"security_protocol": "SASL_SSL", "tls": mutual, "sasl": scram},
        "CLEAR": {"security_protocol": "SASL_PLAINTEXT", "sasl": clear},
        "OPEN": {},
        "OLD": {"security_protocol": "SSL", "tls": tls},
    }
