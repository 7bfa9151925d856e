import contextlib
import io
import struct

import pytest
from aiokafka.protocol import admin, commit, coordination, fetch, group, metadata, offset, produce
from aiokafka.protocol.transaction import InitProducerIdRequest_v0
from hypothesis import given
from hypothesis import strategies as st

from agents.broker.api import APIS, ApiKey, Request, decode_request, encode_response
from agents.broker.wire import (
    INT32,
    STRING,
    ArrayOf,
    Field,
    Layout,
    Reader,
    WireError,
    items_of,
)

# What aiokafka can encode or decode of each request, as an independent reading of the protocol.
CLIENT_CLASSES = {
    ApiKey.PRODUCE: (produce, "Produce"),
    ApiKey.FETCH: (fetch, "Fetch"),
    ApiKey.LIST_OFFSETS: (offset, "Offset"),
    ApiKey.METADATA: (metadata, "Metadata"),
    ApiKey.OFFSET_COMMIT: (commit, "OffsetCommit"),
    ApiKey.OFFSET_FETCH: (commit, "OffsetFetch"),
    ApiKey.FIND_COORDINATOR: (coordination, "FindCoordinator"),
    ApiKey.JOIN_GROUP: (group, "JoinGroup"),
    ApiKey.HEARTBEAT: (group, "Heartbeat"),
    ApiKey.LEAVE_GROUP: (group, "LeaveGroup"),
    ApiKey.SYNC_GROUP: (group, "SyncGroup"),
    ApiKey.DESCRIBE_GROUPS: (admin, "DescribeGroups"),
    ApiKey.LIST_GROUPS: (admin, "ListGroups"),
    ApiKey.CREATE_TOPICS: (admin, "CreateTopics"),
    ApiKey.DELETE_TOPICS: (admin, "DeleteTopics"),
    ApiKey.DELETE_RECORDS: (admin, "DeleteRecords"),
    ApiKey.DESCRIBE_CONFIGS: (admin, "DescribeConfigs"),
    ApiKey.CREATE_PARTITIONS: (admin, "CreatePartitions"),
}

PART = {
    "index": 3,
    "error": 0,
    "offset": 7,
    "metadata": "note",
    "high_watermark": 9,
    "last_stable_offset": 9,
    "log_start_offset": 1,
    "records": b"bytes",
    "leader_id": 1,
    "replicas": [1],
    "in_sync_replicas": [1],
    "low_watermark": 2,
}
MEMBER = {
    "member_id": "m",
    "group_instance_id": "i",
    "metadata": b"md",
    "assignment": b"as",
    "client_id": "c",
    "client_host": "h",
    "error": 0,
}
CONFIG = {"name": "k", "value": "v", "read_only": False, "is_default": True, "source": 5}
NAMED = {"error": 0, "name": "t", "partitions": [PART]}
ANSWER = {
    "error": 0,
    "topics": [NAMED],
    "brokers": [{"node_id": 1, "host": "127.0.0.1", "port": 9092}],
    "cluster_id": "c",
    "controller_id": 1,
    "node_id": 1,
    "host": "127.0.0.1",
    "port": 9092,
    "generation_id": 1,
    "protocol_name": "range",
    "leader": "m",
    "member_id": "m",
    "members": [MEMBER],
    "assignment": b"as",
    "groups": [
        {
            "group_id": "g",
            "state": "Stable",
            "protocol_type": "consumer",
            "protocol_name": "range",
            "members": [MEMBER],
        }
    ],
    "results": [{"name": "t", "type": 2, "configs": [CONFIG], "group_id": "g", "error": 0}],
}


def client_versions() -> list[tuple[ApiKey, int]]:
    return [
        (key, version)
        for key, (module, name) in CLIENT_CLASSES.items()
        for version in range(APIS[key].oldest, APIS[key].newest + 1)
        if hasattr(module, f"{name}Response_v{version}")
    ]


