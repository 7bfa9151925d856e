"""Builds the real engines from the configuration: reducers, correlator, ranker, declared edges."""

from agents.cases.asked import AskedQuestions
from agents.declared_edges import declared_edges
from agents.errors import SettingsError
from agents.rankers import configured_ranker
from agents.settings import Settings
from agents.worker.assembly import Engines
from models.errors import ModelError
from pipeline.config import PipelineConfig
from pipeline.correlator import Correlator
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.candidate import Question
from schemas.resolve import Resolver


class WatchedCorrelator(Correlator):
    """A correlator whose questions can be told afterwards."""

    def __init__(self, config: PipelineConfig, asked: AskedQuestions) -> None:
        super().__init__(config, asked)
        self._asked = asked

    def asked(self, incident_id: str) -> Question | None:
        """Return what was last asked about an incident, once."""
        return self._asked.take(incident_id)


def build_engines(settings: Settings) -> Engines:
    """Load what the worker needs from files, and say how engines are made.

    Raises:
        SettingsError: the model or a graph file cannot be read or used.
    """
    try:
        ranker = configured_ranker(settings.model)
    except ModelError as error:
        msg = f"model.path: {error}"
        raise SettingsError(msg) from error
    resolver = Resolver(settings.resolver)

    def correlator() -> WatchedCorrelator:
        asked = AskedQuestions(ranker, settings.cases.asked_incidents)
        return WatchedCorrelator(settings.pipeline, asked)

    return Engines(
        span_reducer=lambda source: SpanReducer(source, resolver, settings.reduce),
        metric_reducer=lambda source: MetricReducer(source, resolver, settings.reduce),
        correlator=correlator,
        resolver=resolver,
        edges=declared_edges(settings.graph),
    )
