"""Certificates and keys: what cannot be used is said in a sentence; renewed ones are followed."""

import asyncio
import contextlib
import logging
import ssl
import time
from pathlib import Path

import pytest

from agents.errors import SettingsError
from agents.kafka_security.certificate import CertificateError, validity_of
from agents.kafka_security.tls import TlsConfig, certificate_days_left, make_context, tls_context
from tests.kafka_security.certificates import Authority
from tests.kafka_security.secured import KEY_PASSWORD, Files


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"))


def pair(identity: tuple[Path, Path], **more: object) -> TlsConfig:
    return TlsConfig(certificate_file=identity[0], key_file=identity[1], **more)  # type: ignore[arg-type] # as given


def refusal(config: TlsConfig) -> str:
    with pytest.raises(SettingsError) as caught:
        make_context(config, "kafka.tls")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert KEY_PASSWORD not in sentence
    return sentence


def test_whole_pairs_can_be_used_with_and_without_a_password(files):
    context = make_context(pair(files.client, ca_file=files.ca), "kafka.tls")
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    make_context(pair(files.locked, key_password=KEY_PASSWORD), "kafka.tls")
    both = files.folder / "client-both.pem"
    both.write_bytes(files.client[0].read_bytes() + files.client[1].read_bytes())
    make_context(TlsConfig(certificate_file=both), "kafka.tls")


def test_each_file_that_cannot_be_used_is_said_in_a_sentence(files, tmp_path):
    certificate, key = files.client
    nothing, words = tmp_path / "absent.pem", tmp_path / "words.pem"
    words.write_text("not a certificate")
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    later = files.authority.sign("rootline", begin_days=2).write(tmp_path, "later")
    for config, parts in (
        (TlsConfig(ca_file=nothing), ["kafka.tls.ca_file", "absent.pem", "No such file"]),
        (TlsConfig(ca_file=tmp_path), ["kafka.tls.ca_file", "Is a directory"]),
        (TlsConfig(ca_file=words), ["ca_file", "no certificate authority in PEM form"]),
        (pair((nothing, key)), ["certificate_file", "No such file"]),
        (pair((words, key)), ["certificate_file", "no certificate in PEM form"]),
        (pair((damaged, key)), ["certificate_file", "damaged"]),
        (pair((certificate, nothing)), ["key_file", "No such file"]),
        (pair((certificate, words)), ["key_file", "no private key"]),
        (TlsConfig(certificate_file=certificate), ["holds no private key", "key_file"]),
        (pair((certificate, files.stranger[1])), ["is not the key of the certificate"]),
        (pair(files.locked), ["encrypted", "no password", "kafka.tls.key_password_file"]),
        (pair(files.locked, key_password="no"), ["cannot be opened", "key_password"]),
        (pair(files.expired), ["has expired", "renew it"]),
        (pair(later), ["valid only from", "clock"]),
    ):
        sentence = refusal(config)
        for part in parts:
            assert part in sentence


def test_a_certificate_tells_how_long_it_is_valid(files):
    now = time.time() * 1_000
    validity = validity_of(files.client[0].read_text())
    assert validity.begin_ms == pytest.approx(now - 86_400_000, abs=60_000)
    assert validity.end_ms == pytest.approx(now + 60 * 86_400_000, abs=60_000)
    assert certificate_days_left(pair(files.client)) == pytest.approx(60, abs=0.01)
    assert certificate_days_left(TlsConfig()) is None
    # Beyond 2050 a certificate writes its times in another form.
    far = files.authority.sign("rootline", end_days=20_000).write(files.folder, "far")
    assert certificate_days_left(pair(far)) == pytest.approx(20_000, abs=0.01)


def test_no_bytes_in_a_certificate_file_do_worse_than_a_sentence(files):
    good = ssl.PEM_cert_to_DER_cert(files.client[0].read_text())
    for position in range(0, len(good), 3):
        for byte in (0x00, 0x80, 0xFF):
            bad = good[:position] + bytes([byte]) + good[position + 1 :]
            for der in (bad, good[:position]):
                with contextlib.suppress(CertificateError):
                    validity_of(ssl.DER_cert_to_PEM_cert(der))


async def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """Connect over a real socket and return the subject that the server saw, or the failure."""
    seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        subject = dict(pair[0] for pair in writer.get_extra_info("peercert")["subject"])
        seen.set_result(subject["commonName"])
        writer.close()

    listening = await asyncio.start_server(take, "127.0.0.1", 0, ssl=server)
    async with listening:
        address = listening.sockets[0].getsockname()
        try:
            _, writer = await asyncio.open_connection(*address, ssl=client)
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        name = await seen
        writer.close()
        return name


def test_each_connection_is_made_with_the_files_as_they_are_by_then(files, tmp_path, caplog):
    caplog.set_level(logging.INFO, "kafka")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*files.broker)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(files.ca)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(files.ca.read_bytes())
    first = files.authority.sign("first").write(tmp_path, "ours")
    client = tls_context(pair(first, ca_file=ca))
    assert tls_context(pair(first, ca_file=ca)) is client

    async def scene() -> None:
        assert await handshake(server, client) == "first"
        files.authority.sign("second").write(tmp_path, "ours")
        assert await handshake(server, client) == "second"
        # Half-written: the old pair stays in use, and the log says so.
        first[0].write_text("-----BEGIN CERT")
        assert await handshake(server, client) == "second"
        files.authority.sign("third").write(tmp_path, "ours")
        assert await handshake(server, client) == "third"
        # An authority that is taken away is not trusted any more.
        Authority("New authority").write(tmp_path, "ca")
        assert "certificate" in await handshake(server, client)

    asyncio.run(scene())
    said = [record.message for record in caplog.records]
    assert "renewed TLS files cannot be used yet" in said
    assert "renewed TLS files are in use" in said
