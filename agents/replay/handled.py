"""How far the workers have come in the signals log, asked for without joining their group."""

from aiokafka.errors import KafkaError

from agents.settings import Settings
from agents.worker.topic_admin import admin_client


async def handled_offsets(settings: Settings) -> dict[int, int]:
    """Return the committed offset of each partition of the log; nothing where nobody committed."""
    async with admin_client(settings.kafka) as admin:
        try:
            found = await admin.list_consumer_group_offsets(settings.worker.correlate_group)
        except KafkaError:
            # The group may not be there, or may not be ours to look at.
            return {}
    return {
        place.partition: row.offset
        for place, row in found.items()
        if place.topic == settings.topics.signals and row.offset >= 0
    }
