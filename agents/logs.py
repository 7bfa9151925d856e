"""Structured logs: one JSON object a line, or a human form on a terminal; the [logging] section.

A message is constant; what varies goes into `extra`. Control characters are escaped in both
forms, so that quoted input cannot forge lines or drive a terminal, and known secrets are hidden.
"""

import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, TextIO

import orjson

from agents.unsafe_text import escaped

Level = Literal["debug", "info", "warning", "error", "critical"]
_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_HIDDEN = "(hidden)"


def _quiet_libraries() -> Mapping[str, Level]:
    return MappingProxyType(
        {"aiokafka": "error", "faust": "warning", "mode": "warning", "aiohttp.access": "warning"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingConfig:
    """How much is logged and in which form."""

    level: Level = field(default="info", metadata={"doc": "Least level that is written."})
    form: Literal["auto", "json", "human"] = field(
        default="auto", metadata={"doc": "auto is human on a terminal and JSON elsewhere."}
    )
    levels: Mapping[str, Level] = field(
        default_factory=_quiet_libraries,
        metadata={"doc": "Levels of single loggers by name; the given ones join the defaults."},
    )


class _Formatter(logging.Formatter):
    """What both forms share: the record as plain data, and the hiding of secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        # Longest first, so that a secret that contains another is hidden whole.
        self._secrets = sorted({text for text in secrets if text}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Replace every known secret."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def extras(self, record: logging.LogRecord) -> dict[str, object]:
        """What the caller passed in `extra`."""
        return {k: v for k, v in vars(record).items() if k not in _OWN_FIELDS}

    def failure(self, record: logging.LogRecord) -> str:
        """The traceback of a record's exception, or ""."""
        return self.formatException(record.exc_info) if record.exc_info else ""


class JsonFormatter(_Formatter):
    """One JSON object a line: time, level, logger, message, the extras, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record; extras cannot overwrite the fixed fields."""
        entry: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {k: v for k, v in self.extras(record).items() if k not in entry}
        if failure := self.failure(record):
            entry["exception"] = failure
        # repr for what JSON does not know: a log line is never the reason for a failure.
        text = orjson.dumps(entry, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
        return escaped(self.hide(text))


class HumanFormatter(_Formatter):
    """`12:00:00.123 INFO    gateway: message  key=value`, the traceback indented below."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        extras = "".join(f"  {name}={value}" for name, value in self.extras(record).items())
        head = f"{_moment(record)[11:23]} {record.levelname:<7} {record.name}: "
        text = escaped(self.hide(f"{head}{record.getMessage()}{extras}"))
        lines = self.hide(self.failure(record)).splitlines()
        return "\n".join([text, *(f"    {escaped(line)}" for line in lines)])


class LoginFilter(logging.Filter):
    """Keeps what is sent to log in out of the logs: at level debug aiokafka writes every request.

    A password could be hidden by its text, a token that was fetched later is not known here.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        return not any(type(each).__name__.startswith("SaslAuthenticate") for each in arguments)


class RepeatFilter(logging.Filter):
    """Lets a message of a library through once a minute: aiokafka repeats some ten times a second.

    Messages are told apart by their text before arguments are put in.
    """

    _PAUSE_SECONDS = 60.0
    _MAX_MESSAGES = 256

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        last = self._last.get(str(record.msg))
        if last is not None and record.created - last < self._PAUSE_SECONDS:
            return False
        if len(self._last) >= self._MAX_MESSAGES:
            self._last.clear()
        self._last[str(record.msg)] = record.created
        return True


def configure_logging(
    config: LoggingConfig, *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send all logs to one stream (stderr) in the configured form and levels.

    Args:
        config: the [logging] section.
        secrets: texts that are replaced wherever they turn up (`Settings.secrets()`).
        stream: where to write; stderr unless given, so that stdout stays for results.
    """
    out = stream if stream is not None else sys.stderr
    human = config.form == "human" or (config.form == "auto" and out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(HumanFormatter(secrets) if human else JsonFormatter(secrets))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(config.level.upper())
    for name, level in {**_quiet_libraries(), **config.levels}.items():
        logging.getLogger(name).setLevel(level.upper())
    logging.getLogger("aiokafka.conn").filters[:] = [LoginFilter()]
    library = logging.getLogger("aiokafka")
    library.filters[:] = [RepeatFilter()]
    logging.captureWarnings(capture=True)


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
