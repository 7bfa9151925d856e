"""What can be posted: for each kind of input its paths, its media types, its topic and check."""

from dataclasses import dataclass

from agents.gateway.checks import Check, check_alerts, check_change, check_metrics, check_spans
from agents.worker.topics import TopicsConfig

JSON_TYPES = ("application/json", "application/cloudevents+json")
OTLP_TYPES = ("application/x-protobuf", "application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One kind of input.

    With `dead_letters` a body that is no good is kept on the dead-letter topic, because its sender
    drops what is answered with a 4xx and nobody would see it again. `too_often` is the status for
    a source that posts too often: Alertmanager repeats a 503, and drops what gets a 429.
    """

    name: str
    paths: tuple[str, ...]
    media_types: tuple[str, ...]
    topic: str
    check: Check
    is_otlp: bool = False
    dead_letters: bool = False
    too_often: int = 429


def intakes(topics: TopicsConfig) -> tuple[Intake, ...]:
    """Everything that the gateway takes."""
    return (
        Intake(
            name="alerts",
            # The second is short, the third is where Prometheus posts (Alertmanager's API v2).
            paths=("/api/v1/alertmanager", "/v1/alerts", "/api/v2/alerts"),
            media_types=JSON_TYPES,
            topic=topics.alerts,
            check=check_alerts,
            dead_letters=True,
            too_often=503,
        ),
        Intake(
            name="changes",
            paths=("/api/v1/changes",),
            media_types=JSON_TYPES,
            topic=topics.changes,
            check=check_change,
        ),
        Intake(
            name="traces",
            paths=("/v1/traces",),
            media_types=OTLP_TYPES,
            topic=topics.otlp_spans,
            check=check_spans,
            is_otlp=True,
        ),
        Intake(
            name="metrics",
            paths=("/v1/metrics",),
            media_types=OTLP_TYPES,
            topic=topics.otlp_metrics,
            check=check_metrics,
            is_otlp=True,
        ),
    )
