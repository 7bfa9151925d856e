"""The [notifier] section: which chat webhooks are told, how patiently, and how often at most."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from yarl import URL

from agents.notifier.networks import networks

FIRST_RECEIVER = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """A webhook with a name. The name goes into logs and topics; the URL is a secret."""

    name: str
    url: str = field(repr=False)

    @property
    def host(self) -> str:
        """The only part of the URL that may be logged.

        >>> Receiver(name="chat", url="https://hooks.example.com/services/T0/B0/secret").host
        'hooks.example.com'
        """
        return URL(self.url).host or ""

    @property
    def is_protected(self) -> bool:
        """Tell whether nobody reads the message and its secret on the way: TLS, or loopback."""
        return URL(self.url).scheme == "https" or self.host.startswith("127.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierConfig:
    """Everything the notifier can be told.

    Raises:
        ValueError: a value is out of range, or a webhook is no http(s) URL.
    """

    webhook_url: str = field(
        default="",
        repr=False,
        metadata={
            "doc": "Slack-compatible incoming webhook; empty sends nothing.",
            "secret": True,
        },
    )
    webhook_urls: Mapping[str, str] = field(
        default_factory=dict,
        repr=False,
        metadata={
            "doc": "More webhooks by name; each has a consumer group and a pace of its own.",
            "secret": True,
        },
    )
    console_url: str = field(
        default="",
        metadata={"doc": "Address of the console; messages then link to their incident there."},
    )
    connect_timeout_ms: int = field(
        default=5_000, metadata={"doc": "Longest to wait for a connection to the webhook."}
    )
    request_timeout_ms: int = field(
        default=10_000, metadata={"doc": "Longest one attempt may take in all."}
    )
    retry_base_ms: int = field(
        default=500,
        metadata={"doc": "Pause after the first failed attempt; it doubles each time."},
    )
    retry_cap_ms: int = field(
        default=30_000, metadata={"doc": "Longest pause between attempts that back-off chooses."}
    )
    retry_after_max_ms: int = field(
        default=300_000, metadata={"doc": "Longest pause a receiver's Retry-After can ask for."}
    )
    retry_deadline_ms: int = field(
        default=3_600_000,
        metadata={"doc": "Time after which a message nobody takes goes to the dead-letter topic."},
    )
    message_interval_ms: int = field(
        default=1_000, metadata={"doc": "Least pause between two messages to one receiver."}
    )
    top_changed_interval_ms: int = field(
        default=30_000,
        metadata={"doc": "Least time between two messages about one incident's changed TOP-1."},
    )
    top_changed_limit: int = field(
        default=10, metadata={"doc": "Most messages about one incident's changed TOP-1."}
    )
    top_changed_min_confidence: float = field(
        default=0.3,
        metadata={"doc": "Least confidence of a new TOP-1 that is worth a message."},
    )
    announce_within_ms: int = field(
        default=21_600_000,
        metadata={
            "doc": "Age of an incident record (Kafka timestamp) beyond which it opens nothing in "
            "chat, so that a first start does not announce the topic's history."
        },
    )
    max_pending_incidents: int = field(
        default=200,
        metadata={"doc": "Most incidents waiting for one receiver; beyond it reading pauses."},
    )
    max_remembered_incidents: int = field(
        default=50_000,
        metadata={"doc": "Most incidents whose last message is held in memory, oldest dropped."},
    )
    group: str = field(
        default="rootline-notify",
        metadata={"doc": "Consumer group; further receivers append a dot and their name."},
    )
    notified_topic: str = field(
        default="rootline.notified",
        metadata={"doc": "Compacted topic that remembers what each receiver was told."},
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": "Hosts that webhooks may name, as chat.example or *.chat.example; none named "
            "are all."
        },
    )
    private_networks: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": "Private, loopback or link-local networks (10.0.0.0/8) that a webhook's name "
            "may lead to; none otherwise. An address written in the URL is taken as it is."
        },
    )
    ca_file: Path | None = field(
        default=None,
        metadata={"doc": "PEM file of authorities trusted besides the system's."},
    )
    use_proxy_environment: bool = field(
        default=False, metadata={"doc": "Send through the proxy that HTTPS_PROXY names."}
    )

    def __post_init__(self) -> None:
        if not self.group or not self.notified_topic:
            msg = "group or notified_topic is empty; both need a name"
            raise ValueError(msg)
        _check_networks(self.private_networks)
        for receiver in receivers(self):
            _check(receiver)
            _check_host(receiver, self.allowed_hosts)
        if self.console_url and not _is_web(self.console_url):
            msg = f"console_url is {self.console_url!r}; expected http://host or https://host"
            raise ValueError(msg)
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                msg = f"{name} is {getattr(self, name)}; expected a number above 0"
                raise ValueError(msg)
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                msg = f"{name} is {getattr(self, name)}; expected 0 or more"
                raise ValueError(msg)
        if not 0 <= self.top_changed_min_confidence <= 1:
            msg = (
                f"top_changed_min_confidence is {self.top_changed_min_confidence}; expected 0 to 1"
            )
            raise ValueError(msg)


_POSITIVE = (
    "connect_timeout_ms",
    "request_timeout_ms",
    "retry_base_ms",
    "retry_cap_ms",
    "retry_after_max_ms",
    "retry_deadline_ms",
    "announce_within_ms",
    "max_pending_incidents",
    "max_remembered_incidents",
)
_NOT_NEGATIVE = ("message_interval_ms", "top_changed_interval_ms", "top_changed_limit")


def receivers(config: NotifierConfig) -> tuple[Receiver, ...]:
    """Name every webhook that is configured; the first is called `chat`."""
    named = dict(config.webhook_urls)
    if config.webhook_url:
        if FIRST_RECEIVER in named:
            msg = f"webhook_urls names {FIRST_RECEIVER!r}, which webhook_url is; use another name"
            raise ValueError(msg)
        named[FIRST_RECEIVER] = config.webhook_url
    return tuple(Receiver(name=name, url=named[name]) for name in sorted(named))


def group_of(receiver: Receiver, config: NotifierConfig) -> str:
    """Name a receiver's consumer group: one each, so that a slow one holds up no other.

    >>> group_of(Receiver(name="chat", url="http://h/"), NotifierConfig())
    'rootline-notify'
    >>> group_of(Receiver(name="ops", url="http://h/"), NotifierConfig())
    'rootline-notify.ops'
    """
    first = receiver.name == FIRST_RECEIVER
    return config.group if first else f"{config.group}.{receiver.name}"


def _check(receiver: Receiver) -> None:
    # Names become part of Kafka keys and group ids.
    if (
        not receiver.name.replace("-", "").replace("_", "").isalnum()
        or not receiver.name.isascii()
    ):
        msg = f"webhook_urls names {receiver.name!r}; expected letters, digits, - and _"
        raise ValueError(msg)
    if not _is_web(receiver.url):
        # The URL itself stays out of the sentence: it is a secret even when it is wrong.
        msg = f"the webhook URL of {receiver.name} is no URL; expected https://host/path"
        raise ValueError(msg)


def _check_host(receiver: Receiver, allowed: tuple[str, ...]) -> None:
    if allowed and not any(is_named(receiver.host, pattern) for pattern in allowed):
        msg = (
            f"the webhook of {receiver.name} is at {receiver.host}, which allowed_hosts does not "
            f"name; it names {', '.join(allowed)}"
        )
        raise ValueError(msg)


def _check_networks(texts: tuple[str, ...]) -> None:
    try:
        networks(texts)
    except ValueError as error:
        msg = f"private_networks: {error}; expected networks such as 10.0.0.0/8 or fd00::/8"
        raise ValueError(msg) from error


def is_named(host: str, pattern: str) -> bool:
    """Tell whether a pattern names a host; `*.` stands for one or more labels in front.

    >>> is_named("a.chat.example", "*.chat.example"), is_named("chat.example", "*.chat.example")
    (True, False)
    >>> is_named("CHAT.example", "chat.example"), is_named("evilchat.example", "chat.example")
    (True, False)
    """
    name, wanted = host.lower().rstrip("."), pattern.lower().rstrip(".")
    if wanted.startswith("*."):
        return name.endswith(wanted[1:]) and len(name) > len(wanted) - 1
    return name == wanted


def _is_web(text: str) -> bool:
    """Tell whether a text is a URL that can be posted to.

    >>> _is_web("https://hooks.example.com/x"), _is_web("hooks.example.com"), _is_web("file:///x")
    (True, False, False)
    """
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)
