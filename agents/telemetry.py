"""Rootline's own Prometheus metrics: every name in this one place, in a registry of its own.

A process makes one `Telemetry` and passes it down; there is no global registry, so two of them in
one process (tests, the demo) do not mix. Every drop and failure has a `reason` from a closed set;
labels never carry what senders choose freely.
"""

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
)

from agents.version import installed_version

_FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_INCIDENT_SECONDS = (1, 2.5, 5, 7.5, 10, 12.5, 15, 17, 20, 30, 60, 120, 300, 900)


class GatewayMetrics:
    """What the gateway takes in and how it answers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "rootline_gateway_requests",
            "Requests answered, by route and HTTP status.",
            ["route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "rootline_gateway_request_seconds",
            "Time from a request's head to its answer, Kafka's acknowledgement included.",
            ["route"],
            buckets=_FAST_SECONDS,
            registry=registry,
        )
        self.body_bytes = Counter(
            "rootline_gateway_body_bytes",
            "Bytes of bodies read, before decompression.",
            ["route"],
            registry=registry,
        )
        self.refusals = Counter(
            "rootline_gateway_refusals",
            "Requests refused, by reason.",
            ["route", "reason"],
            registry=registry,
        )
        self.accepted = Counter(
            "rootline_gateway_accepted",
            "Bodies that Kafka has acknowledged, by source and route.",
            ["source", "route"],
            registry=registry,
        )
        self.inflight_requests = Gauge(
            "rootline_gateway_inflight_requests", "Requests in progress.", registry=registry
        )
        self.inflight_bytes = Gauge(
            "rootline_gateway_inflight_bytes",
            "Bytes of bodies held, those that Kafka has not acknowledged yet included.",
            registry=registry,
        )


class IntakeMetrics:
    """What the REDUCE stage reads and what becomes of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "rootline_messages_received",
            "Kafka messages read, by topic.",
            ["topic"],
            registry=registry,
        )
        self.dead_lettered = Counter(
            "rootline_messages_dead_lettered",
            "Messages set aside on the dead-letter topic, by the topic they came for and reason.",
            ["topic", "reason"],
            registry=registry,
        )
        self.alerts_received = Counter(
            "rootline_alerts_received", "Alerts decoded, by status.", ["status"], registry=registry
        )
        self.spans = Counter("rootline_spans_received", "Spans decoded.", registry=registry)
        self.samples = Counter(
            "rootline_samples_received", "Metric samples decoded.", registry=registry
        )
        self.left_out = Counter(
            "rootline_telemetry_left_out",
            "Spans, samples and series that came and are in no pane, by topic and reason.",
            ["topic", "reason"],
            registry=registry,
        )
        self.shed = Counter(
            "rootline_messages_shed",
            "Telemetry messages skipped because worker.shed says so, by topic; never alerts.",
            ["topic"],
            registry=registry,
        )
        self.changes = Counter("rootline_changes_received", "Changes decoded.", registry=registry)
        self.signals = Counter(
            "rootline_signals_produced",
            "Signals handed to the CORRELATE stage, by type.",
            ["type"],
            registry=registry,
        )


