"""Columns of a table of measurements as one metric batch, under the names of this project.

An importer's way to samples: a component, a metric and its values. Invariant: the resolver finds
in a series' labels exactly the component that was given, or `component_of` says that it would not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.importers.errors import LayoutError
from schemas.component import Component
from schemas.resolve import Resolver, ResolverConfig
from schemas.telemetry import Labels, MetricBatch, MetricForm, Series, labels_of

_RESOLVER = Resolver(ResolverConfig())
"""As it is by default: imported names must not hang on anybody's mapping rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One series: what a metric of a component was at some times; NaN is no sample."""

    component: str
    metric: str
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    labels: Labels = ()
    form: MetricForm = MetricForm.GAUGE
    unit: str = ""


def component_of(name: str, *, metric: str = "") -> Component:
    """Return what the resolver makes of the label `service` with a name (and of a metric).

    >>> component_of("Orders-1"), component_of("orders-db").kind.value
    (Component(name='orders-1', kind=<ComponentKind.SERVICE: 'service'>), 'database')
    """
    return _RESOLVER.component((("service", name),), metric=metric).component


def batch_of(columns: Sequence[Column]) -> MetricBatch:
    """Put columns into one batch in the order of time; a column without values is left out.

    Raises:
        LayoutError: when a column's component would be called something else by the resolver.
    """
    kept = [column for column in columns if np.isfinite(column.values).any()]
    for column in kept:
        found = component_of(column.component, metric=column.metric)
        if found.name != column.component:
            msg = (
                f"the series {column.metric} of {column.component!r} would belong to"
                f" {found.name!r}; the importer has to choose another name for either"
            )
            raise LayoutError(msg)
    finite = [np.isfinite(column.values) for column in kept]
    none: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    times = [column.times_ms[mask] for column, mask in zip(kept, finite, strict=True)]
    values = [column.values[mask] for column, mask in zip(kept, finite, strict=True)]
    rows = np.repeat(np.arange(len(kept)), [len(each) for each in times]).astype(np.int32)
    time_ms = np.concatenate([*none, *times]).astype(np.int64)
    order = np.argsort(time_ms, kind="stable")
    value = np.concatenate([np.zeros(0, np.float64), *values])
    return MetricBatch(
        series=rows[order],
        time_ms=time_ms[order],
        value=value[order],
        table=tuple(_series(column) for column in kept),
    )


def _series(column: Column) -> Series:
    labels = {**dict(column.labels), "service": column.component}
    return Series(name=column.metric, labels=labels_of(labels), form=column.form, unit=column.unit)
