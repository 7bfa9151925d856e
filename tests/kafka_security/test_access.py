"""Apache Kafka lets every client of ours in, in each way it is secured; else it is said why."""

import asyncio
import io
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaConnectionError

from agents.doctor_finding import Verdict
from agents.doctor_kafka import check_kafka
from agents.kafka import KafkaConfig, client_arguments, producer_arguments
from agents.kafka_security.explainer import Explainer
from agents.kafka_security.probe import trouble
from agents.kafka_security.tokens import token_source
from agents.logs import LoggingConfig, configure_logging
from agents.settings import load_settings
from agents.settings_secrets import secret_texts
from agents.worker.topic_admin import admin_client
from agents.worker.topics import TopicsConfig
from tests.clusters.apache import ApacheCluster
from tests.kafka_security.secured import KEY_PASSWORD, PASSWORD, Files
from tests.kafka_security.tokens import CLIENT_SECRET, Signer, TokenServer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(120),
    # aiokafka does not wait for the sockets of a connection that failed; the loop ends before.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Kafka = Callable[..., KafkaConfig]
WRONGS = (
    "wrong authority",
    "expired broker",
    "no certificate",
    "foreign certificate",
    "wrong password",
    "wrong plain password",
    "unknown user",
    "wrong mechanism",
    "token of another signer",
    "expired token",
    "wrong client secret",
    "plain at a TLS port",
    "plain login at a TLS port",
    "TLS at a plain port",
    "TLS login at a plain port",
    "no login",
    "no login in the clear",
    "login nobody wants",
)
ROOT = Path(__file__).parents[2]
OPEN_WAYS = ("TLS", "MTLS", "SCRAM", "OAUTH", "BOTH", "CLEAR", "OPEN")


