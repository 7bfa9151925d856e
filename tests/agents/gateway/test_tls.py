"""TLS of the gateway, spoken by real clients with certificates made for the test."""

import asyncio
import logging
import shutil
import socket
import ssl
import tempfile
import time
from pathlib import Path

import aiohttp
import pytest

from agents.doctor_finding import Verdict
from agents.doctor_http import HttpDoctor
from agents.errors import SettingsError
from agents.gateway.tls import Certificate, TlsConfig
from agents.settings import Settings, load_settings
from tests.kafka_security.certificates import Authority

AUTHORITY, OTHERS = Authority("ours"), Authority("others")


def written(folder: Path, name: str, authority: Authority = AUTHORITY) -> TlsConfig:
    certificate, key = authority.sign("gateway", "127.0.0.1").write(folder, name)
    return TlsConfig(certificate_file=certificate, key_file=key)


def trusting(authority: Authority = AUTHORITY, **changes: object) -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as folder:
        context = ssl.create_default_context(cafile=authority.write(Path(folder), "ca"))
    for name, value in changes.items():
        setattr(context, name, value)
    return context


def test_alerts_come_over_tls_to_who_trusts_the_authority(start_bench, tmp_path):
    async def scene():
        async with start_bench(tls=written(tmp_path, "ours"), trust=trusting()) as bench:
            assert bench.gateway.url.startswith("https://127.0.0.1:")
            status, body, _ = await bench.post("/v1/alerts", b"[]")
            assert (status, body) == (200, b'{"accepted":0}')
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await bench.client.get("/healthz", ssl=trusting(OTHERS))
            with pytest.raises(aiohttp.ClientError):
                await bench.client.get(bench.gateway.url.replace("https", "http") + "/healthz")
            assert (await bench.get("/healthz"))[0] == 200

    asyncio.run(scene())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(
    ("least", "most", "fits"),
    [
        ("1.2", ssl.TLSVersion.TLSv1_1, False),
        ("1.2", ssl.TLSVersion.TLSv1_2, True),
        ("1.3", ssl.TLSVersion.TLSv1_2, False),
        ("1.3", ssl.TLSVersion.TLSv1_3, True),
    ],
)
def test_older_versions_than_the_least_are_not_spoken(start_bench, tmp_path, least, most, fits):
    files = written(tmp_path, "ours")
    tls = TlsConfig(
        certificate_file=files.certificate_file, key_file=files.key_file, min_version=least
    )
    client = trusting(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=most)
    client.set_ciphers("DEFAULT:@SECLEVEL=0")

    async def scene():
        async with start_bench(kafka=False, tls=tls, trust=client) as bench:
            if fits:
                assert (await bench.get("/healthz"))[0] == 200
            else:
                with pytest.raises(aiohttp.ClientError):
                    await bench.get("/healthz")

    asyncio.run(scene())


def test_with_a_client_authority_only_its_clients_come_in(start_bench, tmp_path):
    files = written(tmp_path, "ours")
    clients = AUTHORITY.write(tmp_path, "clients")
    tls = TlsConfig(
        certificate_file=files.certificate_file, key_file=files.key_file, client_ca_file=clients
    )
    known, stranger = trusting(), trusting()
    known.load_cert_chain(*AUTHORITY.sign("agent").write(tmp_path, "known"))
    stranger.load_cert_chain(*OTHERS.sign("agent").write(tmp_path, "stranger"))

    async def scene():
        async with start_bench(kafka=False, tls=tls, trust=known) as bench:
            assert (await bench.post("/v1/alerts", b"[]"))[0] == 200
            for other in (stranger, trusting()):
                # TLS 1.3 tells a client at its first read that it is not welcome.
                with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
                    await bench.client.post("/v1/alerts", data=b"[]", ssl=other)

    asyncio.run(scene())


