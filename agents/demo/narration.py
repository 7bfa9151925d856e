"""The demo as plain lines, for pipes and for `--plain`: one line a thing that happens."""

from collections.abc import Callable

from agents.demo.check import headline
from agents.demo.performance import Performance
from agents.demo.scene import Stage
from agents.demo.wording import alert_line, clock
from agents.notifier.plain import percent, plain

_EVERY_MS = 60_000


class Narrator:
    """Compares what is there with what it has told, and tells the rest."""

    def __init__(self, stage: Stage, say: Callable[[str], None]) -> None:
        self._stage = stage
        self._say = say
        self._parts: dict[str, str] = {}
        self._told_ms = 0
        self._simulated = False
        self._alerts = self._asides = self._messages = 0
        self._revisions: set[tuple[str, int]] = set()

    def tell(self, performance: Performance) -> None:
        """Tell everything that is new."""
        self._tell_stage()
        scene = performance.scene
        for seen in list(scene.fired.values())[self._alerts :]:
            self._say(f"alert     {alert_line(seen).plain}")
        self._alerts = len(scene.fired)
        for revision in scene.revisions:
            incident = revision.incident
            key = (incident.incident_id, incident.revision)
            if key not in self._revisions:
                self._revisions.add(key)
                top = incident.candidates[0].confidence if incident.candidates else 0.0
                self._say(
                    f"incident  {revision.transition} revision {incident.revision}: "
                    f"{plain(incident.title, 160)}, {percent(top)}"
                )
        for aside in scene.asides[self._asides :]:
            self._say(f"apart     {plain(aside.alert.rule, 60)}: {aside.reason}")
        self._asides = len(scene.asides)
        for message in list(performance.chat.messages)[self._messages :]:
            self._say(f"chat      {plain(headline(message.payload), 160)}")
        self._messages = len(performance.chat.messages)

    def _tell_stage(self) -> None:
        stage = self._stage
        for part, state in stage.parts.items():
            if self._parts.get(part) != state:
                self._parts[part] = state
                self._say(f"start     {part}: {state}")
        if stage.simulated >= 1.0 and not self._simulated:
            self._simulated = True
            self._say(f"storm     simulated: {stage.title}")
        if stage.sent_ms - self._told_ms >= _EVERY_MS:
            self._told_ms = stage.sent_ms
            self._say(f"time      {clock(stage.sent_ms)} ({stage.sent_share:.0%} sent)")
