"""Asks a token endpoint for a token with the client-credentials grant (RFC 6749, 4.4).

Nothing that this module says holds the client secret, a token, or what an endpoint echoes of them.
"""

import base64
import re
import time
from dataclasses import dataclass
from urllib.parse import quote_plus, urlsplit

import aiohttp
import orjson

from agents.kafka_security.sasl import OauthConfig
from agents.kafka_security.tls import TlsConfig, tls_context

_MAX_ANSWER_BYTES = 256 * 1024
_UNKNOWN_LIFE_SECONDS = 300.0
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # b64token of RFC 6750, 2.1
_ERROR_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Exception):  # noqa: N818 - one of the two ways in which it fails
    """The endpoint gave no token; `again` says whether it may give one if it is asked again."""

    sentence: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A bearer token and the moment (epoch seconds) after which nobody takes it."""

    text: str
    expires_at: float

    def __repr__(self) -> str:
        return f"Token(expires_at={self.expires_at})"


async def ask(config: OauthConfig) -> Token:
    """Ask once.

    Raises:
        Refused: no token came.
        SettingsError: the authorities' file cannot be used.
    """
    where = endpoint_name(config.token_url)
    context = tls_context(TlsConfig(ca_file=config.ca_file), "kafka.oauth")
    timeout = aiohttp.ClientTimeout(total=config.timeout_ms / 1_000)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(
                config.token_url,
                data=_form(config),
                headers=_headers(config),
                ssl=context,
                # A redirect could take the secret anywhere.
                allow_redirects=False,
            ) as answer,
        ):
            status = answer.status
            body = await _body(answer)
    except aiohttp.ClientConnectorCertificateError as error:
        said = getattr(error.certificate_error, "verify_message", "") or "it is not valid"
        msg = (
            f"the certificate of the token endpoint {where} is refused ({said}); check "
            "kafka.oauth.ca_file and the host in kafka.oauth.token_url"
        )
        raise Refused(sentence=msg, again=False) from None
    except TimeoutError:
        msg = f"the token endpoint {where} has not answered within {config.timeout_ms} ms"
        raise Refused(sentence=msg, again=True) from None
    except (aiohttp.ClientError, OSError) as error:
        msg = f"the token endpoint {where} cannot be reached ({type(error).__name__})"
        raise Refused(sentence=msg, again=True) from None
    return _token(status, body, where)


def endpoint_name(url: str) -> str:
    """Name an endpoint without its path and query, which may hold what is secret.

    >>> endpoint_name("https://id.example.com:8443/realms/x/token?key=1")
    'https://id.example.com:8443'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def expiry_of(token: str) -> float | None:
    """Return the `exp` of a token that is a JWT, unverified; None where it has none."""
    parts = token.split(".")
    if len(parts) < 2:
        return None
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (ValueError, KeyError, TypeError):
        return None


def is_token(text: str) -> bool:
    """Tell whether a text can travel as a bearer token.

    >>> is_token("abc.def-_~+/=="), is_token("two words"), is_token("")
    (True, False, False)
    """
    return _TOKEN.fullmatch(text) is not None


def _headers(config: OauthConfig) -> dict[str, str]:
    # Each half is form-encoded before they are joined (RFC 6749, 2.3.1).
    pair = f"{quote_plus(config.client_id)}:{quote_plus(config.client_secret)}"
    basic = base64.b64encode(pair.encode()).decode()
    return {"Authorization": f"Basic {basic}", "Accept": "application/json"}


def _form(config: OauthConfig) -> dict[str, str]:
    wanted = {"scope": config.scope, "audience": config.audience}
    return {"grant_type": "client_credentials"} | {k: v for k, v in wanted.items() if v}


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for piece in answer.content.iter_chunked(16 * 1024):
        body += piece
        if len(body) > _MAX_ANSWER_BYTES:
            msg = f"the token endpoint answered with more than {_MAX_ANSWER_BYTES} bytes"
            raise Refused(sentence=msg, again=False)
    return body


def _token(status: int, body: bytes, where: str) -> Token:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    fields = answer if isinstance(answer, dict) else {}
    if status != 200:
        raise _refusal(status, fields, where)
    text, life = fields.get("access_token"), fields.get("expires_in")
    if not isinstance(text, str) or not is_token(text):
        msg = f"the token endpoint {where} answered without a usable access_token"
        raise Refused(sentence=msg, again=False)
    kind = fields.get("token_type", "Bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        msg = f"the token endpoint {where} gave a token that is no bearer token; Kafka wants one"
        raise Refused(sentence=msg, again=False)
    now = time.time()
    if isinstance(life, int | float) and not isinstance(life, bool) and life > 0:
        return Token(text=text, expires_at=now + life)
    return Token(text=text, expires_at=expiry_of(text) or now + _UNKNOWN_LIFE_SECONDS)


def _refusal(status: int, fields: dict[str, object], where: str) -> Refused:
    # Only a code is repeated: what else an endpoint says may echo what it was sent.
    code = fields.get("error")
    known = f", {code}" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
    again = status == 429 or status >= 500
    if 300 <= status < 400:
        advice = "it redirects; set kafka.oauth.token_url to where it leads"
    elif again:
        advice = "it is asked again"
    else:
        advice = "check kafka.oauth.client_id, client_secret, scope and audience"
    msg = f"the token endpoint {where} gives no token (HTTP {status}{known}); {advice}"
    return Refused(sentence=msg, again=again)
