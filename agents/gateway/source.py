"""A source: somebody who may post, by which keys, into which environments, and how often."""

from dataclasses import dataclass, field

_MIN_KEY_CHARS = 16
_MAX_SOURCES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One sender. Several keys at a time are what rotation needs: add, switch over, remove.

    Raises:
        ValueError: a name or key that no header carries, or no key at all.
    """

    name: str = field(metadata={"doc": "Name of the sender, in logs, metrics and record headers."})
    tokens: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata={
            "doc": "Bearer tokens, any of which will do; 16 characters or more each.",
            "secret": True,
        },
    )
    signing_keys: tuple[str, ...] = field(
        default=(),
        repr=False,
        metadata={
            "doc": "Keys of HMAC signatures, any of which will do; 16 characters or more each.",
            "secret": True,
        },
    )
    environments: tuple[str, ...] = field(
        default=(),
        metadata={"doc": "Environments that it may write; none named are all."},
    )
    requests_per_second: float = field(
        default=0.0,
        metadata={"doc": "Requests it may send on average; 0 takes the gateway's own limit."},
    )
    burst: int = field(
        default=0, metadata={"doc": "Requests it may send at once; 0 takes the gateway's own."}
    )

    def __post_init__(self) -> None:
        if not is_source_name(self.name):
            msg = f"a source is called {self.name!r}; expected letters, digits, - _ and ."
            raise ValueError(msg)
        if not (self.tokens or self.signing_keys):
            msg = f"source {self.name} has neither tokens nor signing_keys; give it one"
            raise ValueError(msg)
        for key in (*self.tokens, *self.signing_keys):
            # The key itself stays out of the sentence.
            if len(key) < _MIN_KEY_CHARS or not is_header_text(key):
                msg = (
                    f"source {self.name} has a key that is shorter than {_MIN_KEY_CHARS} "
                    "characters or is no printable ASCII; take one from: openssl rand -hex 32"
                )
                raise ValueError(msg)
        if any(not name.strip() for name in self.environments):
            msg = f"source {self.name} names an empty environment; leave it out"
            raise ValueError(msg)
        if self.requests_per_second < 0 or self.burst < 0:
            msg = f"source {self.name} has a limit below 0; expected 0 or more"
            raise ValueError(msg)


def is_header_text(text: str) -> bool:
    r"""Tell whether an HTTP header can carry a text as it is.

    >>> is_header_text("a b"), is_header_text("a\nb"), is_header_text("\u00e9")
    (True, False, False)
    """
    return text.isascii() and text.isprintable()


def is_source_name(name: str) -> bool:
    """Tell whether a name fits into metrics, logs and headers.

    >>> is_source_name("ci-2.eu"), is_source_name("a b"), is_source_name("")
    (True, False, False)
    """
    bare = name.replace("-", "").replace("_", "").replace(".", "")
    return bare.isalnum() and name.isascii() and len(name) <= 100


def check_sources(sources: tuple[SourceConfig, ...]) -> None:
    """Refuse names or keys that two sources share: nobody could tell who is speaking.

    Raises:
        ValueError: two sources share a name or a key, or there are too many.
    """
    if len(sources) > _MAX_SOURCES:
        msg = f"sources has {len(sources)} entries; at most {_MAX_SOURCES} are taken"
        raise ValueError(msg)
    owners: dict[str, str] = {}
    names: set[str] = set()
    for source in sources:
        if source.name in names:
            msg = f"two sources are called {source.name}; give each a name of its own"
            raise ValueError(msg)
        names.add(source.name)
        for key in (*source.tokens, *source.signing_keys):
            if owners.setdefault(key, source.name) != source.name:
                msg = f"sources {owners[key]} and {source.name} share a key; give each its own"
                raise ValueError(msg)
