"""Faust's own words for how we log in to Kafka: the same settings as every other client's."""

from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types.auth import CredentialsT

from agents.kafka import KafkaConfig
from agents.kafka_security.agreement import AUTHENTICATED, ENCRYPTED
from agents.kafka_security.tls import tls_context
from agents.kafka_security.tokens import token_source


def faust_credentials(config: KafkaConfig) -> CredentialsT | None:
    """Return what goes into Faust's `broker_credentials`; None for plaintext.

    Raises:
        SettingsError: a certificate or key cannot be used.
    """
    protocol, sasl = config.security_protocol, config.sasl
    context = tls_context(config.tls) if protocol in ENCRYPTED else None
    if protocol not in AUTHENTICATED:
        return SSLCredentials(context) if context is not None else None
    if sasl.mechanism == "OAUTHBEARER":
        return OAuthCredentials(oauth_cb=token_source(config.oauth), ssl_context=context)
    return SASLCredentials(
        username=sasl.username,
        password=sasl.password,
        mechanism=sasl.mechanism,
        ssl_context=context,
    )