async def there_and_back(config: KafkaConfig) -> None:
    """Create a topic, produce to it, and read it in a group that commits."""
    topic = f"t-{uuid.uuid4()}"
    async with admin_client(config) as admin:
        await admin.create_topics([NewTopic(topic, 1, 1)])
    producer = AIOKafkaProducer(**producer_arguments(config))
    await producer.start()
    try:
        for number in range(20):
            await producer.send_and_wait(topic, str(number).encode())
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(
        topic, **client_arguments(config), group_id=topic, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        seen: list[int] = []
        async with asyncio.timeout(30):
            while len(seen) < 20:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    seen += [int(record.value) for record in records]
        assert seen == list(range(20))
        await consumer.commit()
    finally:
        await consumer.stop()


@pytest.mark.parametrize("listener", OPEN_WAYS)
def test_every_kind_of_client_is_let_in(kafka: Kafka, listener: str) -> None:
    asyncio.run(there_and_back(kafka(listener)))


@pytest.mark.parametrize(
    ("listener", "changes"),
    [
        ("SCRAM", {"sasl": {"mechanism": "SCRAM-SHA-256"}}),
        ("CLEAR", {"sasl": {"mechanism": "PLAIN"}}),
    ],
    ids=["SCRAM-SHA-256", "PLAIN"],
)
def test_the_other_mechanisms_are_let_in(kafka: Kafka, listener: str, changes: Any) -> None:
    asyncio.run(there_and_back(kafka(listener, **changes)))


def test_a_key_with_a_password_is_let_in(kafka: Kafka, files: Files) -> None:
    certificate, key = files.locked
    locked = {
        "certificate_file": str(certificate),
        "key_file": str(key),
        "key_password": KEY_PASSWORD,
    }
    asyncio.run(there_and_back(kafka("MTLS", tls=locked)))


def test_a_token_from_a_file_is_let_in(kafka: Kafka, files: Files, signer: Signer) -> None:
    path = files.folder / "token"
    path.write_text(signer.token() + "\n")
    asyncio.run(there_and_back(kafka("OAUTH", **from_file(path))))


def from_file(path: Any) -> dict[str, Any]:
    return {
        "oauth": {"token_url": "", "client_id": "", "client_secret": "", "token_file": str(path)}
    }


def pair(identity: Any) -> dict[str, str]:
    return {"certificate_file": str(identity[0]), "key_file": str(identity[1])}


def wrongs(files: Files) -> dict[str, tuple[str, str, dict[str, Any], list[str]]]:
    """What may be wrong: whose settings, at whose port, what is changed, what is said."""
    strange = files.folder / "strange-token"
    strange.write_text(Signer().token())
    old = files.folder / "old-token"
    old.write_text(Signer().token(-100))
    return {
        "wrong authority": (
            "TLS",
            "TLS",
            {"tls": {"ca_file": str(files.other_ca)}},
            ["not signed by whom we trust", "other-ca.pem", "kafka.tls.ca_file"],
        ),
        "expired broker": ("OLD", "OLD", {}, ["certificate of Kafka at", "has expired", "renew"]),
        "no certificate": ("TLS", "MTLS", {}, ["wants a client certificate", "certificate_file"]),
        "foreign certificate": (
            "MTLS",
            "MTLS",
            {"tls": pair(files.stranger)},
            ["refuses our certificate", "stranger.pem", "an authority"],
        ),
        "wrong password": (
            "SCRAM",
            "SCRAM",
            {"sasl": {"password": "canary-wrong"}},
            ["refuses the login of user 'rootline'", "SCRAM-SHA-512", "kafka.sasl.password"],
        ),
        "wrong plain password": (
            "CLEAR",
            "CLEAR",
            {"sasl": {"mechanism": "PLAIN", "password": "canary-wrong"}},
            ["refuses the login of user 'rootline'", "PLAIN"],
        ),
        "unknown user": (
            "BOTH",
            "BOTH",
            {"sasl": {"username": "nobody"}},
            ["refuses the login of user 'nobody'", "exists for this mechanism"],
        ),
        "wrong mechanism": (
            "SCRAM",
            "OAUTH",
            {},
            ["does not offer", "SCRAM-SHA-512", "it offers OAUTHBEARER"],
        ),
        "token of another signer": (
            "OAUTH",
            "OAUTH",
            from_file(strange),
            ["refuses the token", "kafka.oauth.token_file", "issuer"],
        ),
        "expired token": ("OAUTH", "OAUTH", from_file(old), ["expired", "renews it in time"]),
        "wrong client secret": (
            "OAUTH",
            "OAUTH",
            {"oauth": {"client_secret": "canary-wrong"}},
            ["token endpoint", "HTTP 401, invalid_client", "client_secret"],
        ),
        "plain at a TLS port": (
            "OPEN",
            "TLS",
            {},
            ["speaks TLS", "is PLAINTEXT", "set it to SSL"],
        ),
        "plain login at a TLS port": ("CLEAR", "SCRAM", {}, ["speaks TLS", "SASL_SSL"]),
        "TLS at a plain port": ("TLS", "OPEN", {}, ["does not speak TLS", "is SSL"]),
        "TLS login at a plain port": ("SCRAM", "CLEAR", {}, ["does not speak TLS", "is SASL_SSL"]),
        "no login": ("TLS", "SCRAM", {}, ["asks for a login (SCRAM-SHA-256, SCRAM-SHA-512)"]),
        "no login in the clear": (
            "OPEN",
            "CLEAR",
            {},
            ["asks for a login (PLAIN, SCRAM-SHA-256)"],
        ),
        "login nobody wants": ("SCRAM", "TLS", {}, ["asks for no login", "set it to SSL"]),
    }


@pytest.mark.parametrize("wrong", WRONGS)
def test_whoever_is_not_let_in_is_told_why_by_the_doctor(
    kafka: Kafka, files: Files, cluster: ApacheCluster, wrong: str
) -> None:
    listener, port, changes, said = wrongs(files)[wrong]
    config = kafka(listener, bootstrap=cluster.address(port), **changes)
    (finding,) = asyncio.run(check_kafka(config, TopicsConfig(), 15))
    assert finding.verdict is Verdict.FAIL
    assert "\n" not in finding.sentence
    for part in said:
        assert part in finding.sentence
    for secret in (PASSWORD, CLIENT_SECRET, "canary", "eyJ"):
        assert secret not in finding.sentence


def test_a_certificate_for_another_host_is_refused_and_its_names_are_told(
    kafka: Kafka, cluster: ApacheCluster
) -> None:
    elsewhere = cluster.address("TLS").replace("127.0.0.1", "localhost")
    said = asyncio.run(trouble(kafka("TLS", bootstrap=elsewhere)))
    assert said is not None
    assert "is for another host" in said
    assert "its names are 127.0.0.1" in said
    unchecked = kafka("TLS", bootstrap=elsewhere, tls={"check_hostname": False})
    assert asyncio.run(trouble(unchecked)) is None


def test_the_doctor_says_how_it_is_secured_and_what_is_weak(kafka: Kafka, files: Files) -> None:
    def found(config: KafkaConfig) -> list[tuple[Verdict, str]]:
        findings = asyncio.run(check_kafka(config, TopicsConfig(), 15))
        return [(each.verdict, each.sentence) for each in findings if each.check == "kafka"]

    ((verdict, sentence),) = found(kafka("BOTH"))
    assert verdict is Verdict.OK
    assert "SASL_SSL, client certificate, SCRAM-SHA-512 as 'rootline'" in sentence
    assert "not encrypted" in found(kafka("CLEAR"))[1][1]
    assert "check_hostname is off" in found(kafka("TLS", tls={"check_hostname": False}))[1][1]
    soon = files.authority.sign("rootline", end_days=3).write(files.folder, "soon")
    assert "expires in 3.0 days" in found(kafka("MTLS", tls=pair(soon)))[1][1]


def test_a_client_whose_token_is_refused_goes_on_when_it_gets_a_good_one(
    kafka: Kafka, files: Files, signer: Signer
) -> None:
    path = files.folder / "mended-token"
    path.write_text(Signer().token())
    config = kafka("OAUTH", **from_file(path))

    async def scene() -> None:
        producer = AIOKafkaProducer(**producer_arguments(config))
        with pytest.raises(KafkaConnectionError):
            await producer.start()
        await producer.stop()
        path.write_text(signer.token())
        await there_and_back(config)

    asyncio.run(scene())


def page_blocks() -> list[str]:
    """The configurations that docs/SECURING-KAFKA.md shows, in its order."""
    lines = (ROOT / "docs" / "SECURING-KAFKA.md").read_text(encoding="utf-8").splitlines()
    blocks: list[str] = []
    inside = False
    for line in lines:
        begins = line == "    [kafka]"
        inside = begins or (inside and (line.startswith("    ") or not line))
        if begins:
            blocks.append("")
        if inside:
            blocks[-1] += line.removeprefix("    ") + "\n"
    return blocks


def test_the_page_shows_configurations_that_are_let_in(
    cluster: ApacheCluster, tokens: TokenServer, files: Files, tmp_path: Path
) -> None:
    texts = {"kafka-key": KEY_PASSWORD, "kafka-password": PASSWORD, "kafka-oauth": CLIENT_SECRET}
    for name, text in texts.items():
        (tmp_path / name).write_text(text + "\n")
    known = {
        "/etc/rootline/kafka-ca.pem": str(files.ca),
        "/etc/rootline/client.pem": str(files.locked[0]),
        "/etc/rootline/client.key": str(files.locked[1]),
        "/run/secrets/": f"{tmp_path}/",
        "https://id.example.com/realms/main/protocol/openid-connect/token": tokens.url("/token"),
    }
    listeners = ("MTLS", "SCRAM", "OAUTH")
    for listener, block in zip(listeners, page_blocks(), strict=True):
        text = re.sub('bootstrap = ".*"', f'bootstrap = "{cluster.address(listener)}"', block)
        for shown, real in known.items():
            text = text.replace(shown, real)
        if listener == "OAUTH":
            text += f'ca_file = "{files.ca}"\n'  # of the token endpoint, private in this test
        path = tmp_path / f"{listener}.toml"
        path.write_text(text)
        assert asyncio.run(trouble(load_settings(path, {}).kafka)) is None


@pytest.fixture
def log_of_everything(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[KafkaConfig], Any]]:
    """Logs as a process of ours does, all of it; the loggers are put back."""
    root = logging.getLogger()
    names = ("aiokafka", "aiokafka.conn", "faust", "mode", "aiohttp.access")
    before = (list(root.handlers), root.level)
    levels = {name: logging.getLogger(name).level for name in names}

    def started(config: KafkaConfig) -> io.StringIO:
        stream = io.StringIO()
        everything = LoggingConfig(
            level="debug", form="json", levels={"aiokafka": "debug", "aiokafka.conn": "debug"}
        )
        configure_logging(everything, secrets=secret_texts(config), stream=stream)
        return stream

    yield started
    logging.captureWarnings(capture=False)
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before[0]:
        root.addHandler(handler)
    root.setLevel(before[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).filters.clear()


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM", "OAUTH", "refused"])
def test_no_level_of_logging_shows_a_password_or_a_token(
    kafka: Kafka, files: Files, log_of_everything: Any, way: str
) -> None:
    config = {
        "PLAIN": lambda: kafka("CLEAR", sasl={"mechanism": "PLAIN"}),
        "SCRAM": lambda: kafka("SCRAM"),
        "OAUTH": lambda: kafka("OAUTH"),
        "refused": lambda: kafka("CLEAR", sasl={"mechanism": "PLAIN", "password": "canary-wrong"}),
    }[way]()

    async def scene() -> None:
        explainer = Explainer(config)
        explainer.look(KafkaConnectionError("Unable to bootstrap"))
        if way == "refused":
            with pytest.raises(KafkaConnectionError):
                await there_and_back(config)
        else:
            await there_and_back(config)
        if way == "OAUTH":
            tokens.append(await token_source(config.oauth).token())
        assert explainer._task is not None
        await explainer._task

    tokens: list[str] = []
    stream = log_of_everything(config)
    asyncio.run(scene())
    log = stream.getvalue()
    assert "aiokafka.conn" in log
    assert "SaslHandShake" in log
    if way == "refused":
        assert "why Kafka cannot be used" in log
        assert "refuses the login of user 'rootline'" in log
    for secret in (PASSWORD, CLIENT_SECRET, "canary-wrong", "s3cret", *tokens):
        assert secret not in log