@pytest.mark.parametrize(("key", "version"), client_versions(), ids=str)
def test_every_response_is_what_an_independent_decoder_reads(key: ApiKey, version: int) -> None:
    module, name = CLIENT_CLASSES[key]
    request = Request(key=key, version=version, correlation_id=5, client_id="", body={})
    frame = b"".join(encode_response(request, ANSWER))
    size, correlation_id = struct.unpack_from(">ii", frame)
    assert (size, correlation_id) == (len(frame) - 4, 5)
    stream = io.BytesIO(frame[8:])
    getattr(module, f"{name}Response_v{version}").decode(stream)
    assert stream.read() == b"", "nothing is left over"


def a_frame(key: int, version: int, body: bytes = b"", client_id: bytes = b"c") -> bytes:
    return struct.pack(">hhih", key, version, 1, len(client_id)) + client_id + body


def test_a_request_is_decoded_into_named_fields() -> None:
    body = InitProducerIdRequest_v0(None, 60_000).encode()
    request = decode_request(a_frame(22, 0, body))
    assert request.body == {"transactional_id": None, "transaction_timeout_ms": 60_000}
    assert (request.key, request.client_id) == (ApiKey.INIT_PRODUCER_ID, "c")


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (a_frame(4, 0), "request key 4"),
        (a_frame(-1, 0), "request key -1"),
        (a_frame(0, 99), "version 99"),
        (a_frame(0, 2), "version 2"),
        (a_frame(3, 1, b"\x7f\xff\xff\xff"), "array of 2147483647 items"),
        (a_frame(10, 0, b"\x00\xffshort"), "a field of 255 bytes"),
        (a_frame(10, 0, b"\x00\x02\xff\xfe"), "not UTF-8"),
        (a_frame(11, 0, b"\xff\xff"), "a field of -1 bytes"),
        (b"\x00", "a field of 2 bytes"),
    ],
    ids=["old", "negative", "new", "too old", "array", "string", "utf8", "null", "short"],
)
def test_a_frame_that_is_no_request_is_refused_with_a_sentence(
    frame: bytes, sentence: str
) -> None:
    with pytest.raises(WireError, match=sentence):
        decode_request(frame)


@given(
    st.sampled_from(sorted(ApiKey)),
    st.integers(-1, 12),
    st.binary(max_size=200),
)
def test_no_bytes_do_more_than_refuse_the_request(key: int, version: int, body: bytes) -> None:
    with contextlib.suppress(WireError):
        decode_request(a_frame(key, version, body))


def test_an_array_may_not_hold_more_items_than_a_request_may() -> None:
    layout = Layout(items_of("rows", Field("names", ArrayOf(STRING))))
    row = struct.pack(">i", 100_000) + b"\x00\x00" * 100_000
    with pytest.raises(WireError, match="more than the request can hold"):
        layout.read(Reader(struct.pack(">i", 3) + row * 3), 0)


def test_a_field_has_its_default_in_versions_without_it() -> None:
    layout = Layout(Field("old", INT32), Field("new", INT32, since=2, default=-1))
    assert layout.read(Reader(struct.pack(">i", 7)), 1) == {"old": 7, "new": -1}
    assert layout.read(Reader(struct.pack(">ii", 7, 8)), 2) == {"old": 7, "new": 8}


def test_an_answer_without_a_required_field_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Layout(Field("needed", INT32)).write([], {}, 0)


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_version_table_is_what_an_independent_decoder_reads(version: int) -> None:
    request = Request(
        key=ApiKey.API_VERSIONS, version=version, correlation_id=1, client_id="", body={}
    )
    frame = b"".join(encode_response(request, {}))
    decoder = getattr(admin, f"ApiVersionResponse_v{version}")
    decoded = decoder.decode(io.BytesIO(frame[8:]))
    assert [row[0] for row in decoded.api_versions] == sorted(ApiKey)


def test_a_version_table_of_the_future_is_answered_in_the_oldest_form() -> None:
    request = Request(key=ApiKey.API_VERSIONS, version=9, correlation_id=1, client_id="", body={})
    frame = b"".join(encode_response(request, {}))
    error, count = struct.unpack_from(">hi", frame, 8)
    assert (error, count) == (35, len(ApiKey))
