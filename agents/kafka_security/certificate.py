"""Reads from a PEM file how long its first certificate is valid: as much DER as that takes."""

import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

_PEM = re.compile(
    r"-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----",
)
_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x17, 0x18, 0xA0


class CertificateError(ValueError):
    """A text holds no certificate that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """The time over which a certificate may be used."""

    begin_ms: int
    end_ms: int


def validity_of(pem: str) -> Validity:
    """Return the validity of the first certificate in a PEM text.

    Raises:
        CertificateError: there is none, or it cannot be read.
    """
    found = _PEM.search(pem)
    if found is None:
        msg = "no certificate in PEM form"
        raise CertificateError(msg)
    try:
        return _validity(ssl.PEM_cert_to_DER_cert(found.group()))
    except (ValueError, IndexError) as error:
        msg = "a certificate that is damaged"
        raise CertificateError(msg) from error


def _validity(der: bytes) -> Validity:
    """Step through Certificate / TBSCertificate up to its validity (RFC 5280, 4.1)."""
    _, certificate, _ = _element(der)
    _, rest, _ = _element(certificate)
    tag, _, after = _element(rest)
    if tag == _VERSION:
        rest = after
    for _field in ("serial number", "signature algorithm", "issuer"):
        _, _, rest = _element(rest)
    tag, times, _ = _element(rest)
    if tag != _SEQUENCE:
        msg = f"tag {tag} where the validity should be"
        raise ValueError(msg)
    first_tag, begin, rest = _element(times)
    last_tag, end, _ = _element(rest)
    return Validity(begin_ms=_moment(first_tag, begin), end_ms=_moment(last_tag, end))


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    r"""Take one DER element off: its tag, its content, and what follows it.

    >>> _element(b"\x02\x01\x05rest")
    (2, b'\x05', b'rest')
    """
    tag, length, start = data[0], data[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(data[2:start])
    if start + length > len(data):
        msg = "an element is longer than what holds it"
        raise ValueError(msg)
    return tag, data[start : start + length], data[start + length :]


def _moment(tag: int, content: bytes) -> int:
    """Read a time of a certificate as epoch milliseconds.

    >>> _moment(0x17, b"700101000001Z"), _moment(0x18, b"19700101000001Z")
    (1000, 1000)
    """
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        # Two digits of a year: 50 to 99 are of the last century (RFC 5280, 4.1.2.5.1).
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERALIZED_TIME:
        msg = f"tag {tag} where a time should be"
        raise ValueError(msg)
    moment = datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000)
