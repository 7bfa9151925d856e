"""Playing the demo on a Kafka that is there already: only where it would not mix with anything."""

from agents.errors import RootlineError
from agents.kafka import KafkaConfig
from agents.worker.topic_admin import admin_client
from agents.worker.topics import TopicsConfig, declarations


async def check_unused(bootstrap: str) -> None:
    """Make sure that a cluster has none of the topics that the demo writes.

    Raises:
        RootlineError: it has some.
        KafkaError, OSError: it cannot be reached.
    """
    ours = {item.name for item in declarations(TopicsConfig())}
    async with admin_client(KafkaConfig(bootstrap=bootstrap)) as admin:
        found = sorted(ours & {row["topic"] for row in await admin.describe_topics()})
    if found:
        msg = (
            f"{bootstrap} has topics that the demo would write to: {', '.join(found)}; "
            "give a cluster without them"
        )
        raise RootlineError(msg)
