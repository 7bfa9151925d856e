"""Answers to administration requests: topics, partitions, records and configuration."""

from collections.abc import Callable
from functools import partial

from agents.broker.api import ApiKey
from agents.broker.config import BrokerConfig
from agents.broker.context import NODE_ID, Context, Respond
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.offsets import CommittedOffsets
from agents.broker.topic_config import as_text
from agents.broker.topics import TopicCatalog
from agents.broker.wire import Message

_TOPIC, _BROKER = 2, 4
_SET, _DELETE = 0, 1
_FROM_TOPIC, _FROM_BROKER, _FROM_DEFAULT = 1, 4, 5


class AdminRequests:
    """Changes to the catalog on a client's behalf."""

    def __init__(
        self, catalog: TopicCatalog, offsets: CommittedOffsets, config: BrokerConfig
    ) -> None:
        self._catalog = catalog
        self._offsets = offsets
        self._config = config

    def responders(self) -> dict[ApiKey, Respond]:
        """Return what answers which request."""
        return {
            ApiKey.CREATE_TOPICS: self.create_topics,
            ApiKey.DELETE_TOPICS: self.delete_topics,
            ApiKey.CREATE_PARTITIONS: self.create_partitions,
            ApiKey.DELETE_RECORDS: self.delete_records,
            ApiKey.DESCRIBE_CONFIGS: self.describe_configs,
            ApiKey.ALTER_CONFIGS: self.alter_configs,
            ApiKey.INCREMENTAL_ALTER_CONFIGS: self.alter_configs_by_key,
        }

    async def create_topics(self, body: Message, _context: Context) -> Message:
        """Create topics, or only check that they could be."""
        create = partial(self._create, dry_run=body["validate_only"])
        return {"topics": [_outcome(row, create) for row in body["topics"]]}

    async def delete_topics(self, body: Message, _context: Context) -> Message:
        """Delete topics with their records and all groups' offsets in them."""
        return {"topics": [_outcome({"name": name}, self._delete) for name in body["names"]]}

    async def create_partitions(self, body: Message, _context: Context) -> Message:
        """Raise topics' numbers of partitions."""
        grow = partial(self._grow, dry_run=body["validate_only"])
        return {"topics": [_outcome(row, grow) for row in body["topics"]]}

    async def delete_records(self, body: Message, _context: Context) -> Message:
        """Delete records below an offset; -1 stands for all that there are."""
        topics = [
            {
                "name": topic["name"],
                "partitions": [self._trim(topic["name"], part) for part in topic["partitions"]],
            }
            for topic in body["topics"]
        ]
        return {"topics": topics}

    async def describe_configs(self, body: Message, _context: Context) -> Message:
        """Tell the effective settings of topics, and a few of the broker's own."""
        return {"results": [self._describe(resource) for resource in body["resources"]]}

    async def alter_configs(self, body: Message, _context: Context) -> Message:
        """Replace all of a topic's own settings."""
        return self._alter(
            body, lambda _old, configs: {c["name"]: c["value"] or "" for c in configs}
        )

    async def alter_configs_by_key(self, body: Message, _context: Context) -> Message:
        """Set or unset single settings of a topic."""
        return self._alter(body, _apply_operations)

    def _create(self, row: Message, *, dry_run: bool) -> None:
        if row["replication_factor"] > 1:
            sentence = f"replication factor {row['replication_factor']}; this cluster is one node"
            raise BrokerError(ErrorCode.INVALID_REPLICATION_FACTOR, sentence)
        count = row["partitions"]
        if count == -1:
            count = len(row["assignments"]) or self._config.default_partitions
        overrides = {c["name"]: c["value"] for c in row["configs"] if c["value"] is not None}
        self._catalog.create(row["name"], count, overrides, dry_run=dry_run)

    def _grow(self, row: Message, *, dry_run: bool) -> None:
        self._catalog.grow(row["name"], row["count"], dry_run=dry_run)

    def _delete(self, row: Message) -> None:
        self._catalog.delete(row["name"])
        self._offsets.forget_topic(row["name"])

    def _trim(self, topic: str, part: Message) -> Message:
        try:
            low = self._catalog.delete_records(topic, part["index"], part["offset"])
        except BrokerError as error:
            return {"index": part["index"], "error": error.code}
        return {"index": part["index"], "low_watermark": low}

    def _describe(self, resource: Message) -> Message:
        head = {"type": resource["type"], "name": resource["name"]}
        if resource["type"] == _BROKER and resource["name"] == str(NODE_ID):
            rows = [_config_row(key, text, _FROM_BROKER) for key, text in self._own().items()]
        else:
            topic = self._catalog.find(resource["name"]) if resource["type"] == _TOPIC else None
            if topic is None:
                error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                return {**head, "error": error, "error_message": "no such topic or broker"}
            settings = {**as_text(topic.config), **topic.overrides}
            rows = [
                _config_row(key, text, _FROM_TOPIC if key in topic.overrides else _FROM_DEFAULT)
                for key, text in sorted(settings.items())
            ]
        wanted = resource["names"]
        return {**head, "configs": [r for r in rows if wanted is None or r["name"] in wanted]}

    def _own(self) -> dict[str, str]:
        config = self._config
        return {
            "auto.create.topics.enable": str(config.auto_create_topics).lower(),
            "group.initial.rebalance.delay.ms": str(config.group_initial_delay_ms),
            "log.retention.bytes": str(config.retention_bytes),
            "log.retention.ms": str(config.retention_ms),
            "log.segment.bytes": str(config.segment_bytes),
            "message.max.bytes": str(config.max_message_bytes),
            "num.partitions": str(config.default_partitions),
        }

    def _alter(
        self,
        body: Message,
        change: Callable[[dict[str, str], list[Message]], dict[str, str]],
    ) -> Message:
        def apply(resource: Message) -> None:
            topic = self._catalog.find(resource["name"])
            if resource["type"] != _TOPIC or topic is None:
                sentence = "only settings of existing topics can be changed"
                raise BrokerError(ErrorCode.INVALID_REQUEST, sentence)
            fresh = change(topic.overrides, resource["configs"])
            self._catalog.configure(topic.name, fresh, dry_run=body["validate_only"])

        results = [{**_outcome(row, apply), "type": row["type"]} for row in body["resources"]]
        return {"results": results}


def _apply_operations(old: dict[str, str], configs: list[Message]) -> dict[str, str]:
    fresh = dict(old)
    for config in configs:
        if config["operation"] == _SET:
            fresh[config["name"]] = config["value"] or ""
        elif config["operation"] == _DELETE:
            fresh.pop(config["name"], None)
        else:
            sentence = "settings can be set and deleted, not appended to or subtracted from"
            raise BrokerError(ErrorCode.INVALID_REQUEST, sentence)
    return fresh


def _outcome(row: Message, act: Callable[[Message], None]) -> Message:
    """Do what a row asks for, and report how it went."""
    try:
        act(row)
    except BrokerError as error:
        return {"name": row["name"], "error": error.code, "error_message": str(error)}
    return {"name": row["name"]}


def _config_row(name: str, value: str, source: int) -> Message:
    return {
        "name": name,
        "value": value,
        "read_only": source == _FROM_BROKER,
        "is_default": source == _FROM_DEFAULT,
        "source": source,
    }
