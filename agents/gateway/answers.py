"""Answers in the sender's own tongue: JSON for alerts and changes, OTLP's messages for OTLP."""

import orjson
from aiohttp import web

from agents.gateway.refusal import Reason, Refusal

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
# google.rpc.Code, which OTLP's error body carries beside the sentence.
_RPC_CODE = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    405: 12,
    408: 4,
    409: 6,
    413: 8,
    415: 3,
    429: 8,
    500: 13,
    503: 14,
}
_COME_AGAIN = frozenset({429, 503})


def accepted_answer(count: int) -> web.Response:
    """Say how many alerts or changes Kafka has acknowledged."""
    return web.Response(body=orjson.dumps({"accepted": count}), content_type=JSON)


def otlp_answer(content_type: str) -> web.Response:
    """An Export...ServiceResponse with everything accepted, which is the empty message."""
    return web.Response(body=b"{}" if content_type == JSON else b"", content_type=content_type)


def refusal_answer(
    refusal: Refusal, *, retry_after: int, status: int, otlp_type: str = ""
) -> web.Response:
    """Write a refusal, as a google.rpc.Status where the sender speaks OTLP."""
    sentence = str(refusal)
    if otlp_type == PROTOBUF:
        body = status_message(_RPC_CODE.get(status, 2), sentence)
    elif otlp_type:
        body = orjson.dumps({"code": _RPC_CODE.get(status, 2), "message": sentence})
    else:
        body = orjson.dumps({"error": sentence, "reason": refusal.reason})
    answer = web.Response(body=body, status=status, content_type=otlp_type or JSON)
    if status in _COME_AGAIN:
        answer.headers["Retry-After"] = str(refusal.retry_after or retry_after)
    if refusal.reason is Reason.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if refusal.reason in (Reason.TOO_LARGE, Reason.TOO_SLOW, Reason.CUT_OFF):
        # The rest of the body is not worth reading.
        answer.force_close()
    return answer


def status_message(code: int, sentence: str) -> bytes:
    r"""Encode google.rpc.Status by hand: two fields do not warrant a dependency.

    >>> status_message(14, "no")
    b'\x08\x0e\x12\x02no'
    """
    text = sentence.encode()
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
