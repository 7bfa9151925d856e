"""Receivers that fail, all at once, for a while: what each took, and how soon it was told again.

`python -m tests.agents.notifier.failing` plays it in full: 10 minutes with the default back-off.
"""

import argparse
import asyncio
import logging
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agents.notifier.config import NotifierConfig
from agents.notifier.notified import decode_sent
from agents.notifier.policy import decide
from agents.notifier.sent import Sent
from schemas.incident import Incident, IncidentStatus
from tests.agents.notifier.conftest import build_incident, candidate
from tests.agents.notifier.faulty_receiver import OK, Dawdles, FaultyReceiver, resets, says
from tests.agents.notifier.place import Place, in_place, running

STREAM = 12  # incidents
CHAT = "chat"
DOWN = "is-down"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How long receivers fail, and how patient the notifier is."""

    failing_seconds: float
    config: dict[str, Any]
    retry_after: str
    dawdling_seconds: float
    patience_seconds: float


FULL = Scale(
    failing_seconds=600.0,
    config={},
    retry_after="30",
    dawdling_seconds=12.0,
    patience_seconds=240.0,
)
PRESSED = Scale(
    failing_seconds=1.0,
    config={
        "retry_base_ms": 20,
        "retry_cap_ms": 50,
        "message_interval_ms": 0,
        "top_changed_interval_ms": 0,
        "request_timeout_ms": 1_000,
    },
    retry_after="0.05",
    dawdling_seconds=1.3,
    patience_seconds=20.0,
)
"""By 600: the longest pause between two attempts is 50 ms where it is 30 s by default."""


def faults(scale: Scale) -> dict[str, FaultyReceiver]:
    """Make one receiver for each fault."""
    limited = f"HTTP/1.1 429 No\r\nRetry-After: {scale.retry_after}\r\nContent-Length: 0\r\n\r\n"
    found = {
        "answers-429": FaultyReceiver(says(limited.encode())),
        "answers-500": FaultyReceiver(says(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")),
        "is-slow": FaultyReceiver(Dawdles(scale.dawdling_seconds)),
        "closes-before-reading": FaultyReceiver(says(b""), reads=False),
        "closes-without-answer": FaultyReceiver(says(b"")),
        "resets": FaultyReceiver(resets),
        "closes-within-the-head": FaultyReceiver(says(OK[:12])),
        "closes-within-an-error": FaultyReceiver(
            says(b"HTTP/1.1 503 No\r\nContent-Length: 99\r\n\r\nno")
        ),
        "speaks-no-http": FaultyReceiver(says(b"220 mail.example ESMTP\r\n")),
    }
    return found | {DOWN: FaultyReceiver(None)}


UNANSWERED = frozenset(
    {"is-slow", "closes-without-answer", "resets", "closes-within-the-head", "speaks-no-http"}
)
"""Faults after which nobody knows whether the message was taken."""


def history() -> list[Incident]:
    """Revisions of several incidents: opened, half of them changed, a third resolved."""
    cart = candidate("cart", 0.9)
    opened = [build_incident(incident_id=f"i{number}", revision=1) for number in range(STREAM)]
    changed = [replace(item, revision=2, candidates=(cart,)) for item in opened[::2]]
    resolved = [
        replace(
            item,
            revision=3,
            status=IncidentStatus.RESOLVED,
            resolved_at="2026-11-11T12:24:09.120Z",
        )
        for item in opened[::3]
    ]
    return [*opened, *changed, *resolved]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it: the receivers, the log by receiver, seconds from the end of the fault."""

    receivers: dict[str, FaultyReceiver]
    revisions: list[Incident]
    told: dict[str, dict[str, Sent]]
    recovery_seconds: dict[str, float]
    healthy_seconds: float

    def owed(self, receiver: str, config: dict[str, Any]) -> list[str]:
        """Name the incidents about which policy would still tell this receiver something."""
        newest = {incident.incident_id: incident for incident in self.revisions}
        now_ms = time.time_ns() // 1_000_000
        known = self.told[receiver]
        return [
            name
            for name, incident in newest.items()
            if decide(known.get(name), incident, now_ms, NotifierConfig(**config)).occasion
        ]


