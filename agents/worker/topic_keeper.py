"""Keeps the topics as declared, and says each difference once."""

import logging

from agents.kafka import KafkaConfig
from agents.worker.topic_admin import ensure_topics
from agents.worker.topics import TopicsConfig

_log = logging.getLogger("worker")


class TopicKeeper:
    """Shared by all services of a worker; asking it again costs two requests."""

    def __init__(self, kafka: KafkaConfig, topics: TopicsConfig) -> None:
        self._kafka = kafka
        self._topics = topics
        self._said: set[str] = set()

    async def keep(self) -> None:
        """Create what is missing and log what differs.

        Raises:
            TopicMissingError: a topic is missing and cannot be created.
            KafkaError, OSError: Kafka cannot be reached.
        """
        for sentence in await ensure_topics(self._kafka, self._topics):
            if sentence not in self._said:
                self._said.add(sentence)
                _log.warning("%s", sentence)
