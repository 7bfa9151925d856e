"""What never changes about a metric series: whose it is, what it means, what it is called."""

from dataclasses import dataclass

from pipeline.metric_class import classify
from pipeline.metric_meaning import MetricClass, MetricMeaning, Reading
from schemas.component import Component
from schemas.resolve import Resolver
from schemas.telemetry import Labels, Series

READINGS: tuple[Reading, ...] = tuple(Reading)
CODES: dict[Reading, int] = {reading: code for code, reading in enumerate(READINGS)}
DERIVED = len(READINGS)
"""Code of a series that is computed from others, instead of a reading's."""

_TARGET_LABELS = (
    "job",
    "instance",
    "namespace",
    "pod",
    "container",
    "service.instance.id",
    "service_instance_id",
    "host.name",
    "k8s.pod.name",
    "k8s_pod_name",
)
_TIME_SPENT = (MetricClass.GC, MetricClass.CPU)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """One series' identity and meaning; `target` is what was scraped or what pushed it."""

    environment: str
    component: Component
    name: str
    labels: Labels
    meaning: MetricMeaning
    target: str
    derived: bool = False

    @property
    def series_id(self) -> str:
        """Spell the series as a PromQL selector.

        >>> from schemas.resolve import ResolverConfig
        >>> series = Series(name="up", labels=(("job", "cart"),))
        >>> facts_of(series, Resolver(ResolverConfig())).series_id
        'up{job="cart"}'
        """
        if not self.labels:
            return self.name
        pairs = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{pairs}}}"

    @property
    def judged(self) -> bool:
        """Say whether the series has a value of its own worth a baseline.

        The _sum of a histogram has not, unless it sums time spent, so that its rate is a share.
        """
        if self.meaning.reading is Reading.IGNORED:
            return False
        is_sum = self.meaning.stem != "" and self.name.endswith(("_sum", ".sum"))
        if is_sum:
            return self.meaning.metric_class in _TIME_SPENT
        return self.meaning.pairing is None or self.meaning.pairing.role != "limit"

    @property
    def companion(self) -> bool:
        """Say whether it is sent along once anything of its component is anomalous."""
        return self.meaning.holder != "" or (self.derived and "/" in self.name)

    @property
    def watched(self) -> bool:
        """Say whether every change of it is sent."""
        return self.meaning.metric_class in (MetricClass.AVAILABILITY, MetricClass.RESTARTS)


def facts_of(series: Series, resolver: Resolver) -> SeriesFacts:
    """Find out about a series that was not seen before."""
    labels = dict(series.labels)
    return SeriesFacts(
        environment=resolver.environment(series.labels),
        component=resolver.component(series.labels, metric=series.name).component,
        name=series.name,
        labels=series.labels,
        meaning=classify(series.name, series.labels, series.unit, series.form),
        target="|".join(labels.get(name, "") for name in _TARGET_LABELS),
    )