async def play(place: Place, scale: Scale) -> Outcome:
    """Let all receivers but one fail, publish meanwhile, mend them, and wait until all is told."""
    receivers = faults(scale)
    revisions = history()
    async with AsyncExitStack() as stack:
        for name, receiver in receivers.items():
            if name == DOWN:
                receiver.reserve()
            else:
                await receiver.start()
            stack.push_async_callback(receiver.stop)
        urls = {name: receiver.url for name, receiver in receivers.items()}
        async with running(place.service(webhook_urls=urls, pressed=False, **scale.config)):
            began = time.monotonic()
            await place.publish(*revisions[:STREAM])
            # The one that works is told all while the others fail.
            messages = place.chat.messages
            await place.chat.wait_for(lambda _m: len(messages) >= STREAM, scale.patience_seconds)
            healthy_seconds = time.monotonic() - began
            await place.publish(*revisions[STREAM:])
            for name in sorted(set(receivers) - {DOWN}):
                receiver = receivers[name]
                await receiver.until(lambda r=receiver: r.requests >= 3, scale.patience_seconds)
            await asyncio.sleep(max(0.0, scale.failing_seconds - (time.monotonic() - began)))
            assert all(receiver.taken == [] for receiver in receivers.values())
            mended = time.monotonic()
            for receiver in receivers.values():
                receiver.fault = None
            await receivers[DOWN].start()
            for name in (CHAT, *receivers):
                group = "rootline-notify" if name == CHAT else f"rootline-notify.{name}"
                await place.commits(len(revisions), group, scale.patience_seconds)
    return Outcome(
        receivers=receivers,
        revisions=revisions,
        told=await last_told(place, receivers),
        recovery_seconds={name: r.last_taken - mended for name, r in receivers.items()},
        healthy_seconds=healthy_seconds,
    )


async def last_told(
    place: Place, receivers: dict[str, FaultyReceiver]
) -> dict[str, dict[str, Sent]]:
    """Read from the log what each receiver was told last."""
    number = sum(len(r.taken) for r in receivers.values()) + len(place.chat.messages)
    told: dict[str, dict[str, Sent]] = {name: {} for name in (CHAT, *receivers)}
    for record in await place.records("rootline.notified", number):
        row = decode_sent(record.value)
        assert row is not None
        before = told[row.receiver].get(row.incident_id)
        assert before is None or row.revision > before.revision, row
        told[row.receiver][row.incident_id] = row
    return told


def check(outcome: Outcome, scale: Scale) -> None:
    """Hold what is promised, for every receiver."""
    for name, receiver in outcome.receivers.items():
        # No revision is taken twice, and no receiver that honours the key shows one twice.
        assert len(set(receiver.taken)) == len(receiver.taken), name
        assert len(set(receiver.shown)) == len(receiver.shown), name
        # Of each incident revisions only rise, and the last one taken is what the log says.
        last: dict[str, int] = {}
        for key in receiver.taken:
            incident, _, revision = key.partition(":")
            assert int(revision) > last.get(incident, 0), name
            last[incident] = int(revision)
        log = outcome.told[name]
        assert last == {row.incident_id: row.revision for row in log.values()}, name
        # Copies of one revision differ in nothing, and the fault has been there.
        assert all(len(bodies) == 1 for bodies in receiver.bodies.values()), name
        if receiver.reads and name != DOWN:
            assert max(receiver.seen.values()) > 1, name
    for name in outcome.told:
        assert outcome.owed(name, scale.config) == [], name


def main() -> None:
    """Play it and print what came of it."""
    parser = argparse.ArgumentParser(description="Let chat receivers fail, and see who is told.")
    parser.add_argument("--seconds", type=float, default=FULL.failing_seconds)
    parser.add_argument("--pressed", action="store_true", help="with time pressed by 600")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # failing is the point; asserts say what is wrong
    scale = PRESSED if arguments.pressed else replace(FULL, failing_seconds=arguments.seconds)

    async def run(place: Place) -> None:
        outcome = await play(place, scale)
        check(outcome, scale)
        print(f"failing for {scale.failing_seconds:.0f} s; all is told, nothing twice")  # noqa: T201 - its output
        print(f"works: all told {outcome.healthy_seconds:.1f} s after publication")  # noqa: T201 - its output
        for name, receiver in outcome.receivers.items():
            print(  # noqa: T201 - its output
                f"{name}: {receiver.requests} requests, {len(receiver.taken)} taken, "
                f"{sum(receiver.seen.values()) - len(receiver.seen)} copies under the same key, "
                f"told {outcome.recovery_seconds[name]:.1f} s after it was mended"
            )

    with tempfile.TemporaryDirectory() as folder:
        in_place(Path(folder), run, seconds=scale.failing_seconds + 3 * scale.patience_seconds)


if __name__ == "__main__":
    main()
