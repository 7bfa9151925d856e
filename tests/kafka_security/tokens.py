"""A token endpoint for a test: signs real JWTs (ES256), shows its keys, and can misbehave."""

import base64
import contextlib
import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ISSUER = "https://tokens.example.com"
AUDIENCE = "kafka"
CLIENT_ID = "rootline"
CLIENT_SECRET = "s3cret+with/odd=signs"  # odd on purpose: it has to be encoded


class Signer:
    """Signs tokens with one key."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def token(self, seconds: float = 3600.0, subject: str = CLIENT_ID) -> str:
        now = time.time()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": int(now),
            "exp": int(now + seconds),
            "scope": "kafka",
        }
        head = {"alg": "ES256", "typ": "JWT", "kid": "test"}
        body = f"{_json64(head)}.{_json64(claims)}"
        r, s = decode_dss_signature(self._key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{body}.{_base64(r.to_bytes(32) + s.to_bytes(32))}"

    def keys(self) -> dict[str, Any]:
        numbers = self._key.public_key().public_numbers()
        x, y = (_base64(number.to_bytes(32)) for number in (numbers.x, numbers.y))
        key = {"kty": "EC", "crv": "P-256", "kid": "test", "use": "sig", "alg": "ES256"}
        return {"keys": [key | {"x": x, "y": y}]}


class TokenServer:
    """`/token` and `/keys` on loopback, with TLS when it is given a certificate.

    `answer`, when set, replaces the answer of `/token`: it returns status and body. `asked` has
    what every request for a token held: its Authorization header and its form.
    """

    def __init__(self, signer: Signer, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: Callable[[], tuple[int, dict[str, str], bytes]] | None = None
        self.seconds = 3600.0
        self._signer = signer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._scheme = "http"
        if context is not None:
            self._scheme = "https"
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self._server.server_port}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def give(self, authorization: str, form: str) -> tuple[int, dict[str, str], bytes]:
        """What a request for a token is answered with."""
        self.asked.append((authorization, form))
        if self.answer is not None:
            return self.answer()
        pair = f"{CLIENT_ID}:s3cret%2Bwith%2Fodd%3Dsigns"
        if authorization != f"Basic {base64.b64encode(pair.encode()).decode()}":
            # Unfriendly on purpose: it repeats what it was sent.
            body = {"error": "invalid_client", "error_description": f"{authorization} {form}"}
            return 401, {}, json.dumps(body).encode()
        token = {"access_token": self._signer.token(self.seconds), "token_type": "Bearer"}
        return 200, {}, json.dumps(token | {"expires_in": self.seconds}).encode()

    def keys(self) -> bytes:
        return json.dumps(self._signer.keys()).encode()


def _handler(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._send(*server.give(self.headers.get("Authorization", ""), form))

        def do_GET(self) -> None:
            self._send(200, {}, server.keys())

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            # Whoever has had enough goes away.
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    return Handler


def _json64(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
