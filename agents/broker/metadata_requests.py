"""Answers about the cluster itself: versions, metadata, and who coordinates a group."""

from agents.broker.api import ApiKey
from agents.broker.config import BrokerConfig
from agents.broker.context import NODE_ID, Context, Respond
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.topics import TopicCatalog
from agents.broker.wire import Message

CLUSTER_ID = "rootline-embedded"
_GROUP_COORDINATOR = 0


class MetadataRequests:
    """Metadata of one node that leads everything."""

    def __init__(self, catalog: TopicCatalog, config: BrokerConfig) -> None:
        self._catalog = catalog
        self._config = config

    def responders(self) -> dict[ApiKey, Respond]:
        """Return what answers which request."""
        return {
            ApiKey.API_VERSIONS: self.api_versions,
            ApiKey.METADATA: self.metadata,
            ApiKey.FIND_COORDINATOR: self.find_coordinator,
        }

    async def api_versions(self, _body: Message, _context: Context) -> Message:
        """Return nothing here: the answer is the API table, which the codec writes itself."""
        return {}

    async def metadata(self, body: Message, context: Context) -> Message:
        """Return the node and the topics asked for, creating them where that is allowed."""
        names = body["topics"]
        if names is None or (context.version == 0 and not names):
            names = self._catalog.names()
        may_create = self._config.auto_create_topics and body["allow_auto_topic_creation"]
        topics = [self._topic(name, may_create=may_create) for name in names]
        node = {"node_id": NODE_ID, "host": context.host, "port": context.port}
        return {
            "brokers": [node],
            "cluster_id": CLUSTER_ID,
            "controller_id": NODE_ID,
            "topics": topics,
        }

    async def find_coordinator(self, body: Message, context: Context) -> Message:
        """Name ourselves; there is no coordinator for transactions."""
        if body["key_type"] != _GROUP_COORDINATOR:
            # Clients retry other errors for ever; this one tells them at once that it is no use.
            return {
                "error": ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
                "error_message": "the embedded broker has no transactions",
                "node_id": -1,
                "host": "",
                "port": -1,
            }
        return {"node_id": NODE_ID, "host": context.host, "port": context.port}

    def _topic(self, name: str, *, may_create: bool) -> Message:
        topic = self._catalog.find(name)
        if topic is None and may_create:
            try:
                self._catalog.create(name, self._config.default_partitions, {})
            except BrokerError as error:
                return {"error": error.code, "name": name, "partitions": []}
            topic = self._catalog.find(name)
        if topic is None:
            unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            return {"error": unknown, "name": name, "partitions": []}
        partitions = [
            {
                "index": index,
                "leader_id": NODE_ID,
                "replicas": [NODE_ID],
                "in_sync_replicas": [NODE_ID],
            }
            for index in range(len(topic.partitions))
        ]
        return {"error": ErrorCode.NONE, "name": name, "partitions": partitions}
