"""The [gateway.tls] section, and the TLS context that the gateway listens with.

A certificate is renewed by replacing its files: `Certificate.renew` reads them again, and new
connections get the new one. A pair that does not fit leaves the old one in force.
"""

import logging
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from agents.errors import SettingsError

log = logging.getLogger(__name__)
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """TLS of the gateway; without a certificate it speaks plain HTTP.

    Raises:
        ValueError: a certificate without its key, or the other way round.
    """

    certificate_file: Path | None = field(
        default=None,
        metadata={"doc": "PEM file: the certificate and its chain. Read again when it changes."},
    )
    key_file: Path | None = field(
        default=None, metadata={"doc": "PEM file: the certificate's private key."}
    )
    key_password: str = field(
        default="",
        repr=False,
        metadata={"doc": "Opens the key, if it is encrypted.", "secret": True},
    )
    client_ca_file: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file of authorities; every client must then show a certificate of theirs "
            "(health and metrics too)."
        },
    )
    min_version: Literal["1.2", "1.3"] = field(
        default="1.2", metadata={"doc": "Least version of TLS that is spoken."}
    )

    def __post_init__(self) -> None:
        if (self.certificate_file is None) != (self.key_file is None):
            given, other = (
                ("key_file", "certificate_file")
                if self.key_file
                else ("certificate_file", "key_file")
            )
            msg = f"{given} is set and {other} is not; TLS needs both"
            raise ValueError(msg)
        if self.client_ca_file is not None and self.certificate_file is None:
            msg = "client_ca_file is set without a certificate_file; set that and key_file as well"
            raise ValueError(msg)

    @property
    def enabled(self) -> bool:
        """Tell whether the gateway speaks TLS."""
        return self.certificate_file is not None


class Certificate:
    """The context of one listener, and the files that it came from.

    Raises:
        SettingsError: a file cannot be read, or is not what it should be.
    """

    def __init__(self, config: TlsConfig) -> None:
        self._config = config
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = _VERSIONS[config.min_version]
        # One request cannot make the server negotiate again and again.
        self.context.options |= ssl.OP_NO_RENEGOTIATION
        self.context.set_alpn_protocols(["http/1.1"])
        self._load(self.context)
        if config.client_ca_file is not None:
            self._require_clients(config.client_ca_file)
        self._stamp = self._stamps()

    def renew(self) -> bool:
        """Read the files again if they have changed; tell whether they are in force now."""
        stamp = self._stamps()
        if stamp == self._stamp or None in stamp:
            return False
        self._stamp = stamp
        try:
            # Tried on a context of its own: half a pair must not get into the one in use.
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._load(self.context)
        except SettingsError as error:
            log.error("the old TLS certificate stays in force", extra={"reason": str(error)})  # noqa: TRY400 - the sentence says it all
            return False
        log.info("a new TLS certificate is in force")
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        config = self._config
        assert config.certificate_file is not None, "TLS is enabled"
        try:
            context.load_cert_chain(
                config.certificate_file, config.key_file, lambda: config.key_password
            )
        except (OSError, ValueError) as error:
            msg = (
                f"gateway.tls names the certificate {config.certificate_file} and the key "
                f"{config.key_file}, which cannot be used: {_why(error)}; expected two PEM files "
                "that belong together"
            )
            raise SettingsError(msg) from error

    def _require_clients(self, authorities: Path) -> None:
        try:
            self.context.load_verify_locations(authorities)
        except (OSError, ValueError) as error:
            msg = (
                f"gateway.tls.client_ca_file names {authorities}, which cannot be used: "
                f"{_why(error)}; expected a PEM file of certificates"
            )
            raise SettingsError(msg) from error
        self.context.verify_mode = ssl.CERT_REQUIRED

    def _stamps(self) -> tuple[int | None, ...]:
        paths = (self._config.certificate_file, self._config.key_file)
        return tuple(_changed_at(path) for path in paths if path is not None)


def _changed_at(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None  # being replaced


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is not PEM"
    return getattr(error, "strerror", None) or str(error)
