"""The demo from curtain up to curtain down: simulate, start everything, play, judge, stop."""

import asyncio
import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from agents.demo.check import Verdict, expect, holder_of, judge, seconds_to_open
from agents.demo.player import Player, Slice, slices
from agents.demo.processes import Child, run_command
from agents.demo.receiver import ChatReceiver
from agents.demo.view import Board, ShownAlert, final, live
from agents.demo.watch import Watcher
from agents.recordings import read_recording
from agents.worker.topics import TopicsConfig
from models.simulator.config import SimulationConfig
from models.simulator.noise import BATCHES, HOSTS, MACHINES
from models.simulator.wire import wire_messages
from schemas.alert import Alert, AlertStatus
from schemas.codecs.alerts import decode_alerts
from schemas.recording import Recording

_SLICE_MS = 1_000
_WARM_SLICE_MS = 5_000
_PLAIN_EVERY_SECONDS = 2.0
_SETTLE_SECONDS = 12.0
_CATCH_UP_SECONDS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What was asked for on the command line."""

    fault: str
    seed: int
    speed: float
    keep: bool
    live: bool


class Performance:
    """One run. Everything it starts, it stops, whatever happens."""

    def __init__(self, options: DemoOptions, *, folder: Path, console: Console) -> None:
        self._options = options
        self._folder = folder
        self._console = console
        self._board = Board()
        self._alerts: dict[str, Alert] = {}
        self._children: list[Child] = []
        self._topics = TopicsConfig()
        self._first_alert_at: float | None = None
        self._opened_after: float | None = None

    async def run(self) -> dict[str, Any]:
        """Run it all and return the machine-readable result."""
        async with contextlib.AsyncExitStack() as stack:
            chat = await stack.enter_async_context(ChatReceiver())
            stack.push_async_callback(self._stop_children)
            return await self._perform(chat, stack)

    async def _perform(
        self, chat: ChatReceiver, stack: contextlib.AsyncExitStack
    ) -> dict[str, Any]:
        drawing = asyncio.create_task(self._draw(chat))
        try:
            recording, (bootstrap, gateway) = await asyncio.gather(
                self._simulate(), self._start_children(chat)
            )
            watcher = Watcher(bootstrap=bootstrap, topics=self._topics)
            await watcher.start()
            stack.push_async_callback(watcher.stop)
            player = Player(
                gateway_url=gateway, bootstrap=bootstrap, metrics_topic=self._topics.metrics
            )
            await player.start()
            stack.push_async_callback(player.stop)
            self._watcher = watcher
            await self._play(recording, player, watcher)
            await self._settle(recording, watcher, chat)
        finally:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing
        result = self._finish(recording, watcher, chat)
        if self._options.keep:
            await self._stay(bootstrap, gateway, chat)
        return result

    async def _simulate(self) -> Recording:
        """Simulate in a process of its own, so that it ends about now in event time."""
        self._board.step = "simulating a system and its fault"
        config = SimulationConfig()
        start_ms = int((time.time() - config.duration_seconds) * 1000)
        start_ms -= start_ms % 30_000
        out = self._folder / "recording"
        options = self._options
        await run_command(
            ["simulate", options.fault, "--seed", str(options.seed), "--out", str(out)]
            + ["--start-ms", str(start_ms)]
        )
        return await asyncio.to_thread(read_recording, out)

    async def _start_children(self, chat: ChatReceiver) -> tuple[str, str]:
        """Start broker, worker and gateway; return the broker's and the gateway's address."""
        environment = dict(os.environ)
        data = self._folder / "broker"
        broker = await self._start(
            "broker", ["broker", "--port", "0", "--data-dir", str(data), "--json"], environment
        )
        bootstrap = str(broker["bootstrap"])
        config = self._folder / "rootline.toml"
        config.write_text(_configuration(bootstrap, chat.url))
        await self._start("worker", ["worker", "--config", str(config), "--json"], environment)
        gateway = await self._start(
            "gateway", ["gateway", "--config", str(config), "--port", "0", "--json"], environment
        )
        return bootstrap, str(gateway["url"])

    async def _start(
        self, name: str, arguments: list[str], environment: dict[str, str]
    ) -> dict[str, Any]:
        child = Child(name, arguments, self._folder)
        self._children.append(child)
        return await child.start(environment)

    async def _stop_children(self) -> None:
        for child in reversed(self._children):
            await child.stop()

    async def _play(self, recording: Recording, player: Player, watcher: Watcher) -> None:
        """Send the quiet past as fast as it is taken, and the storm at the chosen speed."""
        storm_ms = recording.start_ms + int(SimulationConfig().warmup_seconds * 1000)
        messages = await asyncio.to_thread(lambda: list(wire_messages(recording)))
        past = [m for m in messages if m.event_ms < storm_ms]
        storm = [m for m in messages if m.event_ms >= storm_ms]
        self._board.step = "teaching it ten quiet minutes"
        span_ms = max(1, recording.end_ms - recording.start_ms)

        def note(part: Slice) -> None:
            self._note(part, (part.end_ms - recording.start_ms) / span_ms)
            for child in self._children:
                child.check()
            watcher.check()

        past_slices = list(slices(iter(past), length_ms=_WARM_SLICE_MS))
        await player.play(past_slices, speed=None, on_slice=note)
        await self._caught_up(watcher, storm_ms - 15_000)
        self._board.step = f"the storm, {self._options.speed:g} times as fast"
        storm_slices = list(slices(iter(storm), length_ms=_SLICE_MS))
        await player.play(storm_slices, speed=self._options.speed, on_slice=note)

    def _note(self, part: Slice, share: float) -> None:
        self._board.event_ms, self._board.progress = part.end_ms, share
        for message in part.messages:
            if message.topic != self._topics.alerts:
                continue
            for alert in decode_alerts(message.value):
                if alert.status is AlertStatus.FIRING and alert.fingerprint not in self._alerts:
                    self._note_alert(alert)

    def _note_alert(self, alert: Alert) -> None:
        self._alerts[alert.fingerprint] = alert
        labels = dict(alert.labels)
        where = next(
            (labels[k] for k in ("service", "app", "pod", "topic", "instance") if k in labels), ""
        )
        shown = ShownAlert(
            at_ms=alert.starts_ms,
            severity=labels.get("severity", ""),
            rule=alert.rule,
            where=where,
        )
        self._board.alerts.append(shown)
        self._board.alert_count = len(self._alerts)
        if self._first_alert_at is None and not _is_bystander(labels):
            self._first_alert_at = time.monotonic()

    async def _caught_up(self, watcher: Watcher, until_ms: int) -> None:
        """Wait until both telemetry streams have been reduced up to an event time."""
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        while time.monotonic() < deadline:
            reached = watcher.seen.reached_ms
            if len(reached) >= 2 and min(reached.values()) >= until_ms:
                return
            for child in self._children:
                child.check()
            await asyncio.sleep(0.1)

    async def _settle(self, recording: Recording, watcher: Watcher, chat: ChatReceiver) -> None:
        """Wait until what was sent last has been read and nothing new comes out."""
        self._board.step = "waiting for the last answer"
        await self._caught_up(watcher, recording.end_ms - 10_000)
        deadline = time.monotonic() + _SETTLE_SECONDS
        state, since = None, time.monotonic()
        while time.monotonic() < deadline:
            now = (len(watcher.seen.revisions), len(chat.messages))
            if now != state:
                state, since = now, time.monotonic()
            elif time.monotonic() - since > 2.5 and all(now):
                return
            await asyncio.sleep(0.1)

    async def _draw(self, chat: ChatReceiver) -> None:
        """Keep the view up to date: a live one on a terminal, else a line now and then."""
        if not self._options.live:
            while True:
                await asyncio.sleep(_PLAIN_EVERY_SECONDS)
                self._refresh(chat)
                self._console.print(_plain(self._board), markup=False, highlight=False)
        with Live(console=self._console, auto_refresh=False, transient=True) as view:
            while True:
                self._refresh(chat)
                view.update(live(self._board), refresh=True)
                await asyncio.sleep(0.2)

    def _refresh(self, chat: ChatReceiver) -> None:
        watcher = getattr(self, "_watcher", None)
        if watcher is not None:
            self._board.incident = watcher.seen.main()
        self._board.message_count = len(chat.messages)
        if chat.messages:
            self._board.message = dict(chat.messages[-1].payload)
        if (
            self._board.incident is not None
            and self._opened_after is None
            and self._first_alert_at
        ):
            self._opened_after = time.monotonic() - self._first_alert_at

    def _finish(
        self, recording: Recording, watcher: Watcher, chat: ChatReceiver
    ) -> dict[str, Any]:
        """Judge, show the last screen, and lay out the result."""
        self._refresh(chat)
        payloads = [dict(m.payload) for m in chat.messages]
        incidents = list(watcher.seen.latest().values())
        verdict = self._judge(recording, incidents, payloads)
        storm = watcher.seen.main()
        about = [p for p in payloads if storm and storm.incident_id in str(p)]
        self._console.print(
            final(
                incident=storm,
                apart=self._apart(watcher),
                sent=len(self._alerts),
                message=about[-1] if about else None,
                verdict=verdict,
                wall_seconds=self._opened_after or 0.0,
            )
        )
        top = storm.candidates[0] if storm and storm.candidates else None
        return {
            "problems": list(verdict.problems),
            "alerts_sent": len(self._alerts),
            "incidents": len(incidents),
            "members": storm.alert_count if storm else 0,
            "top": top.component if top else None,
            "pattern": top.patterns[0].pattern if top and top.patterns else None,
            "confidence": top.confidence if top else None,
            "holder": holder_of(storm) if storm else None,
            "seconds_to_open": seconds_to_open(storm) if storm else None,
            "revisions": storm.revision if storm else 0,
            "chat_messages": len(payloads),
            "apart": [what for what, _ in self._apart(watcher)],
        }

    def _judge(
        self, recording: Recording, incidents: list[Any], payloads: list[dict[str, Any]]
    ) -> Verdict:
        if not recording.truth:
            return Verdict(problems=("the recording names no fault to find",))
        labels = {f: dict(a.labels) for f, a in self._alerts.items()}
        bystanders = frozenset((*HOSTS, *MACHINES, *(job for _, job in BATCHES)))
        return judge(incidents, payloads, expect(recording.truth[0], labels, bystanders))

    def _apart(self, watcher: Watcher) -> list[tuple[str, str]]:
        """List alerts outside the storm's incident, each with why."""
        storm = watcher.seen.main()
        members = {a.fingerprint for a in storm.alerts} if storm else set()
        reasons = {
            str(row["alert"]["fingerprint"]): str(row["reason"]) for row in watcher.seen.aside
        }
        others = {
            a.fingerprint: i.title
            for i in watcher.seen.latest().values()
            if storm is not None and i.incident_id != storm.incident_id
            for a in i.alerts
        }
        words = {"alone": "nothing related came, and it does not page by itself"}
        rows = []
        for fingerprint, alert in self._alerts.items():
            if fingerprint in members:
                continue
            reason = reasons.get(fingerprint, "")
            why = others.get(fingerprint) or words.get(reason, reason) or "nothing related so far"
            labels = dict(alert.labels)
            keys = ("service", "job_name", "node", "instance")
            where = next((labels[k] for k in keys if k in labels), "")
            rows.append((f"{alert.rule} on {where}", why))
        return rows

    async def _stay(self, bootstrap: str, gateway: str, chat: ChatReceiver) -> None:
        """Leave everything running until Ctrl-C."""
        example = (
            '{"version":"4","status":"firing","alerts":[{"status":"firing","labels":'
            '{"alertname":"Try","service":"cart","severity":"critical"},'
            '"startsAt":"\'$(date -u +%FT%TZ)\'"}]}'
        )
        lines = [
            "",
            f"everything still runs: Kafka protocol on {bootstrap}, gateway on {gateway}",
            "try:",
            f"  kcat -b {bootstrap} -t {self._topics.incidents} -C -e -q -o -1",
            f"  ROOTLINE_BOOTSTRAP={bootstrap} rootline doctor",
            f"  curl -d '{example}' {gateway}/api/v1/alertmanager",
            f"chat messages go to {chat.url}; Ctrl-C ends it all",
        ]
        self._console.print(Text("\n".join(lines)))
        while True:
            await asyncio.sleep(0.5)
            for child in self._children:
                child.check()


def _configuration(bootstrap: str, webhook: str) -> str:
    """The TOML that worker and gateway run with."""
    return (
        f'[kafka]\nbootstrap = "{bootstrap}"\n\n'
        f'[notifier]\nwebhook_url = "{webhook}"\nmessage_interval_ms = 0\n'
        "top_changed_interval_ms = 2000\n\n"
        "[telemetry]\nport = 0\n"
    )


def _is_bystander(labels: dict[str, str]) -> bool:
    names = (*HOSTS, *MACHINES, *(job for _, job in BATCHES))
    return any(name in value for value in labels.values() for name in names)


def _plain(board: Board) -> str:
    top = board.incident.candidates[0] if board.incident and board.incident.candidates else None
    found = (
        f"; incident revision {board.incident.revision}: {top.component} {top.confidence:.0%}"
        if board.incident and top
        else ""
    )
    return f"{board.step}: {board.progress:.0%}, {board.alert_count} alerts{found}"
