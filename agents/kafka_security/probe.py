"""Looks for the reason why Kafka lets us not in: connects step by step, as the clients do.

The clients themselves say only that they could not connect. Changes nothing on the brokers.
"""

import asyncio
import ssl
from typing import Any

from aiokafka.conn import AIOKafkaConnection, collect_hosts, create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import SaslHandShakeRequest
from aiokafka.protocol.metadata import MetadataRequest

from agents.errors import SettingsError
from agents.kafka import KafkaConfig, security_arguments, servers
from agents.kafka_security.agreement import AUTHENTICATED, ENCRYPTED
from agents.kafka_security.sentences import is_wrong_host, known_sentence, wrong_mechanism

_MOST_BROKERS = 5
_FAILURES = (KafkaError, OSError, TimeoutError, EOFError, SettingsError)
Address = tuple[str, int]


async def reason(config: KafkaConfig, error: BaseException) -> str:
    """Return a sentence for a client's error: what a closer look finds, else what it says.

    Args:
        config: how the client connects.
        error: why it could not.
    """
    return await trouble(config) or str(error) or type(error).__name__


async def trouble(config: KafkaConfig) -> str | None:
    """Say in a sentence why no broker lets us in; None when all is well."""
    said: list[str] = []
    addresses = [(host, port) for host, port, _ in _hosts(servers(config.bootstrap))]
    for address in addresses[:_MOST_BROKERS]:
        try:
            others = await _let_in(config, address)
        except _FAILURES as error:
            said.append(await _explained(error, config, address))
        else:
            return await _advertised(config, [each for each in others if each not in addresses])
    return said[0] if said else None


async def _advertised(config: KafkaConfig, addresses: list[Address]) -> str | None:
    """Say what is wrong where the brokers say they are; a client goes on there."""
    said = None
    for address in addresses[:_MOST_BROKERS]:
        try:
            await _let_in(config, address)
        except _FAILURES as error:
            said = said or await _explained(error, config, address)
        else:
            return None
    return said and f"{said} (the brokers advertise this address)"


async def _let_in(config: KafkaConfig, address: Address) -> list[Address]:
    """Connect, log in, and ask where all brokers are."""
    limit = config.request_timeout_ms / 1_000
    async with asyncio.timeout(limit):
        _, writer = await asyncio.open_connection(*address)
        writer.close()
    connection = await _connected(config, address, security_arguments(config))
    try:
        async with asyncio.timeout(limit):
            answer = await connection.send(MetadataRequest([]))
    finally:
        await connection.close()
    return [(broker[1], broker[2]) for broker in answer.brokers]


async def _connected(config: KafkaConfig, address: Address, security: Any) -> AIOKafkaConnection:
    return await create_conn(
        *address,
        client_id=config.client_id,
        request_timeout_ms=config.request_timeout_ms,
        **security,
    )


async def _explained(error: BaseException, config: KafkaConfig, address: Address) -> str:
    where = f"Kafka at {address[0]}:{address[1]}"
    sentence = known_sentence(error, config, where)
    if sentence is not None:
        if is_wrong_host(error):
            sentence += await _names_in_certificate(config, address)
        return sentence
    if wrong_mechanism(error):
        offered = await _offered(config, address)
        return (
            f"{where} does not offer kafka.sasl.mechanism {config.sasl.mechanism}; "
            f"it offers {', '.join(offered) or 'none that it names'}: set one of these"
        )
    return await _mismatch(config, address, where) or _unreachable(error, where)


async def _mismatch(config: KafkaConfig, address: Address, where: str) -> str | None:
    """Compare what the port speaks with kafka.security_protocol."""
    protocol = config.security_protocol
    try:
        speaks_tls = await _speaks_tls(config, address)
    except (OSError, TimeoutError):
        return None
    if protocol in ENCRYPTED and not speaks_tls:
        wanted = "PLAINTEXT" if protocol == "SSL" else "SASL_PLAINTEXT"
        return (
            f"{where} does not speak TLS, and kafka.security_protocol is {protocol}; use the port "
            f"of its TLS listener, or set {wanted} where the network is trusted"
        )
    if protocol not in ENCRYPTED and speaks_tls:
        wanted = "SSL" if protocol == "PLAINTEXT" else "SASL_SSL"
        also = " (or SASL_SSL, where it asks for a login)" if protocol == "PLAINTEXT" else ""
        return (
            f"{where} speaks TLS, and kafka.security_protocol is {protocol}; set it to "
            f"{wanted}{also}, and kafka.tls.ca_file to the authority of its certificate"
        )
    if protocol in AUTHENTICATED:
        return None
    offered = await _offered(config, address)
    if not offered:
        return None
    wanted = "SASL_SSL" if protocol == "SSL" else "SASL_PLAINTEXT"
    return (
        f"{where} asks for a login ({', '.join(offered)}), and kafka.security_protocol is "
        f"{protocol}; set it to {wanted}, and [kafka.sasl]"
    )


async def _speaks_tls(config: KafkaConfig, address: Address) -> bool:
    """Try a TLS handshake; what the other side thinks of us, or we of it, does not matter here."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(config.request_timeout_ms / 1_000):
            _, writer = await asyncio.open_connection(*address, ssl=context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")
    except ConnectionResetError:
        return False
    writer.transport.abort()
    return True


async def _offered(config: KafkaConfig, address: Address) -> list[str]:
    """Return the SASL mechanisms that a broker offers; none where it asks for no login."""
    security = dict(security_arguments(config))
    encrypted = config.security_protocol in ENCRYPTED
    security["security_protocol"] = "SSL" if encrypted else "PLAINTEXT"
    try:
        connection = await _connected(config, address, security)
        try:
            async with asyncio.timeout(config.request_timeout_ms / 1_000):
                answer = await connection.send(SaslHandShakeRequest("?"))
        finally:
            await connection.close()
    except _FAILURES:
        return []
    return sorted(answer.enabled_mechanisms)


async def _names_in_certificate(config: KafkaConfig, address: Address) -> str:
    """Say for whom a certificate is, which is signed by whom we trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if config.tls.ca_file is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(config.tls.ca_file)
    try:
        async with asyncio.timeout(config.request_timeout_ms / 1_000):
            _, writer = await asyncio.open_connection(*address, ssl=context)
    except (OSError, TimeoutError):
        return ""
    certificate = writer.get_extra_info("peercert") or {}
    writer.transport.abort()
    names = [str(value) for _, value in certificate.get("subjectAltName", ())]
    return f" (its names are {', '.join(names[:5])})" if names else " (it names no host)"


def _unreachable(error: BaseException, where: str) -> str:
    if isinstance(error, TimeoutError):
        why = "it does not answer in time"
    elif isinstance(error, OSError) and error.strerror:
        why = error.strerror
    else:
        why = str(error) or type(error).__name__
    return (
        f"{where} cannot be reached ({why}); check kafka.bootstrap and that the brokers advertise "
        "addresses that this machine can reach"
    )


def _hosts(bootstrap: list[str]) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = collect_hosts(bootstrap, randomize=False)
    return found
