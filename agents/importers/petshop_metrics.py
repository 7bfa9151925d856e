"""PetShop's metric files: three header rows, a row every five minutes, and what the columns mean.

A row's time is when its five minutes begin (CloudWatch's period); its values are known at their
end. Latency is in seconds, availability the percentage of requests without a fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.importers.csv_table import read_csv_table
from agents.importers.errors import LayoutError
from agents.importers.measured import Meaning, Measured
from pipeline.metric_meaning import MetricClass

SAMPLE_SECONDS = 300
TIME_SCALE = 10
STEP_MS = SAMPLE_SECONDS * 1000 // TIME_SCALE
"""From sample to sample as it is played."""

Key = tuple[str, str, str]
"""Component, metric and statistic, as the set names them."""
Floats = NDArray[np.float64]

_LATENCY = "request_duration_seconds"
_TRAFFIC = Meaning(metric="requests_rate", metric_class=MetricClass.TRAFFIC)
_AVAILABILITY = Meaning(
    # The rules look at the errors, which say the same.
    metric="available_ratio",
    metric_class=MetricClass.AVAILABILITY,
    unit="1",
    ruled=False,
)
_ERRORS = Meaning(metric="request_errors_ratio", metric_class=MetricClass.ERRORS, unit="1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The columns of a file, or of several in a row."""

    values: dict[Key, Floats]
    rows: int
    first_s: float

    def part(self, first: int, rows: int) -> "Metrics":
        """Return some of the rows."""
        return Metrics(
            values={key: column[first : first + rows] for key, column in self.values.items()},
            rows=len(range(self.rows)[first : first + rows]),
            first_s=self.first_s + first * SAMPLE_SECONDS,
        )

    def last(self, rows: int) -> "Metrics":
        """Return the last rows, or all where there are fewer."""
        return self.part(max(0, self.rows - rows), rows)


def read_metrics(path: Path) -> Metrics:
    """Read a `metrics.csv`.

    Raises:
        LayoutError: when it is no such file, or its rows are not five minutes apart.
    """
    table = read_csv_table(path, header_rows=4)
    heads = [head[:3] for head in table.headers]
    if not len(table.values) or heads[:1] != [("microservice", "metric", "statistic")]:
        msg = (
            f"{path} begins with {str(heads[:1])[:200]} and has {len(table.values)} rows,"
            " expected the header rows microservice, metric, statistic; unpack the set again"
        )
        raise LayoutError(msg)
    times = table.values[:, 0]
    if (np.diff(times) != SAMPLE_SECONDS).any():
        msg = f"{path} has rows that are not {SAMPLE_SECONDS} s apart; unpack the set again"
        raise LayoutError(msg)
    columns = {
        (head[0], head[1], head[2]): table.values[:, n] for n, head in enumerate(heads) if n
    }
    return Metrics(values=columns, rows=len(times), first_s=float(times[0]))


def joined(before: Metrics, after: Metrics) -> Metrics:
    """Put one right after the other; a column that only one has is NaN in the other."""
    keys = sorted({**before.values, **after.values})
    return Metrics(
        values={
            key: np.concatenate(
                [each.values.get(key, np.full(each.rows, np.nan)) for each in (before, after)]
            )
            for key in keys
        },
        rows=before.rows + after.rows,
        first_s=after.first_s - before.rows * SAMPLE_SECONDS,
    )


def measured_of(metrics: Metrics, names: dict[str, str], start_ms: int) -> list[Measured]:
    """Return the series as they are played from a time on; the first values come a step later."""
    times = start_ms + STEP_MS * np.arange(1, metrics.rows + 1, dtype=np.int64)
    return [
        Measured(
            component=names[key[0]],
            meaning=meaning,
            times_ms=times,
            values=values,
            calls=None if meaning is _TRAFFIC else metrics.values.get((key[0], "requests", "Sum")),
        )
        for key in sorted(metrics.values)
        for meaning, values in _meanings(key, metrics.values[key])
    ]


def _meanings(key: Key, values: Floats) -> Iterator[tuple[Meaning, Floats]]:
    match key[1], key[2]:
        case "latency", "Average":
            yield _latency(("statistic", "average"), ruled=True), values
        case "latency", "p90":
            # Higher quantiles of some ten or hundred requests are the slowest one or two alone.
            yield _latency(("quantile", "0.9"), ruled=False), values
        case "requests", "Sum":
            yield _TRAFFIC, values / SAMPLE_SECONDS
        case "availability", "Average":
            yield _AVAILABILITY, values / 100
            yield _ERRORS, 1 - values / 100
        case _:  # a statistic that is not imported
            pass


def _latency(label: tuple[str, str], *, ruled: bool) -> Meaning:
    """The rules look at the mean alone, as the set's own targets do."""
    return Meaning(
        metric=_LATENCY,
        metric_class=MetricClass.LATENCY,
        labels=(label,),
        unit="s",
        ruled=ruled,
    )