class IncidentMetrics:
    """What the CORRELATE stage makes of the signals."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.signals = Counter(
            "rootline_signals_handled",
            "Signals handled by the engine, by type.",
            ["type"],
            registry=registry,
        )
        self.published = Counter(
            "rootline_incidents_published",
            "Revisions published, by transition.",
            ["transition"],
            registry=registry,
        )
        self.firings = Counter(
            "rootline_firings",
            "Revisions published, by when they fired: early, on_time or late.",
            ["firing"],
            registry=registry,
        )
        self.alerts_set_aside = Counter(
            "rootline_alerts_set_aside",
            "Alerts that ended outside every incident, by reason.",
            ["reason"],
            registry=registry,
        )
        self.open = Gauge("rootline_incidents_open", "Incidents open now.", registry=registry)
        self.environments = Gauge(
            "rootline_environments_active",
            "Environments that this worker correlates.",
            registry=registry,
        )
        self.watermark_delay = Gauge(
            "rootline_watermark_delay_seconds",
            "How far the slowest environment's watermark is behind the clock.",
            registry=registry,
        )
        self.latency = Histogram(
            "rootline_alert_to_incident_seconds",
            "Time from the arrival of an incident's first alert to its first revision.",
            buckets=_INCIDENT_SECONDS,
            registry=registry,
        )
        self.handling = Histogram(
            "rootline_engine_handling_seconds",
            "Time the engine takes over one batch of signals.",
            buckets=_FAST_SECONDS,
            registry=registry,
        )


class KafkaMetrics:
    """How the process and Kafka get on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "rootline_consumer_lag_messages",
            "Messages between the position and the end of a partition.",
            ["topic", "partition"],
            registry=registry,
        )
        self.behind = Gauge(
            "rootline_consumer_behind_seconds",
            "Age of the last handled message of a partition while more of it wait, else 0.",
            ["topic", "partition"],
            registry=registry,
        )
        self.unsaved = Gauge(
            "rootline_consumer_unsaved_messages",
            "Messages handled whose offset is not durable yet: a restart handles them again.",
            ["topic", "partition"],
            registry=registry,
        )
        self.stuck = Gauge(
            "rootline_consumer_stuck",
            "1 while a consumer has work and makes no progress though Kafka answers, else 0.",
            ["consumer"],
            registry=registry,
        )
        self.assigned = Gauge(
            "rootline_consumer_assigned_partitions",
            "Partitions that this worker reads, by topic.",
            ["topic"],
            registry=registry,
        )
        self.produced = Counter(
            "rootline_messages_produced",
            "Messages that Kafka has acknowledged, by topic.",
            ["topic"],
            registry=registry,
        )
        self.produce_failures = Counter(
            "rootline_produce_failures",
            "Messages that Kafka has not acknowledged, by topic and reason.",
            ["topic", "reason"],
            registry=registry,
        )
        self.snapshots = Counter(
            "rootline_snapshots_written",
            "State snapshots written, by stage.",
            ["stage"],
            registry=registry,
        )
        self.snapshot_bytes = Gauge(
            "rootline_snapshot_size_bytes",
            "Size of the last state snapshot, by stage.",
            ["stage"],
            registry=registry,
        )
        self.connected = Gauge(
            "rootline_kafka_connected", "1 while Kafka answers, else 0.", registry=registry
        )


class ProcessMetrics:
    """What the watchdog sees of the process itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.loop_delay = Gauge(
            "rootline_event_loop_delay_seconds",
            "How long the event loop last took to answer the watchdog.",
            registry=registry,
        )
        self.memory_limit = Gauge(
            "rootline_memory_limit_bytes",
            "Resident memory at which the process saves and ends; 0 where there is no limit.",
            registry=registry,
        )


class NotifierMetrics:
    """What was told to people."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter(
            "rootline_notifications_sent",
            "Chat messages that the receiver accepted, by what they tell.",
            ["kind"],
            registry=registry,
        )
        self.failed = Counter(
            "rootline_notifications_failed",
            "Chat messages given up, by reason.",
            ["reason"],
            registry=registry,
        )
        self.retried = Counter(
            "rootline_notifications_retried",
            "Attempts that are made again, by reason.",
            ["reason"],
            registry=registry,
        )
        self.seconds = Histogram(
            "rootline_notification_seconds",
            "Time from an incident's publication to the receiver's acceptance.",
            buckets=_INCIDENT_SECONDS,
            registry=registry,
        )


class CaseMetrics:
    """What became of operators' verdicts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.verdicts = Counter(
            "rootline_verdicts_handled",
            "Verdicts handled, by outcome: new, repeated, overruled or refused.",
            ["outcome"],
            registry=registry,
        )


class Telemetry:
    """All metrics of one process, in groups by who counts them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self.gateway = GatewayMetrics(self.registry)
        self.intake = IntakeMetrics(self.registry)
        self.incidents = IncidentMetrics(self.registry)
        self.kafka = KafkaMetrics(self.registry)
        self.notifier = NotifierMetrics(self.registry)
        self.cases = CaseMetrics(self.registry)
        self.process = ProcessMetrics(self.registry)
        build = Gauge(
            "rootline_build_info",
            "Always 1; the labels say what runs.",
            ["version", "python"],
            registry=self.registry,
        )
        build.labels(version=installed_version(), python=platform.python_version()).set(1)
