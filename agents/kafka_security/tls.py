"""The [kafka.tls] section, and the TLS context that it makes.

The context follows its files: each new connection is made with what they hold by then, so that a
renewed certificate needs no restart. The broker's certificate is always verified.
"""

import logging
import ssl
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from agents.errors import SettingsError
from agents.kafka_security.certificate import CertificateError, validity_of

_log = logging.getLogger("kafka")
_MAX_FILE_BYTES = 4 * 1024 * 1024
_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """Whom we trust, and who we are, when a connection is encrypted (SSL, SASL_SSL).

    Raises:
        ValueError: settings that only make sense together are not all there.
    """

    ca_file: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file of the authorities that sign the brokers' certificates; unset trusts "
            "those of the operating system."
        },
    )
    certificate_file: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file of our own certificate (mTLS), followed by the intermediate ones."
        },
    )
    key_file: Path | None = field(
        default=None,
        metadata={
            "doc": "PEM file of its private key; unset where certificate_file holds the key too."
        },
    )
    key_password: str = field(
        default="",
        repr=False,
        metadata={"doc": "Password of the private key, where it has one.", "secret": True},
    )
    check_hostname: bool = field(
        default=True,
        metadata={
            "doc": "Refuse a broker whose certificate is for another host. Leave it on: without "
            "it whoever the authority signed for can pose as any broker."
        },
    )

    def __post_init__(self) -> None:
        if self.key_file is not None and self.certificate_file is None:
            msg = (
                f"key_file is {self.key_file} and certificate_file is unset; a private key is "
                "used only with its certificate: set certificate_file, or remove key_file"
            )
            raise ValueError(msg)
        if self.key_password and self.certificate_file is None:
            msg = (
                "key_password is set and certificate_file is unset, so there is no key that it "
                "could open; set certificate_file (and key_file), or remove key_password"
            )
            raise ValueError(msg)

    @property
    def is_set(self) -> bool:
        """Whether anything differs from the defaults."""
        return self != TlsConfig()


@lru_cache(maxsize=16)
def tls_context(config: TlsConfig, section: str = "kafka.tls") -> ssl.SSLContext:
    """Return the context for a section; clients with the same settings share one.

    Args:
        config: the section.
        section: its name, for what is said when it cannot be used.

    Raises:
        SettingsError: a file cannot be used; the sentence says which, and what to do.
    """
    return _FollowingContext(config, section)


class _FollowingContext(ssl.SSLContext):
    """A context whose connections are made by another one, which is replaced with its files."""

    def __new__(cls, *_arguments: object) -> "_FollowingContext":
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, config: TlsConfig, section: str) -> None:
        self._config = config
        self._section = section
        self._stamp = _stamp(config)
        self._made = make_context(config, section)

    # asyncio makes each TLS connection by this method.
    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a connection, with the files as they are now."""
        return self._current().wrap_bio(
            incoming,
            outgoing,
            server_side=server_side,
            server_hostname=server_hostname,
            session=session,
        )

    def _current(self) -> ssl.SSLContext:
        stamp = _stamp(self._config)
        if stamp != self._stamp:
            try:
                self._made = make_context(self._config, self._section)
            except SettingsError as error:
                # Perhaps half-written: the old ones may still do, and the next connection looks
                # again.
                _log.warning("renewed TLS files cannot be used yet", extra={"error": str(error)})
            else:
                self._stamp = stamp
                _log.info("renewed TLS files are in use", extra={"section": self._section})
        return self._made


def make_context(config: TlsConfig, section: str) -> ssl.SSLContext:
    """Make a context from the files as they are now.

    Raises:
        SettingsError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = config.check_hostname
    if config.ca_file is None:
        context.load_default_certs()
    else:
        _trust(context, config.ca_file, f"{section}.ca_file")
    if config.certificate_file is not None:
        _identify(context, config, section)
    return context


