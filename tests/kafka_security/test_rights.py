"""The rights that docs/SECURING-KAFKA.md lists are enough, with Kafka's own authorizer on."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agents.doctor_finding import Verdict
from agents.doctor_kafka import check_kafka
from agents.kafka import KafkaConfig
from agents.notifier.notified_topic import ensure_notified_topic
from agents.settings_values import Place, build
from agents.worker.topic_admin import ensure_topics
from agents.worker.topics import TopicsConfig
from tests.clusters.apache import ApacheCluster
from tests.clusters.jars import need_kafka
from tests.integration.processes import Processes
from tests.kafka_security.rights import documented, grant
from tests.kafka_security.secured import OTHER_USER, Files, fitting, security
from tests.kafka_security.storm import EAGER, environ, post_storm, told
from tests.kafka_security.tokens import Signer, TokenServer

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(420)]

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # The broker itself, and the test on the plaintext listener.
    "super.users": "User:ANONYMOUS",
}


async def make_topics(bootstrap: str) -> None:
    """What an administrator does where Rootline may not create its topics."""
    kafka, topics = KafkaConfig(bootstrap=bootstrap), TopicsConfig()
    await ensure_topics(kafka, topics)
    await ensure_notified_topic("rootline.notified", kafka, topics)


@pytest.mark.parametrize("create", [False, True], ids=["least", "creating"])
def test_the_documented_rights_are_enough(tmp_path: Path, create: bool) -> None:
    need_kafka()

    async def scene(cluster: ApacheCluster, section: dict[str, Any]) -> None:
        if not create:
            await make_topics(cluster.internal)
        grant(cluster.internal, documented(create=create))
        variables = environ(section, tmp_path) | {"TOPICS__CREATE": str(create).lower()}
        async with Processes(tmp_path) as processes:
            await processes.rootline(
                "worker",
                TELEMETRY__PORT=0,
                CASES__LIBRARY_DIR=tmp_path / "cases",
                NOTIFIER__WEBHOOK_URL="http://127.0.0.1:1/",
                **EAGER,
                **variables,
            )
            other = variables | {"KAFKA__SASL__USERNAME": OTHER_USER}
            gateway = await processes.rootline("gateway", "--port", "0", **other)
            sent = await post_storm(gateway["url"], rounds=2)
            await told(cluster.internal, sent, 120)
            kafka = build(KafkaConfig, section, Place("kafka"))
            findings = await check_kafka(kafka, TopicsConfig(), 15)
            assert {finding.verdict for finding in findings} == {Verdict.OK}, findings

    files = Files(tmp_path)
    with (
        TokenServer(Signer()) as keys,
        ApacheCluster(
            tmp_path / "kafka", security=security(files, keys.url("/keys"), AUTHORIZER)
        ) as cluster,
    ):
        section = {"bootstrap": cluster.address("SCRAM"), **fitting(files, "")["SCRAM"]}
        asyncio.run(scene(cluster, section))
