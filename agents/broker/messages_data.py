"""Layouts of the requests that move records: produce, fetch, list offsets, producer ids, metadata.

Names follow the Kafka protocol's own; `error` is its error_code, `index` its partition index.
"""

from agents.broker.wire import (
    BOOLEAN,
    INT8,
    INT16,
    INT32,
    INT64,
    NULLABLE_BYTES,
    NULLABLE_STRING,
    STRING,
    ArrayOf,
    Field,
    Layout,
    items_of,
)

THROTTLE = Field("throttle_time_ms", INT32, since=1, default=0)

PRODUCE_REQUEST = Layout(
    Field("transactional_id", NULLABLE_STRING),
    Field("acks", INT16),
    Field("timeout_ms", INT32),
    items_of(
        "topics",
        Field("name", STRING),
        items_of("partitions", Field("index", INT32), Field("records", NULLABLE_BYTES)),
    ),
)
PRODUCE_RESPONSE = Layout(
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("error", INT16),
            Field("base_offset", INT64, default=-1),
            Field("log_append_time_ms", INT64, since=2, default=-1),
            Field("log_start_offset", INT64, since=5, default=-1),
            items_of(
                "record_errors",
                Field("batch_index", INT32),
                Field("message", NULLABLE_STRING),
                since=8,
                default=(),
            ),
            Field("error_message", NULLABLE_STRING, since=8, default=None),
        ),
    ),
    THROTTLE,
)

FETCH_REQUEST = Layout(
    Field("replica_id", INT32),
    Field("max_wait_ms", INT32),
    Field("min_bytes", INT32),
    Field("max_bytes", INT32),
    Field("isolation_level", INT8),
    Field("session_id", INT32, since=7),
    Field("session_epoch", INT32, since=7),
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("current_leader_epoch", INT32, since=9),
            Field("fetch_offset", INT64),
            Field("log_start_offset", INT64, since=5),
            Field("max_bytes", INT32),
        ),
    ),
    items_of(
        "forgotten_topics",
        Field("name", STRING),
        Field("partitions", ArrayOf(INT32)),
        since=7,
    ),
    Field("rack_id", STRING, since=11),
)
FETCH_RESPONSE = Layout(
    THROTTLE,
    Field("error", INT16, since=7, default=0),
    Field("session_id", INT32, since=7, default=0),
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("error", INT16),
            Field("high_watermark", INT64),
            Field("last_stable_offset", INT64),
            Field("log_start_offset", INT64, since=5),
            items_of(
                "aborted_transactions",
                Field("producer_id", INT64),
                Field("first_offset", INT64),
                default=(),
            ),
            Field("preferred_read_replica", INT32, since=11, default=-1),
            Field("records", NULLABLE_BYTES),
        ),
    ),
)

LIST_OFFSETS_REQUEST = Layout(
    Field("replica_id", INT32),
    Field("isolation_level", INT8, since=2),
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("current_leader_epoch", INT32, since=4),
            Field("timestamp", INT64),
        ),
    ),
)
LIST_OFFSETS_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, since=2, default=0),
    items_of(
        "topics",
        Field("name", STRING),
        items_of(
            "partitions",
            Field("index", INT32),
            Field("error", INT16),
            Field("timestamp", INT64, default=-1),
            Field("offset", INT64, default=-1),
            Field("leader_epoch", INT32, since=4, default=-1),
        ),
    ),
)

INIT_PRODUCER_ID_REQUEST = Layout(
    Field("transactional_id", NULLABLE_STRING),
    Field("transaction_timeout_ms", INT32),
)
INIT_PRODUCER_ID_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, default=0),
    Field("error", INT16),
    Field("producer_id", INT64, default=-1),
    Field("producer_epoch", INT16, default=-1),
)

METADATA_REQUEST = Layout(
    Field("topics", ArrayOf(STRING, nullable=True)),
    Field("allow_auto_topic_creation", BOOLEAN, since=4, default=True),
    Field("include_cluster_authorized_operations", BOOLEAN, since=8),
    Field("include_topic_authorized_operations", BOOLEAN, since=8),
)
# "Not asked for": what a broker without an authorizer says about permitted operations.
NO_OPERATIONS = -(2**31)
METADATA_RESPONSE = Layout(
    Field("throttle_time_ms", INT32, since=3, default=0),
    items_of(
        "brokers",
        Field("node_id", INT32),
        Field("host", STRING),
        Field("port", INT32),
        Field("rack", NULLABLE_STRING, since=1, default=None),
    ),
    Field("cluster_id", NULLABLE_STRING, since=2),
    Field("controller_id", INT32, since=1),
    items_of(
        "topics",
        Field("error", INT16),
        Field("name", STRING),
        Field("is_internal", BOOLEAN, since=1, default=False),
        items_of(
            "partitions",
            Field("error", INT16, default=0),
            Field("index", INT32),
            Field("leader_id", INT32),
            Field("leader_epoch", INT32, since=7, default=-1),
            Field("replicas", ArrayOf(INT32)),
            Field("in_sync_replicas", ArrayOf(INT32)),
            Field("offline_replicas", ArrayOf(INT32), since=5, default=()),
        ),
        Field("authorized_operations", INT32, since=8, default=NO_OPERATIONS),
    ),
    Field("authorized_operations", INT32, since=8, default=NO_OPERATIONS),
)