def _trust(context: ssl.SSLContext, path: Path, key: str) -> None:
    text = _text(path, key)
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        msg = (
            f"{key} names {path}, which holds no certificate authority in PEM form "
            "(-----BEGIN CERTIFICATE-----); give it the certificate of who signs the brokers' ones"
        )
        raise SettingsError(msg) from error


def _identify(context: ssl.SSLContext, config: TlsConfig, section: str) -> None:
    assert config.certificate_file is not None
    certificate, key = config.certificate_file, config.key_file or config.certificate_file
    _check_validity(certificate, f"{section}.certificate_file")
    key_name = f"{section}.{'key_file' if config.key_file else 'certificate_file'}"
    text = _text(key, key_name)
    if "PRIVATE KEY-----" not in text:
        msg = (
            f"{key_name} names {key}, which holds no private key in PEM form; "
            f"set {section}.key_file to the file that does"
        )
        raise SettingsError(msg)
    try:
        # Always a password: without one OpenSSL would ask on the terminal.
        context.load_cert_chain(certificate, key, config.key_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise SettingsError(_key_trouble(error, text, config, section)) from error


def _key_trouble(error: Exception, text: str, config: TlsConfig, section: str) -> str:
    key = config.key_file or config.certificate_file
    if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH":
        return (
            f"{section}.key_file names {key}, which is not the key of the certificate in "
            f"{config.certificate_file}; give both files of one pair"
        )
    if "ENCRYPTED" in text and not config.key_password:
        return (
            f"the private key in {key} is encrypted and there is no password; "
            f"set {section}.key_password_file"
        )
    if "ENCRYPTED" in text:
        return (
            f"the private key in {key} cannot be opened with {section}.key_password; "
            "give the password that it was written with"
        )
    return (
        f"the certificate in {config.certificate_file} and the key in {key} cannot be used; "
        "both have to be whole and in PEM form"
    )


def _check_validity(path: Path, key: str) -> None:
    try:
        validity = validity_of(_text(path, key))
    except CertificateError as error:
        msg = f"{key} names {path}, which holds {error}; give it a certificate in PEM form"
        raise SettingsError(msg) from error
    now_ms = time.time_ns() // 1_000_000
    if now_ms >= validity.end_ms:
        msg = (
            f"the certificate in {path} ({key}) has expired on {_day(validity.end_ms)}; "
            "brokers refuse it: renew it"
        )
        raise SettingsError(msg)
    if now_ms < validity.begin_ms:
        msg = (
            f"the certificate in {path} ({key}) is valid only from {_day(validity.begin_ms)} on; "
            "check this machine's clock, or wait"
        )
        raise SettingsError(msg)


def certificate_days_left(config: TlsConfig) -> float | None:
    """Return for how many days our own certificate is still valid; None without one.

    Raises:
        SettingsError: the file cannot be read.
    """
    if config.certificate_file is None:
        return None
    validity = validity_of(_text(config.certificate_file, "kafka.tls.certificate_file"))
    return (validity.end_ms - time.time_ns() / 1_000_000) / 86_400_000


def _text(path: Path, key: str) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        msg = f"{key} names {path}, which cannot be read: {error.strerror}; check path and rights"
        raise SettingsError(msg) from error
    if len(data) > _MAX_FILE_BYTES:
        msg = f"{key} names {path}, which is larger than {_MAX_FILE_BYTES} bytes; is it PEM?"
        raise SettingsError(msg)
    # Other than ASCII stands only outside of the armour.
    return data.decode("ascii", "replace").replace("\ufffd", "?")


def _stamp(config: TlsConfig) -> _Stamp:
    """What changes when one of the files is replaced or rewritten."""
    paths = (config.ca_file, config.certificate_file, config.key_file)
    stamps = []
    for path in paths:
        if path is None:
            continue
        try:
            status = path.stat()
        except OSError:
            stamps.append((0, 0, 0))
        else:
            stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(stamps)


def _day(moment_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment_ms / 1_000))
