"""The table of requests that the broker answers: key, versions, layouts; and the frame headers.

Versions stop below the "flexible" encodings, which none of the clients need; the one exception is
ApiVersions, with which every client opens and which has its own encoding here.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from agents.broker import messages_admin as admin
from agents.broker import messages_data as data
from agents.broker import messages_groups as groups
from agents.broker.errors import ErrorCode
from agents.broker.wire import INT16, INT32, NULLABLE_STRING, Layout, Message, Reader, WireError


class ApiKey(IntEnum):
    """Request keys, by the names the Kafka protocol gives them."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    LEAVE_GROUP = 13
    SYNC_GROUP = 14
    DESCRIBE_GROUPS = 15
    LIST_GROUPS = 16
    API_VERSIONS = 18
    CREATE_TOPICS = 19
    DELETE_TOPICS = 20
    DELETE_RECORDS = 21
    INIT_PRODUCER_ID = 22
    DESCRIBE_CONFIGS = 32
    ALTER_CONFIGS = 33
    CREATE_PARTITIONS = 37
    DELETE_GROUPS = 42
    INCREMENTAL_ALTER_CONFIGS = 44
    OFFSET_DELETE = 47


@dataclass(frozen=True, slots=True)
class Api:
    """One request: the versions we answer and how its bytes are laid out."""

    oldest: int
    newest: int
    request: Layout
    response: Layout


_NO_BODY = Layout()