def test_a_renewed_certificate_is_in_force_for_new_connections(tmp_path, caplog):
    tls = written(tmp_path, "ours")
    certificate = Certificate(tls)
    assert not certificate.renew()
    # Half a pair: the old one stays, and says so.
    renewed = written(tmp_path, "renewed", OTHERS)
    shutil.copy(renewed.certificate_file, tls.certificate_file)
    assert not certificate.renew()
    assert "stays in force" in caplog.text
    assert not certificate.renew()
    shutil.copy(renewed.key_file, tls.key_file)
    with caplog.at_level(logging.INFO):
        assert certificate.renew()

    async def shown() -> None:
        server = await asyncio.start_server(
            lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=certificate.context
        )
        async with server:
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting(OTHERS))
            writer.close()

    asyncio.run(shown())


def test_files_that_are_no_certificate_are_refused_in_a_sentence(tmp_path):
    good, other = written(tmp_path, "good"), written(tmp_path, "other")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    pairs = [
        (text, good.key_file),
        (good.certificate_file, other.key_file),
        (tmp_path / "absent.pem", good.key_file),
    ]
    for certificate, key in pairs:
        with pytest.raises(SettingsError, match=r"gateway\.tls names the certificate"):
            Certificate(TlsConfig(certificate_file=certificate, key_file=key))
    with pytest.raises(SettingsError, match="client_ca_file"):
        Certificate(
            TlsConfig(
                certificate_file=good.certificate_file, key_file=good.key_file, client_ca_file=text
            )
        )


@pytest.mark.parametrize(
    "keys", ["certificate_file = 'a'", "key_file = 'a'", "client_ca_file = 'a'"]
)
def test_half_a_pair_is_refused(tmp_path, keys):
    path = tmp_path / "rootline.toml"
    path.write_text(f"[gateway.tls]\n{keys}\n")
    with pytest.raises(SettingsError, match=r"gateway\.tls"):
        load_settings(path, {})


def test_a_handshake_that_dawdles_holds_a_place_for_a_while_only(start_bench, tmp_path):
    async def scene():
        limits = {"max_connections": 2, "head_timeout_ms": 400}
        tls = written(tmp_path, "ours")
        async with start_bench(kafka=False, tls=tls, trust=trusting(), **limits) as bench:
            port = int(bench.gateway.url.rsplit(":", 1)[1])
            # They never say hello; asyncio's own limit is a minute, and counts none of them.
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            third = await asyncio.open_connection("127.0.0.1", port)
            assert await asyncio.wait_for(third[0].read(), 10) == b""
            began = time.monotonic()
            for reader, _ in held:
                assert await asyncio.wait_for(reader.read(), 30) == b""
            assert time.monotonic() - began < 20
            assert (await bench.get("/healthz"))[0] == 200
            for _, writer in (*held, third):
                writer.close()

    asyncio.run(scene())


def test_garbage_in_place_of_a_handshake_frees_its_place_at_once(start_bench, tmp_path):
    async def scene():
        tls = written(tmp_path, "ours")
        async with start_bench(kafka=False, tls=tls, trust=trusting(), max_connections=2) as bench:
            port = int(bench.gateway.url.rsplit(":", 1)[1])
            for _ in range(10):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await asyncio.sleep(0.02)
            assert (await bench.get("/healthz"))[0] == 200

    asyncio.run(scene())


def test_the_doctor_asks_a_gateway_with_tls_over_tls(start_bench, tmp_path):
    async def scene():
        tls = written(tmp_path, "ours")
        async with start_bench(tls=tls, trust=trusting()) as bench:
            section = bench.settings.gateway
            port = int(bench.gateway.url.rsplit(":", 1)[1])
            settings = Settings(
                gateway=type(section)(port=port, tls=tls), kafka=bench.settings.kafka
            )
            findings = await HttpDoctor(settings, 5.0).check(send_test=False)
            (gateway,) = [finding for finding in findings if finding.check == "gateway"]
            assert gateway.verdict is Verdict.OK, gateway.sentence

    asyncio.run(scene())
