"""The whole configuration: one frozen dataclass of sections, read once at start, passed down.

Only this folder's settings_* modules read files and the environment; a section is a dataclass
beside the code it configures. `python -m agents.settings_docs > docs/CONFIG.md` lists every key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from agents.broker.config import BrokerConfig
from agents.cases.config import CasesConfig
from agents.files import GraphFilesConfig, ModelConfig
from agents.gateway.config import GatewayConfig
from agents.kafka import KafkaConfig
from agents.logs import LoggingConfig
from agents.notifier.config import NotifierConfig
from agents.settings_secrets import secret_texts, shown
from agents.settings_sources import configuration_file, environment_values, overlay, read_file
from agents.settings_values import Place, build
from agents.telemetry_config import TelemetryConfig
from agents.watchdog_config import WatchdogConfig
from agents.worker.config import WorkerConfig
from agents.worker.topics import TopicsConfig
from pipeline.config import PipelineConfig
from pipeline.reduce.config import ReduceConfig
from schemas.codecs.limits import CodecLimits
from schemas.resolve import ResolverConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every section of the configuration.

    Raises:
        ValueError: two sections contradict each other.
    """

    kafka: KafkaConfig = field(default_factory=KafkaConfig)
    topics: TopicsConfig = field(default_factory=TopicsConfig)
    gateway: GatewayConfig = field(default_factory=GatewayConfig)
    worker: WorkerConfig = field(default_factory=WorkerConfig)
    watchdog: WatchdogConfig = field(default_factory=WatchdogConfig)
    limits: CodecLimits = field(default_factory=CodecLimits)
    resolver: ResolverConfig = field(default_factory=ResolverConfig)
    reduce: ReduceConfig = field(default_factory=ReduceConfig)
    pipeline: PipelineConfig = field(default_factory=PipelineConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    cases: CasesConfig = field(default_factory=CasesConfig)
    graph: GraphFilesConfig = field(default_factory=GraphFilesConfig)
    notifier: NotifierConfig = field(default_factory=NotifierConfig)
    broker: BrokerConfig = field(default_factory=BrokerConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)

    def __post_init__(self) -> None:
        self._check_sizes()
        self._check_panes()
        self._check_ports()
        self._check_sources()

    def _check_sizes(self) -> None:
        """What one part lets through, the next one has to take."""
        body = self.gateway.max_body_bytes
        for key, value in (
            ("limits.message_bytes", self.limits.message_bytes),
            ("kafka.max_message_bytes", self.kafka.max_message_bytes),
            ("topics.max_message_bytes", self.topics.max_message_bytes),
        ):
            if body > value:
                msg = (
                    f"gateway.max_body_bytes ({body}) exceeds {key} ({value}): such a body would "
                    "be taken and then refused; lower the first or raise the second"
                )
                raise ValueError(msg)

    def _check_ports(self) -> None:
        served = (self.telemetry.host, self.telemetry.port)
        same = served == (self.gateway.host, self.gateway.port)
        if self.telemetry.enabled and same and self.gateway.port != 0:
            msg = (
                f"telemetry.port and gateway.port are both {self.gateway.port}; "
                "give the worker's metrics a port of their own"
            )
            raise ValueError(msg)

    def _check_sources(self) -> None:
        """A source's environments must be such that something can be of them."""
        if self.resolver.environment_labels:
            return
        for source in self.gateway.sources:
            if source.environments and self.resolver.environment not in source.environments:
                msg = (
                    f"gateway.sources: {source.name} may not write {self.resolver.environment!r}, "
                    "and without resolver.environment_labels everything is of that environment; "
                    "name the labels that tell the environment"
                )
                raise ValueError(msg)

    def _check_panes(self) -> None:
        reduce, evidence = self.reduce.pane_seconds, self.pipeline.evidence.pane_seconds
        if reduce != evidence:
            msg = (
                f"reduce.pane_seconds is {reduce} and pipeline.evidence.pane_seconds is "
                f"{evidence}; set both to the same number"
            )
            raise ValueError(msg)

    def redacted(self) -> dict[str, Any]:
        """The effective configuration as plain data, secrets hidden: to be logged or printed."""
        return {item.name: shown(getattr(self, item.name)) for item in fields(self)}

    def secrets(self) -> tuple[str, ...]:
        """Every secret text in it, for `configure_logging` to keep out of the logs."""
        return tuple(sorted(set(secret_texts(self))))


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the configuration: the file, then the environment over it.

    Args:
        path: the file asked for (`--config`), or None to look for one.
        environ: the process' environment.

    Raises:
        SettingsError: with one sentence that names the key.
    """
    source = configuration_file(path, environ)
    tree = read_file(source) if source is not None else {}
    values = environment_values(environ, section_keys())
    place = Place("", str(source or ""), source.parent if source is not None else Path())
    return build(Settings, overlay(tree, values), place)


def section_keys() -> dict[str, set[str]]:
    """The sections and the keys of each (`*_file` forms not counted)."""
    defaults = Settings()
    return {
        item.name: {key.name for key in fields(getattr(defaults, item.name))}
        for item in fields(Settings)
    }
