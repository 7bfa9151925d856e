"""One secured Apache Kafka for all tests of this folder, and where its tokens come from."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.kafka import KafkaConfig
from agents.settings_values import Place, build
from tests.clusters.apache import ApacheCluster
from tests.clusters.chosen import is_embedded
from tests.clusters.jars import need_kafka
from tests.kafka_security.secured import Files, fitting, security
from tests.kafka_security.tokens import Signer, TokenServer


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer()


@pytest.fixture(scope="session")
def tokens(files: Files, signer: Signer) -> Iterator[TokenServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files.broker)
    with TokenServer(signer, context) as server:
        yield server


@pytest.fixture(scope="session")
def keys(signer: Signer) -> Iterator[TokenServer]:
    with TokenServer(signer) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(
    files: Files, keys: TokenServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ApacheCluster]:
    if is_embedded():
        pytest.skip("left out: the embedded broker has no TLS; `make test-kafka` runs it")
    need_kafka()
    folder = tmp_path_factory.mktemp("kafka")
    with ApacheCluster(folder, security=security(files, keys.url("/keys"))) as running:
        yield running


@pytest.fixture
def kafka(files: Files, tokens: TokenServer, cluster: ApacheCluster) -> Callable[..., KafkaConfig]:
    """The [kafka] section that fits a listener, with single keys and tables changed."""

    def made(listener: str, **changes: Any) -> KafkaConfig:
        given = fitting(files, tokens.url("/token"))[listener]
        given = {"bootstrap": cluster.address(listener), **given}
        for name, value in changes.items():
            given[name] = given.get(name, {}) | value if isinstance(value, dict) else value
        return build(KafkaConfig, given, Place("kafka"))

    return made
