"""Whether the [kafka] section and its [kafka.tls], [kafka.sasl], [kafka.oauth] tables agree.

A setting that would have no effect is refused: whoever set it believes that it protects something.
"""

from typing import Literal

from agents.kafka_security.sasl import OauthConfig, SaslConfig
from agents.kafka_security.tls import TlsConfig

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
ENCRYPTED = ("SSL", "SASL_SSL")
AUTHENTICATED = ("SASL_PLAINTEXT", "SASL_SSL")


def check_agreement(
    protocol: Protocol, tls: TlsConfig, sasl: SaslConfig, oauth: OauthConfig
) -> None:
    """Check that every setting has an effect and nothing that is needed is missing.

    Raises:
        ValueError: one has none, or is.
    """
    if protocol not in ENCRYPTED and tls.is_set:
        msg = (
            f"security_protocol is {protocol}, which is not encrypted, and [kafka.tls] is set; "
            f"set security_protocol to {_with_tls(protocol)}, or remove [kafka.tls]"
        )
        raise ValueError(msg)
    if protocol in AUTHENTICATED:
        _check_login(protocol, sasl, oauth)
    elif sasl.mechanism is not None or sasl.username or oauth.is_set:
        named = "[kafka.oauth]" if oauth.is_set else "[kafka.sasl]"
        wanted = "SASL_SSL" if protocol == "SSL" or not sasl.allow_cleartext else "SASL_PLAINTEXT"
        msg = (
            f"security_protocol is {protocol}, which does not log in, and {named} is set; "
            f"set security_protocol to {wanted}, or remove {named}"
        )
        raise ValueError(msg)


def _check_login(protocol: Protocol, sasl: SaslConfig, oauth: OauthConfig) -> None:
    if sasl.mechanism is None:
        msg = (
            f"security_protocol is {protocol} and sasl.mechanism is unset; set it to one of "
            "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER"
        )
        raise ValueError(msg)
    if protocol == "SASL_PLAINTEXT" and not sasl.allow_cleartext:
        loss = {
            "PLAIN": "the password can be read",
            "OAUTHBEARER": "the token can be read",
        }.get(sasl.mechanism, "all messages can be read, and the password guessed offline,")
        msg = (
            f"security_protocol is SASL_PLAINTEXT: {loss} by everyone on the way; use SASL_SSL, "
            "or declare it with sasl.allow_cleartext = true"
        )
        raise ValueError(msg)
    if sasl.mechanism != "OAUTHBEARER" and oauth.is_set:
        msg = (
            f"sasl.mechanism is {sasl.mechanism} and [kafka.oauth] is set, which only OAUTHBEARER "
            "uses; change the mechanism, or remove [kafka.oauth]"
        )
        raise ValueError(msg)
    if sasl.mechanism == "OAUTHBEARER" and not (oauth.token_url or oauth.token_file):
        msg = (
            "sasl.mechanism is OAUTHBEARER and it is not said where the token comes from; set "
            "oauth.token_url with client_id and client_secret_file, or oauth.token_file"
        )
        raise ValueError(msg)


def _with_tls(protocol: Protocol) -> Protocol:
    return "SASL_SSL" if protocol == "SASL_PLAINTEXT" else "SSL"
