"""Reads a request's body within its limits of size, time and decompressed size."""

import asyncio
import zlib

from aiohttp import web

from agents.gateway.admission import Lease
from agents.gateway.config import GatewayConfig
from agents.gateway.refusal import Reason, Refusal

# gzip with its header; zlib with its header, which is what HTTP means by deflate.
_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}
# gzip allows several in a row. Each costs far more than its size, so many are an attack.
_MAX_MEMBERS = 64
ENCODINGS = "gzip, deflate, identity"


async def read_body(request: web.Request, config: GatewayConfig, lease: Lease) -> bytes:
    """Read the body as sent (compressed, if it is).

    Raises:
        Refusal: it is too large, too slow, cut off, or more than the gateway can hold now.
    """
    limit = config.max_body_bytes
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    chunks = []
    size = 0
    try:
        async with asyncio.timeout(config.body_timeout_ms / 1000):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                lease.take(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        raise Refusal(
            Reason.TOO_SLOW,
            f"the body did not arrive within {config.body_timeout_ms} ms; {size} bytes did",
        ) from None
    except (web.RequestPayloadError, ConnectionError) as error:
        raise Refusal(Reason.CUT_OFF, f"the body is cut off after {size} bytes") from error
    return b"".join(chunks)


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding, never holding more than `limit` bytes of the result.

    >>> decompress(zlib.compress(b"spans"), "deflate", 100)
    b'spans'

    Raises:
        Refusal: the encoding is unknown, the data are damaged, or the result is too large.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return data
    if encoding not in _WINDOW:
        raise Refusal(
            Reason.UNSUPPORTED, f"Content-Encoding is {encoding!r}; expected one of {ENCODINGS}"
        )
    window = _WINDOW[encoding]
    if encoding == "deflate" and not _has_zlib_header(data):
        window = -15  # some senders leave the zlib header out
    out = b""
    members = 0
    try:
        while data:
            members += 1
            if members > _MAX_MEMBERS:
                raise Refusal(
                    Reason.MALFORMED, f"the body is more than {_MAX_MEMBERS} {encoding} pieces"
                )
            member = zlib.decompressobj(window)
            out += member.decompress(data, limit + 1 - len(out))
            if len(out) > limit:
                raise _too_large(limit)
            if not member.eof:
                raise Refusal(Reason.MALFORMED, f"the {encoding} body is cut off")
            data = member.unused_data
    except zlib.error as error:
        raise Refusal(Reason.MALFORMED, f"the body is not valid {encoding}: {error}") from error
    return out


def _has_zlib_header(data: bytes) -> bool:
    return len(data) >= 2 and data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0


def _too_large(limit: int) -> Refusal:
    return Refusal(
        Reason.TOO_LARGE,
        f"the body is larger than {limit} bytes (gateway.max_body_bytes); send smaller batches",
    )
