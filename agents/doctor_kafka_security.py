"""The doctor's look at how Kafka is secured: what works today, but is weak or ends soon."""

from agents.doctor_finding import Finding, fail, warn
from agents.errors import SettingsError
from agents.kafka import KafkaConfig
from agents.kafka_security.agreement import AUTHENTICATED, ENCRYPTED
from agents.kafka_security.tls import certificate_days_left

_SOON_DAYS = 14.0


def described(kafka: KafkaConfig) -> str:
    """Say in a few words how we connect.

    >>> described(KafkaConfig())
    'PLAINTEXT'
    """
    parts: list[str] = [kafka.security_protocol]
    if kafka.security_protocol in ENCRYPTED and kafka.tls.certificate_file is not None:
        parts.append("client certificate")
    if kafka.security_protocol in AUTHENTICATED:
        user = f" as {kafka.sasl.username!r}" if kafka.sasl.username else ""
        parts.append(f"{kafka.sasl.mechanism}{user}")
    return ", ".join(parts)


def check_kafka_security(kafka: KafkaConfig) -> list[Finding]:
    """Name what is weak, and a certificate of ours that ends soon."""
    findings = []
    if kafka.security_protocol == "SASL_PLAINTEXT":
        findings.append(
            warn(
                "kafka", "the login is not encrypted (SASL_PLAINTEXT); use SASL_SSL where you can"
            )
        )
    if not kafka.tls.check_hostname:
        findings.append(
            warn(
                "kafka",
                "kafka.tls.check_hostname is off, so that whoever the authority signed for can "
                "pose as a broker; name the brokers as their certificates do, and turn it on",
            )
        )
    try:
        days = certificate_days_left(kafka.tls)
    except (SettingsError, ValueError) as error:
        return [*findings, fail("kafka", str(error))]
    if days is not None and days < _SOON_DAYS:
        path = kafka.tls.certificate_file
        findings.append(
            warn("kafka", f"our certificate {path} expires in {days:.1f} days; renew it")
        )
    return findings
