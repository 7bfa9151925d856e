"""The HTTP session that webhooks are posted with: verified TLS, guarded addresses, no cookies."""

import ssl
import urllib.request

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from agents.errors import SettingsError
from agents.notifier.addresses import GuardedResolver
from agents.notifier.config import NotifierConfig
from agents.notifier.networks import networks


def trust(config: NotifierConfig) -> ssl.SSLContext:
    """Return the TLS context: the system's authorities, and those of `ca_file`.

    Raises:
        SettingsError: `ca_file` cannot be used.
    """
    context = ssl.create_default_context()
    if config.ca_file is None:
        return context
    try:
        context.load_verify_locations(config.ca_file)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "no PEM"
        msg = (
            f"notifier.ca_file names {config.ca_file}, which cannot be used: {why}; expected a "
            "PEM file of certificates"
        )
        raise SettingsError(msg) from error
    return context


def open_session(
    config: NotifierConfig,
    timeout: aiohttp.ClientTimeout,
    inner: AbstractResolver | None = None,
) -> aiohttp.ClientSession:
    """Open a session.

    Args:
        config: the [notifier] section.
        timeout: how long requests may take.
        inner: looks names up; the system's resolver unless given.

    Raises:
        SettingsError: `ca_file` cannot be used.
    """
    proxies = _proxy_hosts() if config.use_proxy_environment else frozenset()
    resolver = GuardedResolver(networks(config.private_networks), exempt=proxies, inner=inner)
    # A connection for each attempt: what its name leads to is looked at each time, and none is
    # used that the receiver closes at this moment, of which nobody could tell what it took.
    connector = aiohttp.TCPConnector(
        ssl=trust(config), resolver=resolver, use_dns_cache=False, force_close=True
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=config.use_proxy_environment,
        # An answer of any size or encoding costs us what we read of it.
        auto_decompress=False,
    )


def _proxy_hosts() -> frozenset[str]:
    """The hosts of the environment's proxies, which look the receivers' names up themselves."""
    found = (URL(text).host for text in urllib.request.getproxies().values() if "://" in text)
    return frozenset(host for host in found if host)
