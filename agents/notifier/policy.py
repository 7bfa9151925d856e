"""Which revisions are worth a message: pure, from what was last sent and the new revision.

One message when an incident opens, when its credible TOP-1 changes, when it resolves; never one
per revision, never twice for one, and no end without a beginning.
"""

from dataclasses import dataclass

from agents.notifier.config import NotifierConfig
from agents.notifier.sent import Occasion, Sent
from schemas.incident import Incident, IncidentCandidate, IncidentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The occasion, or None with the reason; `not_before_ms` is when it may be sent at all."""

    occasion: Occasion | None
    reason: str = ""
    not_before_ms: int = 0


def decide(
    sent: Sent | None,
    incident: Incident,
    now_ms: int,
    config: NotifierConfig,
    published_ms: int | None = None,
) -> Decision:
    """Decide whether a revision is told, and on which occasion.

    Args:
        sent: what the receiver was last told about the incident.
        incident: the new revision.
        now_ms: the clock.
        config: the limits.
        published_ms: when the revision was published; None if that is not known.
    """
    if sent is None:
        return _first(incident, now_ms, config, published_ms)
    if incident.revision <= sent.revision:
        return Decision(occasion=None, reason="this revision is not newer than the one told")
    if sent.occasion in {Occasion.RESOLVED, Occasion.MERGED}:
        if incident.status is IncidentStatus.OPEN:
            return Decision(occasion=Occasion.REOPENED)
        return Decision(occasion=None, reason="its end was told")
    if incident.status is IncidentStatus.RESOLVED:
        return Decision(occasion=Occasion.RESOLVED)
    if incident.status is IncidentStatus.MERGED:
        return Decision(occasion=Occasion.MERGED)
    return _top(sent, incident, now_ms, config)


def _first(
    incident: Incident, now_ms: int, config: NotifierConfig, published_ms: int | None
) -> Decision:
    if incident.status is not IncidentStatus.OPEN:
        return Decision(occasion=None, reason="it ended before anybody was told")
    if published_ms is not None and now_ms - published_ms > config.announce_within_ms:
        return Decision(occasion=None, reason="it is older than announce_within_ms")
    return Decision(occasion=Occasion.OPENED)


def _top(sent: Sent, incident: Incident, now_ms: int, config: NotifierConfig) -> Decision:
    top = credible_top(incident)
    if top is None:
        return Decision(occasion=None, reason="there is no credible TOP-1")
    if top.component == sent.top:
        return Decision(occasion=None, reason="the TOP-1 is the one told")
    if top.confidence < config.top_changed_min_confidence:
        return Decision(occasion=None, reason="the new TOP-1 is not confident enough")
    if sent.top_changes >= config.top_changed_limit:
        return Decision(occasion=None, reason="top_changed_limit is reached")
    due = sent.sent_at_ms + config.top_changed_interval_ms
    # A clock that was set back must not hold a message for longer than the interval.
    due = min(due, now_ms + config.top_changed_interval_ms)
    return Decision(occasion=Occasion.TOP_CHANGED, not_before_ms=due if due > now_ms else 0)


def credible_top(incident: Incident) -> IncidentCandidate | None:
    """Return the TOP-1 that people are told as the cause; none when the ranker abstained."""
    if incident.abstained or not incident.candidates:
        return None
    return incident.candidates[0]


def after(
    sent: Sent | None, incident: Incident, occasion: Occasion, *, receiver: str, now_ms: int
) -> Sent:
    """Return the state that a message leaves behind."""
    top = credible_top(incident)
    # What people were told stays told until something credible replaces it.
    name = top.component if top is not None else sent.top if sent is not None else ""
    confidence = (
        top.confidence if top is not None else sent.confidence if sent is not None else 0.0
    )
    changes = sent.top_changes if sent is not None else 0
    return Sent(
        receiver=receiver,
        incident_id=incident.incident_id,
        revision=incident.revision,
        occasion=occasion,
        top=name,
        confidence=confidence,
        sent_at_ms=now_ms,
        top_changes=changes + (occasion is Occasion.TOP_CHANGED),
    )
