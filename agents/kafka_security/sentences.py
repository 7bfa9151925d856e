"""What went wrong with TLS or a login, as a sentence: what was found, what to do about it.

Nothing that a broker or a library says is repeated but what is known to hold no secret.
"""

import ssl
from collections.abc import Iterator

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from agents.errors import SettingsError
from agents.kafka import KafkaConfig
from agents.kafka_security.tokens import TokenError

# OpenSSL's numbers (X509_V_ERR_...).
_NOT_YET_VALID, _EXPIRED = 9, 10
_HOST_MISMATCH, _ADDRESS_MISMATCH = 62, 64
_UNTRUSTED = (2, 18, 19, 20, 21)
_RIGHTS = {
    TopicAuthorizationFailedError: "topic {}",
    GroupAuthorizationFailedError: "group {}",
    ClusterAuthorizationFailedError: "the cluster",
}


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, the outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def known_sentence(error: BaseException, config: KafkaConfig, where: str) -> str | None:
    """Explain an error whose cause is clear from itself; None where one has to look further."""
    for each in chain(error):
        if isinstance(each, SettingsError):
            return str(each)
        if isinstance(each, TokenError):
            return str(each.args[0]) if each.args else str(each)
        if isinstance(each, ssl.SSLCertVerificationError):
            return _of_their_certificate(each, config, where)
        if isinstance(each, SaslAuthenticationFailed):
            return _of_login(config, where)
        if isinstance(each, IllegalSaslStateError):
            wanted = config.security_protocol.removeprefix("SASL_")
            return (
                f"{where} asks for no login, and kafka.security_protocol is "
                f"{config.security_protocol}; set it to {wanted}, or use the port that does"
            )
        if isinstance(each, ssl.SSLError) and "ALERT" in (each.reason or ""):
            return _of_alert(each.reason, config, where)
    return None


def missing_right(error: BaseException) -> str | None:
    """Say which right our user lacks, where that is what an error is about.

    >>> missing_right(TopicAuthorizationFailedError("incidents"))
    'our user has no right on topic incidents; docs/SECURING-KAFKA.md lists what it needs'
    """
    for each in chain(error):
        for kind, what in _RIGHTS.items():
            if isinstance(each, kind):
                # aiokafka names one, or a set of them.
                found = each.args[0] if each.args else "?"
                names = sorted(found) if isinstance(found, set | frozenset) else [found]
                on = what.format(", ".join(str(name) for name in names))
                return f"our user has no right on {on}; docs/SECURING-KAFKA.md lists what it needs"
    return None


def wrong_mechanism(error: BaseException) -> bool:
    """Tell whether the broker knows SASL but not our mechanism."""
    return any(isinstance(each, UnsupportedSaslMechanismError) for each in chain(error))


def is_wrong_host(error: BaseException) -> bool:
    """Tell whether a certificate was refused only because it is for another host."""
    return any(
        isinstance(each, ssl.SSLCertVerificationError)
        and each.verify_code in (_HOST_MISMATCH, _ADDRESS_MISMATCH)
        for each in chain(error)
    )


def _of_their_certificate(
    error: ssl.SSLCertVerificationError, config: KafkaConfig, where: str
) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return f"the certificate of {where} has expired; renew it on the broker"
    if code == _NOT_YET_VALID:
        return f"the certificate of {where} is not valid yet; check this machine's clock"
    if code in (_HOST_MISMATCH, _ADDRESS_MISMATCH):
        return (
            f"the certificate of {where} is for another host; name the broker in kafka.bootstrap "
            "and in its advertised.listeners as its certificate does, or give it a certificate "
            "for this name"
        )
    if code in _UNTRUSTED:
        trusted = config.tls.ca_file or "the operating system's authorities"
        return (
            f"the certificate of {where} is not signed by whom we trust ({trusted}); set "
            "kafka.tls.ca_file to the certificate of the authority that signed it"
        )
    return f"the certificate of {where} is refused: {error.verify_message}"


def _of_login(config: KafkaConfig, where: str) -> str:
    if config.sasl.mechanism == "OAUTHBEARER":
        origin = "kafka.oauth.token_file"
        if config.oauth.token_file is None:
            origin = "kafka.oauth.token_url, scope and audience"
        return (
            f"{where} refuses the token; check {origin}, and that the brokers know the issuer, "
            "its keys and the audience"
        )
    return (
        f"{where} refuses the login of user {config.sasl.username!r} by {config.sasl.mechanism}; "
        "check kafka.sasl.username and kafka.sasl.password (or password_file), and that the user "
        "exists for this mechanism"
    )


def _of_alert(reason: str, config: KafkaConfig, where: str) -> str:
    if config.tls.certificate_file is None:
        return (
            f"{where} wants a client certificate (mTLS), and kafka.tls.certificate_file is unset; "
            f"set it and kafka.tls.key_file (the broker's alert: {_alert(reason)})"
        )
    return (
        f"{where} refuses our certificate {config.tls.certificate_file} "
        f"({_alert(reason)}); check that an authority signed it that the brokers trust, that it "
        "has not expired, and both clocks"
    )


def _alert(reason: str) -> str:
    """Name a TLS alert as its standard does.

    >>> _alert("SSLV3_ALERT_CERTIFICATE_UNKNOWN")
    'certificate unknown'
    """
    return reason.partition("ALERT_")[2].replace("_", " ").lower()
