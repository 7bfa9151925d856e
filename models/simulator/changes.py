"""Change events: what people and pipelines did, guilty or not."""

import random

import orjson

from models.simulator.alertmanager import rfc3339
from schemas.recording import Message

DELIVERY_MS = 400
AUTHORS = ("a.novak", "deploy-bot", "j.osei", "l.marin", "m.sato", "release-bot", "s.ibarra")


class ChangeLog:
    """Collects change events."""

    def __init__(self, start_ms: int, rng: random.Random) -> None:
        self._start_ms = start_ms
        self._rng = rng
        self._messages: list[Message] = []

    def add(self, kind: str, service: str, at: float, title: str, version: str = "") -> None:
        """Note one change at so many seconds of the run."""
        at_ms = self._start_ms + round(at * 1000)
        event = {
            "kind": kind,
            "service": service,
            "at": rfc3339(at_ms),
            "title": title,
            "version": version,
            "author": self._rng.choice(AUTHORS),
        }
        message = Message(arrived_ms=at_ms + DELIVERY_MS, value=orjson.dumps(event))
        self._messages.append(message)

    def messages(self) -> tuple[Message, ...]:
        """Return all, in the order of arrival."""
        return tuple(sorted(self._messages, key=lambda message: message.arrived_ms))


def next_version(version: str, rng: random.Random) -> str:
    """Count a version up.

    >>> next_version("1.4.9", random.Random(2))
    '1.4.10'
    """
    major, minor, patch = (int(part) for part in version.split("."))
    if rng.random() < 0.3:
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"
