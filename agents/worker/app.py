"""The composition root of the worker: one Faust application that owns every service.

Faust gives it life-cycle, supervision and timers. The durable consumers are aiokafka inside its
services (docs/adr/0002-state-snapshots.md); Faust's own clients have nothing to do yet.
"""

import logging
from typing import Any, cast

import faust
from faust.app.base import BootStrategy
from mode import OneForOneSupervisor, Service

from agents.cases.service import VerdictService
from agents.cases.session import VerdictParts
from agents.health import HealthServer
from agents.kafka import servers
from agents.kafka_security.explainer import Explainer
from agents.kafka_security.faust_login import faust_credentials
from agents.notifier.service import NotifierService
from agents.settings import Settings
from agents.telemetry import Telemetry
from agents.worker.assembly import Engines, consumer_specs, dead_letters
from agents.worker.cluster import Cluster
from agents.worker.consumer_status import ConsumerStatus
from agents.worker.declared_graph import DeclaredGraph
from agents.worker.durable import DurableConsumer
from agents.worker.failpoint import Failpoint, no_failpoint
from agents.worker.gauges import Gauges, health_of
from agents.worker.health_service import HealthService
from agents.worker.kept_session import KeptSession
from agents.worker.packing import Packer
from agents.worker.topic_keeper import TopicKeeper

_log = logging.getLogger("worker")
_GAUGE_SECONDS = 2.0
_HOUSEKEEPING = "17 * * * *"


class _NoFaustClients(BootStrategy):
    """Starts no Kafka clients of Faust's own: without agents they would have nothing to do."""

    enable_kafka = False


class WorkerApp(faust.App):
    """A Faust application that keeps nothing on the disk and knows its durable consumers."""

    BootStrategy = _NoFaustClients
    # Faust refuses to start a consumer when there is no agent.
    producer_only = True

    durable: tuple[DurableConsumer, ...] = ()
    notifier: NotifierService | None = None
    verdicts: VerdictService | None = None
    health: HealthService | None = None

    async def on_first_start(self) -> None:
        """Create no folders: there are no tables."""

    def statuses(self) -> tuple[ConsumerStatus, ...]:
        """How every consumer is doing."""
        told = self.notifier.statuses() if self.notifier is not None else ()
        taken = (self.verdicts.progress.status(),) if self.verdicts is not None else ()
        return (*(consumer.progress.status() for consumer in self.durable), *told, *taken)

    @property
    def kept(self) -> tuple[KeptSession, ...]:
        """Every consumer's service."""
        told = self.notifier.kept if self.notifier is not None else ()
        taken = (self.verdicts,) if self.verdicts is not None else ()
        return (*self.durable, *told, *taken)

    @property
    def assigned(self) -> bool:
        """Whether every consumer is in its group with its state restored."""
        return all(status.assigned for status in self.statuses())


def build_app(
    settings: Settings,
    engines: Engines,
    *,
    telemetry: Telemetry | None = None,
    failpoint: Failpoint = no_failpoint,
) -> WorkerApp:
    """Put a worker together; nothing is global, so a process may hold several.

    Args:
        settings: the whole configuration.
        engines: what of the core it runs.
        telemetry: where to count; a fresh one unless given.
        failpoint: told each named moment of the consumers; only fault tests make it act.
    """
    telemetry = telemetry or Telemetry()
    gauges = Gauges(telemetry)
    cluster = Cluster(
        kafka=settings.kafka,
        worker=settings.worker,
        metrics=telemetry.kafka,
        prepare=TopicKeeper(settings.kafka, settings.topics).keep,
        failpoint=failpoint,
        explainer=Explainer(settings.kafka),
    )
    app = _faust_app(settings)
    specs = consumer_specs(settings, engines, telemetry, gauges.opened)
    app.durable = tuple(DurableConsumer(spec, cluster) for spec in specs)
    if "notify" in settings.worker.roles:
        app.notifier = NotifierService(
            settings.notifier, cluster, settings.topics, telemetry.notifier
        )
    app.verdicts = _verdicts(settings, cluster, telemetry)
    if settings.telemetry.enabled:
        names = [status.name for status in app.statuses()]
        health = health_of(app.statuses, names)
        app.health = HealthService(HealthServer(settings.telemetry, telemetry, health))
    for service in _services(app, settings, cluster, engines):
        # The decorator is written for classes and takes instances as well.
        app.service(cast("type[Service]", service))
    _timers(app, gauges, cluster)
    return app


def _verdicts(settings: Settings, cluster: Cluster, telemetry: Telemetry) -> VerdictService | None:
    """Return the consumer of verdicts, if this worker is to have one and knows where to write."""
    if "verdicts" not in settings.worker.roles:
        return None
    if settings.cases.library_dir is None:
        _log.info("no cases.library_dir is set; verdicts stay in their topic")
        return None
    return VerdictService(
        VerdictParts(
            library_dir=settings.cases.library_dir,
            config=settings.cases,
            cluster=cluster,
            topics=settings.topics,
            limits=settings.limits,
            letters=dead_letters(settings, telemetry),
            metrics=telemetry.cases,
        )
    )


def _services(
    app: WorkerApp, settings: Settings, cluster: Cluster, engines: Engines
) -> list[Service]:
    """Return the services in the order in which they start; they stop in reverse."""
    worker = settings.worker
    others = [service for service in (app.notifier, app.verdicts) if service is not None]
    supervised = [*app.durable, *others]
    services: list[Service] = [app.health] if app.health is not None else []
    if engines.edges and "correlate" in worker.roles:
        packer = Packer(settings.topics.signals, worker.signal_bytes)
        environment = settings.resolver.environment
        services.append(DeclaredGraph(cluster, packer, environment, engines.edges))
    supervisor = OneForOneSupervisor(
        # mode's token bucket holds `over` tokens and gains `max_restarts` of them a second.
        max_restarts=worker.max_restarts / worker.restart_window_seconds,
        over=float(worker.max_restarts),
    )
    # Only what is added, not what is given to the constructor, can wake the supervisor up.
    supervisor.add(*supervised)
    services.append(supervisor)
    return services


def _timers(app: WorkerApp, gauges: Gauges, cluster: Cluster) -> None:
    async def gauge() -> None:
        gauges.update(app.statuses())

    async def housekeeping() -> None:
        try:
            await cluster.prepare()
        except Exception as error:
            # Only a check: the consumers notice for themselves when Kafka is away.
            _log.warning("the topics could not be checked", extra={"error": str(error)})

    app.timer(interval=_GAUGE_SECONDS)(gauge)
    app.crontab(_HOUSEKEEPING)(housekeeping)


def _faust_app(settings: Settings) -> WorkerApp:
    worker = settings.worker
    options: dict[str, Any] = {
        "broker": [f"kafka://{server}" for server in servers(settings.kafka.bootstrap)],
        "broker_client_id": settings.kafka.client_id,
        "broker_credentials": faust_credentials(settings.kafka),
        "broker_session_timeout": worker.session_timeout_ms / 1000,
        "broker_heartbeat_interval": worker.heartbeat_ms / 1000,
        "consumer_auto_offset_reset": "earliest",
        "store": "memory://",
        "stream_wait_empty": False,
        "topic_allow_declare": False,
        "web_enabled": False,
    }
    return WorkerApp("rootline-worker", **options)
