"""How a request is signed: pure, and the same for the sender and the gateway (docs/GATEWAY.md).

The signature covers the method, the target, the body as sent and the headers that decide how it
is read, together with a time and a nonce, so that it cannot be used for anything else or later.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

SOURCE_HEADER = "Rootline-Source"
TIMESTAMP_HEADER = "Rootline-Timestamp"
NONCE_HEADER = "Rootline-Nonce"
SIGNATURE_HEADER = "Rootline-Signature"
_VERSION = "v1"
_MAX_SIGNATURES = 4
_NONCE = re.compile(r"[A-Za-z0-9_-]{8,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v1=([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a signed request says of itself, before anything of it is proven."""

    source: str
    timestamp: int
    nonce: str
    signatures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What is signed of a request. `target` is its path with the query, as sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def read_claim(headers: Mapping[str, str]) -> Claim | None:
    """Read the four headers of a signed request; None when one is missing or malformed.

    >>> read_claim({"Rootline-Source": "ci"}) is None
    True
    """
    source, timestamp = headers.get(SOURCE_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    nonce = headers.get(NONCE_HEADER, "")
    parts = [part.strip() for part in headers.get(SIGNATURE_HEADER, "").split(",")]
    found = [match[1] for part in parts if (match := _SIGNATURE.fullmatch(part))]
    well_formed = _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce)
    if not (source and well_formed and found) or len(parts) > _MAX_SIGNATURES:
        return None
    return Claim(source=source, timestamp=int(timestamp), nonce=nonce, signatures=tuple(found))


def canonical(request: Signed, timestamp: int, nonce: str) -> bytes:
    r"""Write down what is signed, one thing a line.

    >>> plain = Signed(method="POST", target="/v1/alerts", headers={"content-type": "a/b"},
    ...     body=b"")
    >>> print(canonical(plain, 7, "n0nce-42").decode())
    v1
    7
    n0nce-42
    POST
    /v1/alerts
    content-type:a/b
    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    """
    named = sorted(
        f"{name.lower()}:{value.strip()}"
        for name, value in request.headers.items()
        if _is_signed(name.lower())
    )
    digest = hashlib.sha256(request.body).hexdigest()
    lines = (_VERSION, str(timestamp), nonce, request.method, request.target, *named, digest)
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def sign(key: str, request: Signed, timestamp: int, nonce: str) -> str:
    """Return the value of the signature header."""
    text = canonical(request, timestamp, nonce)
    return f"{_VERSION}={hmac.new(key.encode(), text, hashlib.sha256).hexdigest()}"


def is_signed_by(claim: Claim, keys: tuple[str, ...], request: Signed) -> bool:
    """Tell whether one of the claim's signatures was made with one of the keys.

    Every key and signature is compared, and each comparison takes the same time whatever differs.
    """
    text = canonical(request, claim.timestamp, claim.nonce)
    proven = False
    for key in keys:
        expected = hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
        for signature in claim.signatures:
            proven |= hmac.compare_digest(expected, signature)
    return proven


def _is_signed(name: str) -> bool:
    return name in {"content-type", "content-encoding"} or name.startswith("ce-")
