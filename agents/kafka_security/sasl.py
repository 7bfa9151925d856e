"""The [kafka.sasl] and [kafka.oauth] sections: who we say we are, and what proves it."""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaslConfig:
    """How we log in to the brokers (SASL_SSL, SASL_PLAINTEXT).

    Raises:
        ValueError: a mechanism lacks what it needs, or has what it cannot use.
    """

    mechanism: Mechanism | None = field(
        default=None, metadata={"doc": "How it is proved who we are; the brokers must offer it."}
    )
    username: str = field(default="", metadata={"doc": "The user of PLAIN and SCRAM."})
    password: str = field(
        default="",
        repr=False,
        metadata={"doc": "The password of PLAIN and SCRAM.", "secret": True},
    )
    allow_cleartext: bool = field(
        default=False,
        metadata={
            "doc": "Permit SASL_PLAINTEXT: everyone on the way can read what is sent, with PLAIN "
            "and OAUTHBEARER the password or token too."
        },
    )

    def __post_init__(self) -> None:
        if self.mechanism is None or self.mechanism == "OAUTHBEARER":
            self._check_unused()
            return
        for name in ("username", "password"):
            if not getattr(self, name):
                msg = f"mechanism is {self.mechanism} and {name} is unset; set it or {name}_file"
                msg = msg if name == "password" else msg.removesuffix(" or username_file")
                raise ValueError(msg)
        if not self.username.isprintable() or "\0" in self.password:
            msg = "username or password has control characters, which SASL cannot carry"
            raise ValueError(msg)

    def _check_unused(self) -> None:
        given = [name for name in ("username", "password") if getattr(self, name)]
        if given:
            names = " and ".join(given)
            what = self.mechanism or "unset"
            msg = (
                f"{names} set and mechanism is {what}, which uses neither; set mechanism to "
                "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, or remove them"
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class OauthConfig:
    """Where the token of OAUTHBEARER comes from: a token endpoint, or a file.

    Raises:
        ValueError: it is not clear where from, or a secret would travel in the clear.
    """

    token_url: str = field(
        default="",
        metadata={"doc": "Token endpoint (https); asked with the client-credentials grant."},
    )
    client_id: str = field(default="", metadata={"doc": "Our client id at the token endpoint."})
    client_secret: str = field(
        default="",
        repr=False,
        metadata={"doc": "Our client secret at the token endpoint.", "secret": True},
    )
    scope: str = field(default="", metadata={"doc": "Scopes asked for, separated by spaces."})
    audience: str = field(
        default="", metadata={"doc": "Audience asked for, where the endpoint wants one."}
    )
    ca_file: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file of the authorities that sign the endpoint's certificate; unset "
            "trusts those of the operating system."
        },
    )
    token_file: Path | None = field(
        default=None,
        metadata={
            "doc": "File that holds a token, instead of an endpoint; read anew for each "
            "connection."
        },
    )
    extensions: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "SASL extensions that the brokers want, each as name=value."},
    )
    timeout_ms: int = field(
        default=5_000, metadata={"doc": "Longest one request to the token endpoint may take."}
    )
    attempts: int = field(
        default=3, metadata={"doc": "Requests before a token is given up for this connection."}
    )
    refresh_seconds: float = field(
        default=60.0,
        metadata={
            "doc": "A token is renewed this long before it expires, or at four fifths of its life."
        },
    )
    allow_http: bool = field(
        default=False,
        metadata={"doc": "Permit a token endpoint without TLS; loopback always is permitted."},
    )

    def __post_init__(self) -> None:
        self._check_origin()
        if not 1 <= self.attempts <= 10:
            msg = f"attempts is {self.attempts}; expected 1 to 10"
            raise ValueError(msg)
        if self.timeout_ms <= 0 or self.refresh_seconds < 0:
            msg = (
                f"timeout_ms is {self.timeout_ms} and refresh_seconds is {self.refresh_seconds}; "
                "expected a number above 0, and one that is not below it"
            )
            raise ValueError(msg)
        for extension in self.extensions:
            name, sign, value = extension.partition("=")
            # RFC 7628, 3.1; `auth` is the token itself.
            if not (sign and name.isalpha() and name != "auth" and value.isprintable()):
                msg = f"extensions names {extension!r}; expected name=value, the name of letters"
                raise ValueError(msg)

    @property
    def is_set(self) -> bool:
        """Whether anything differs from the defaults."""
        return self != OauthConfig()

    def _check_origin(self) -> None:
        if self.token_url and self.token_file is not None:
            msg = "token_url and token_file are both set; keep the one that tokens come from"
            raise ValueError(msg)
        credentials = [n for n in ("client_id", "client_secret") if getattr(self, n)]
        if self.token_url:
            self._check_url()
            if len(credentials) < 2:
                msg = (
                    "token_url is set without client_id and client_secret; the token endpoint "
                    "needs both: set client_id and client_secret_file"
                )
                raise ValueError(msg)
        elif credentials:
            msg = f"{' and '.join(credentials)} set without token_url; say where tokens come from"
            raise ValueError(msg)

    def _check_url(self) -> None:
        try:
            parts = urlsplit(self.token_url)
            host, _port = parts.hostname, parts.port
        except ValueError:
            host, parts = None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host:
            msg = "token_url is no http(s) address; expected https://host/path"
            raise ValueError(msg)
        if parts.username is not None or parts.password is not None:
            msg = "token_url holds a user; put it into client_id and client_secret_file"
            raise ValueError(msg)
        if parts.scheme == "http" and not (self.allow_http or _is_loopback(host)):
            msg = (
                f"token_url is http://{host}/..., so that the client secret would travel in the "
                "clear; use https, or declare it with allow_http"
            )
            raise ValueError(msg)


def _is_loopback(host: str) -> bool:
    """Tell whether an address cannot leave this machine.

    >>> _is_loopback("127.0.0.1"), _is_loopback("::1"), _is_loopback("tokens.example.com")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
