"""Layouts of the administration requests: topics, partitions, records and configuration."""

from agents.broker.messages_data import THROTTLE
from agents.broker.wire import (
    BOOLEAN,
    INT8,
    INT16,
    INT32,
    INT64,
    NULLABLE_STRING,
    STRING,
    ArrayOf,
    Field,
    Layout,
    items_of,
)

_THROTTLE_ALWAYS = Field("throttle_time_ms", INT32, default=0)
_TOPIC_RESULT = (
    Field("name", STRING),
    Field("error", INT16, default=0),
    Field("error_message", NULLABLE_STRING, since=1, default=None),
)
_RESOURCE = (Field("type", INT8), Field("name", STRING))

CREATE_TOPICS_REQUEST = Layout(
    items_of(
        "topics",
        Field("name", STRING),
        Field("partitions", INT32),
        Field("replication_factor", INT16),
        items_of("assignments", Field("index", INT32), Field("broker_ids", ArrayOf(INT32))),
        items_of("configs", Field("name", STRING), Field("value", NULLABLE_STRING)),
    ),
    Field("timeout_ms", INT32),
    Field("validate_only", BOOLEAN, since=1, default=False),
)
CREATE_TOPICS_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, since=2, default=0),
    items_of("topics", *_TOPIC_RESULT),
)

DELETE_TOPICS_REQUEST = Layout(
    Field("names", ArrayOf(STRING)),
    Field("timeout_ms", INT32),
)
DELETE_TOPICS_RESPONSE = Layout(
    THROTTLE,
    items_of("topics", Field("name", STRING), Field("error", INT16, default=0)),
)

CREATE_PARTITIONS_REQUEST = Layout(
    items_of(
        "topics",
        Field("name", STRING),
        Field("count", INT32),
        items_of("assignments", Field("broker_ids", ArrayOf(INT32)), nullable=True),
    ),
    Field("timeout_ms", INT32),
    Field("validate_only", BOOLEAN),
)
CREATE_PARTITIONS_RESPONSE = Layout(
    _THROTTLE_ALWAYS,
    items_of(
        "topics",
        Field("name", STRING),
        Field("error", INT16, default=0),
        Field("error_message", NULLABLE_STRING, default=None),
    ),
)

DELETE_RECORDS_REQUEST = Layout(
    items_of(
        "topics",
        Field("name", STRING),
        items_of("partitions", Field("index", INT32), Field("offset", INT64)),
    ),
    Field("timeout_ms", INT32),
)
DELETE_RECORDS_RESPONSE = Layout(
    _THROTTLE_ALWAYS,
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("low_watermark", INT64, default=-1),
            Field("error", INT16, default=0),
        ),
    ),
)

DESCRIBE_CONFIGS_REQUEST = Layout(
    items_of("resources", *_RESOURCE, Field("names", ArrayOf(STRING, nullable=True))),
    Field("include_synonyms", BOOLEAN, since=1, default=False),
    Field("include_documentation", BOOLEAN, since=3, default=False),
)
DESCRIBE_CONFIGS_RESPONSE = Layout(
    _THROTTLE_ALWAYS,
    items_of(
        "results",
        Field("error", INT16, default=0),
        Field("error_message", NULLABLE_STRING, default=None),
        *_RESOURCE,
        items_of(
            "configs",
            Field("name", STRING),
            Field("value", NULLABLE_STRING),
            Field("read_only", BOOLEAN),
            Field("is_default", BOOLEAN, until=0),
            Field("source", INT8, since=1),
            Field("is_sensitive", BOOLEAN, default=False),
            items_of(
                "synonyms",
                Field("name", STRING),
                Field("value", NULLABLE_STRING),
                Field("source", INT8),
                since=1,
                default=(),
            ),
            Field("type", INT8, since=3, default=0),
            Field("documentation", NULLABLE_STRING, since=3, default=None),
            default=(),
        ),
    ),
)

ALTER_CONFIGS_REQUEST = Layout(
    items_of(
        "resources",
        *_RESOURCE,
        items_of("configs", Field("name", STRING), Field("value", NULLABLE_STRING)),
    ),
    Field("validate_only", BOOLEAN),
)
INCREMENTAL_ALTER_CONFIGS_REQUEST = Layout(
    items_of(
        "resources",
        *_RESOURCE,
        items_of(
            "configs",
            Field("name", STRING),
            Field("operation", INT8),
            Field("value", NULLABLE_STRING),
        ),
    ),
    Field("validate_only", BOOLEAN),
)
ALTER_CONFIGS_RESPONSE = Layout(
    _THROTTLE_ALWAYS,
    items_of(
        "results",
        Field("error", INT16, default=0),
        Field("error_message", NULLABLE_STRING, default=None),
        *_RESOURCE,
    ),
)
