"""Layouts of the consumer group requests: coordinator, membership, offsets, inspection."""

from agents.broker.messages_data import NO_OPERATIONS, THROTTLE
from agents.broker.wire import (
    BOOLEAN,
    BYTES,
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

FIND_COORDINATOR_REQUEST = Layout(
    Field("key", STRING),
    Field("key_type", INT8, since=1, default=0),
)
FIND_COORDINATOR_RESPONSE = Layout(
    THROTTLE,
    Field("error", INT16, default=0),
    Field("error_message", NULLABLE_STRING, since=1, default=None),
    Field("node_id", INT32),
    Field("host", STRING),
    Field("port", INT32),
)

JOIN_GROUP_REQUEST = Layout(
    Field("group_id", STRING),
    Field("session_timeout_ms", INT32),
    Field("rebalance_timeout_ms", INT32, since=1, default=-1),
    Field("member_id", STRING),
    Field("group_instance_id", NULLABLE_STRING, since=5, default=None),
    Field("protocol_type", STRING),
    items_of("protocols", Field("name", STRING), Field("metadata", BYTES)),
)
JOIN_GROUP_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, since=2, default=0),
    Field("error", INT16),
    Field("generation_id", INT32, default=-1),
    Field("protocol_name", STRING, default=""),
    Field("leader", STRING, default=""),
    Field("member_id", STRING, default=""),
    items_of(
        "members",
        Field("member_id", STRING),
        Field("group_instance_id", NULLABLE_STRING, since=5, default=None),
        Field("metadata", BYTES),
        default=(),
    ),
)

SYNC_GROUP_REQUEST = Layout(
    Field("group_id", STRING),
    Field("generation_id", INT32),
    Field("member_id", STRING),
    Field("group_instance_id", NULLABLE_STRING, since=3, default=None),
    items_of("assignments", Field("member_id", STRING), Field("assignment", BYTES)),
)
SYNC_GROUP_RESPONSE = Layout(
    THROTTLE,
    Field("error", INT16),
    Field("assignment", BYTES, default=b""),
)

HEARTBEAT_REQUEST = Layout(
    Field("group_id", STRING),
    Field("generation_id", INT32),
    Field("member_id", STRING),
    Field("group_instance_id", NULLABLE_STRING, since=3, default=None),
)
HEARTBEAT_RESPONSE = Layout(THROTTLE, Field("error", INT16))

LEAVE_GROUP_REQUEST = Layout(
    Field("group_id", STRING),
    Field("member_id", STRING, until=2, default=""),
    items_of(
        "members",
        Field("member_id", STRING),
        Field("group_instance_id", NULLABLE_STRING),
        since=3,
        default=None,
    ),
)
LEAVE_GROUP_RESPONSE = Layout(
    THROTTLE,
    Field("error", INT16),
    items_of(
        "members",
        Field("member_id", STRING),
        Field("group_instance_id", NULLABLE_STRING),
        Field("error", INT16),
        since=3,
    ),
)

OFFSET_COMMIT_REQUEST = Layout(
    Field("group_id", STRING),
    Field("generation_id", INT32),
    Field("member_id", STRING),
    Field("group_instance_id", NULLABLE_STRING, since=7, default=None),
    Field("retention_time_ms", INT64, until=4, default=-1),
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("offset", INT64),
            Field("leader_epoch", INT32, since=6, default=-1),
            Field("metadata", NULLABLE_STRING),
        ),
    ),
)
OFFSET_COMMIT_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, since=3, default=0),
    items_of(
        "topics",
        Field("name", STRING),
        items_of("partitions", Field("index", INT32), Field("error", INT16)),
    ),
)

OFFSET_FETCH_REQUEST = Layout(
    Field("group_id", STRING),
    items_of("topics", Field("name", STRING), Field("partitions", ArrayOf(INT32)), nullable=True),
)
OFFSET_FETCH_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, since=3, default=0),
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("offset", INT64),
            Field("leader_epoch", INT32, since=5, default=-1),
            Field("metadata", NULLABLE_STRING),
            Field("error", INT16, default=0),
        ),
    ),
    Field("error", INT16, since=2, default=0),
)

DESCRIBE_GROUPS_REQUEST = Layout(
    Field("groups", ArrayOf(STRING)),
    Field("include_authorized_operations", BOOLEAN, since=3),
)
DESCRIBE_GROUPS_RESPONSE = Layout(
    THROTTLE,
    items_of(
        "groups",
        Field("error", INT16, default=0),
        Field("group_id", STRING),
        Field("state", STRING),
        Field("protocol_type", STRING),
        Field("protocol_name", STRING),
        items_of(
            "members",
            Field("member_id", STRING),
            Field("group_instance_id", NULLABLE_STRING, since=4, default=None),
            Field("client_id", STRING),
            Field("client_host", STRING),
            Field("metadata", BYTES),
            Field("assignment", BYTES),
        ),
        Field("authorized_operations", INT32, since=3, default=NO_OPERATIONS),
    ),
)

LIST_GROUPS_REQUEST = Layout()
LIST_GROUPS_RESPONSE = Layout(
    THROTTLE,
    Field("error", INT16, default=0),
    items_of("groups", Field("group_id", STRING), Field("protocol_type", STRING)),
)

DELETE_GROUPS_REQUEST = Layout(Field("groups", ArrayOf(STRING)))
DELETE_GROUPS_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, default=0),
    items_of("results", Field("group_id", STRING), Field("error", INT16)),
)

OFFSET_DELETE_REQUEST = Layout(
    Field("group_id", STRING),
    items_of("topics", Field("name", STRING), items_of("partitions", Field("index", INT32))),
)
OFFSET_DELETE_RESPONSE = Layout(
    Field("error", INT16, default=0),
    Field("throttle_time_ms", INT32, default=0),
    items_of(
        "topics",
        Field("name", STRING),
        items_of("partitions", Field("index", INT32), Field("error", INT16)),
    ),
)