APIS: Mapping[ApiKey, Api] = {
    ApiKey.PRODUCE: Api(3, 8, data.PRODUCE_REQUEST, data.PRODUCE_RESPONSE),
    ApiKey.FETCH: Api(4, 11, data.FETCH_REQUEST, data.FETCH_RESPONSE),
    ApiKey.LIST_OFFSETS: Api(1, 5, data.LIST_OFFSETS_REQUEST, data.LIST_OFFSETS_RESPONSE),
    ApiKey.METADATA: Api(0, 8, data.METADATA_REQUEST, data.METADATA_RESPONSE),
    ApiKey.OFFSET_COMMIT: Api(2, 7, groups.OFFSET_COMMIT_REQUEST, groups.OFFSET_COMMIT_RESPONSE),
    ApiKey.OFFSET_FETCH: Api(1, 5, groups.OFFSET_FETCH_REQUEST, groups.OFFSET_FETCH_RESPONSE),
    ApiKey.FIND_COORDINATOR: Api(
        0, 2, groups.FIND_COORDINATOR_REQUEST, groups.FIND_COORDINATOR_RESPONSE
    ),
    ApiKey.JOIN_GROUP: Api(0, 5, groups.JOIN_GROUP_REQUEST, groups.JOIN_GROUP_RESPONSE),
    ApiKey.HEARTBEAT: Api(0, 3, groups.HEARTBEAT_REQUEST, groups.HEARTBEAT_RESPONSE),
    ApiKey.LEAVE_GROUP: Api(0, 3, groups.LEAVE_GROUP_REQUEST, groups.LEAVE_GROUP_RESPONSE),
    ApiKey.SYNC_GROUP: Api(0, 3, groups.SYNC_GROUP_REQUEST, groups.SYNC_GROUP_RESPONSE),
    ApiKey.DESCRIBE_GROUPS: Api(
        0, 4, groups.DESCRIBE_GROUPS_REQUEST, groups.DESCRIBE_GROUPS_RESPONSE
    ),
    ApiKey.LIST_GROUPS: Api(0, 2, groups.LIST_GROUPS_REQUEST, groups.LIST_GROUPS_RESPONSE),
    ApiKey.API_VERSIONS: Api(0, 3, _NO_BODY, _NO_BODY),
    ApiKey.CREATE_TOPICS: Api(0, 4, admin.CREATE_TOPICS_REQUEST, admin.CREATE_TOPICS_RESPONSE),
    ApiKey.DELETE_TOPICS: Api(0, 3, admin.DELETE_TOPICS_REQUEST, admin.DELETE_TOPICS_RESPONSE),
    ApiKey.DELETE_RECORDS: Api(0, 1, admin.DELETE_RECORDS_REQUEST, admin.DELETE_RECORDS_RESPONSE),
    ApiKey.INIT_PRODUCER_ID: Api(
        0, 1, data.INIT_PRODUCER_ID_REQUEST, data.INIT_PRODUCER_ID_RESPONSE
    ),
    ApiKey.DESCRIBE_CONFIGS: Api(
        0, 3, admin.DESCRIBE_CONFIGS_REQUEST, admin.DESCRIBE_CONFIGS_RESPONSE
    ),
    ApiKey.ALTER_CONFIGS: Api(0, 1, admin.ALTER_CONFIGS_REQUEST, admin.ALTER_CONFIGS_RESPONSE),
    ApiKey.CREATE_PARTITIONS: Api(
        0, 1, admin.CREATE_PARTITIONS_REQUEST, admin.CREATE_PARTITIONS_RESPONSE
    ),
    ApiKey.DELETE_GROUPS: Api(0, 1, groups.DELETE_GROUPS_REQUEST, groups.DELETE_GROUPS_RESPONSE),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: Api(
        0, 0, admin.INCREMENTAL_ALTER_CONFIGS_REQUEST, admin.ALTER_CONFIGS_RESPONSE
    ),
    ApiKey.OFFSET_DELETE: Api(0, 0, groups.OFFSET_DELETE_REQUEST, groups.OFFSET_DELETE_RESPONSE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One decoded request frame."""

    key: ApiKey
    version: int
    correlation_id: int
    client_id: str
    body: Message


def decode_request(frame: bytes) -> Request:
    """Decode a request frame (without its length prefix).

    Raises:
        WireError: unknown request, a version outside the table, or bytes that do not fit it.
    """
    reader = Reader(frame)
    number = INT16.read(reader, 1)
    version = INT16.read(reader, 1)
    correlation_id = INT32.read(reader, 1)
    client_id = NULLABLE_STRING.read(reader, 1) or ""
    try:
        key = ApiKey(number)
    except ValueError as error:
        msg = f"request key {number} is not one this broker answers"
        raise WireError(msg) from error
    api = APIS[key]
    # A client may ask for newer ApiVersions than we know: that request alone is always answered.
    if key is not ApiKey.API_VERSIONS and not api.oldest <= version <= api.newest:
        msg = f"{key.name} version {version} is outside {api.oldest} to {api.newest}"
        raise WireError(msg)
    return Request(
        key=key,
        version=version,
        correlation_id=correlation_id,
        client_id=client_id,
        body=api.request.read(reader, version),
    )


def encode_response(request: Request, response: Message) -> list[bytes]:
    """Encode the response frame, length prefix included, as pieces to be written in order."""
    if request.key is ApiKey.API_VERSIONS:
        pieces = [_encode_api_versions(request.version)]
    else:
        pieces = []
        APIS[request.key].response.write(pieces, response, request.version)
    size = 4 + sum(map(len, pieces))
    return [struct.pack(">ii", size, request.correlation_id), *pieces]


def _encode_api_versions(version: int) -> bytes:
    """Encode our table; versions above 3 get the version 0 form with UNSUPPORTED_VERSION."""
    rows = [(int(key), api.oldest, api.newest) for key, api in sorted(APIS.items())]
    if version == 3:
        # The one flexible encoding: counts are one too high, each struct ends in empty tags.
        packed = b"".join(struct.pack(">hhhB", *row, 0) for row in rows)
        return (
            struct.pack(">hB", ErrorCode.NONE, len(rows) + 1) + packed + struct.pack(">iB", 0, 0)
        )
    error = ErrorCode.NONE if 0 <= version < 3 else ErrorCode.UNSUPPORTED_VERSION
    packed = b"".join(struct.pack(">hhh", *row) for row in rows)
    head = struct.pack(">hi", error, len(rows))
    return head + packed + (struct.pack(">i", 0) if version in {1, 2} else b"")
