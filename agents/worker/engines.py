"""Builds the real engines from the configuration: reducers, correlator, ranker, declared edges."""

from agents.declared_edges import declared_edges
from agents.errors import SettingsError
from agents.rankers import configured_ranker
from agents.settings import Settings
from agents.worker.assembly import Engines
from models.errors import ModelError
from pipeline.correlator import Correlator
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.resolve import Resolver


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
    return Engines(
        span_reducer=lambda source: SpanReducer(source, resolver, settings.reduce),
        metric_reducer=lambda source: MetricReducer(source, resolver, settings.reduce),
        correlator=lambda: Correlator(settings.pipeline, ranker),
        resolver=resolver,
        edges=declared_edges(settings.graph),
    )
