"""What a component's own spans say within a frame: slower, failing, busier, silent?"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.frame import log_ratio, peak
from pipeline.pane_sums import merge_sketches
from pipeline.sketch import quantile
from schemas.signal import Exemplar, ServicePane

_LATENCY_FLOOR_MS = 2.0
_MIN_COUNT = 3
"""Spans in a pane below which its rates say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceReading:
    """Numbers over the window against the baseline; ratios are natural logs.

    `latency_ms` is the highest pane median of the window; `self_delta_ms` the growth of self time
    per request; `served_ratio` the log ratio of the requests in the two quietest settled panes to
    the usual, `quietest` the places of these panes in the window.
    """

    count: int
    baseline_count: int
    latency_ratio: float
    tail_ratio: float
    latency_ms: float
    baseline_latency_ms: float
    error_rate: float
    baseline_error_rate: float
    origin_errors: int
    self_delta_ms: float
    self_growth_ms: float
    wait_share: float
    served_ratio: float
    quietest: tuple[int, ...]
    onset_ms: int | None
    exemplars: tuple[Exemplar, ...]

    @property
    def error_excess(self) -> float:
        """Error rate above the baseline's."""
        return max(0.0, self.error_rate - self.baseline_error_rate)


def read_service(
    window: Sequence[ServicePane | None],
    baseline: Sequence[ServicePane | None],
    *,
    starts: range,
    settled: int,
) -> ServiceReading | None:
    """Read one component; None when it never had a span.

    Args:
        window: its panes at `starts`, None where it served nothing.
        baseline: its panes of the past.
        starts: pane starts of the window.
        settled: how many of the window's panes are over (only those can show silence).
    """
    past = [p for p in baseline if p is not None]
    present = [p for p in window if p is not None]
    if not past and not present:
        return None
    past_sketch = merge_sketches(p.sketch for p in past)
    past_median = quantile(past_sketch, 0.5) if past_sketch else 0.0
    past_tail = quantile(past_sketch, 0.95) if past_sketch else 0.0
    medians = [quantile(p.sketch, 0.5) if p and _enough(p) else None for p in window]
    tails = [quantile(p.sketch, 0.95) for p in present if _enough(p)]
    count, past_count = sum(p.count for p in present), sum(p.count for p in past)
    errors, past_errors = sum(p.errors for p in present), sum(p.errors for p in past)
    past_self = _per(sum(p.self_ms for p in past), past_count)
    self_deltas = [_per(p.self_ms, p.count) - past_self for p in present if _enough(p)]
    known = [m for m in medians if m is not None]
    latency = peak(known)
    tail = peak(tails)
    has_past = past_count >= _MIN_COUNT
    quietest = _quietest(window[:settled])
    return ServiceReading(
        count=count,
        baseline_count=past_count,
        latency_ratio=_ratio(latency, past_median) if known and has_past else 0.0,
        tail_ratio=_ratio(tail, past_tail) if tails and has_past else 0.0,
        latency_ms=latency,
        baseline_latency_ms=past_median,
        error_rate=peak([p.errors / p.count for p in present if _enough(p)])
        if count >= _MIN_COUNT
        else 0.0,
        baseline_error_rate=_per(past_errors, past_count),
        origin_errors=max(0, sum(p.origin_errors for p in present) if errors else 0),
        self_delta_ms=peak(self_deltas) if has_past else 0.0,
        self_growth_ms=max(0.0, sum(p.self_ms for p in present) - past_self * count)
        if has_past
        else 0.0,
        wait_share=_per(sum(p.wait_ms for p in present), sum(p.duration_ms for p in present)),
        served_ratio=_served_ratio([window[i] for i in quietest], baseline, past_count),
        quietest=quietest,
        onset_ms=_onset(window, medians, starts, past_median if has_past else None),
        exemplars=tuple(e for p in present[-4:] for e in p.exemplars),
    )


def _enough(pane: ServicePane) -> bool:
    return pane.count >= _MIN_COUNT


def _per(total: float, count: float) -> float:
    return total / count if count else 0.0


def _ratio(now_ms: float, before_ms: float) -> float:
    return log_ratio(now_ms, before_ms, floor=_LATENCY_FLOOR_MS)


def _quietest(settled: Sequence[ServicePane | None]) -> tuple[int, ...]:
    """Places of the two panes with the fewest requests, of equal ones the later."""
    by_count = sorted((p.count if p is not None else 0, -i) for i, p in enumerate(settled))
    return tuple(sorted(-place for _, place in by_count[:2]))


def _served_ratio(
    quiet: Sequence[ServicePane | None], baseline: Sequence[ServicePane | None], past: int
) -> float:
    """Log ratio of the mean request count of some panes to the baseline's mean per pane."""
    if not quiet or past < 10:
        return 0.0
    # Panes before its first span say that it did not exist yet, not that it was silent.
    first = next((i for i, p in enumerate(baseline) if p is not None), len(baseline))
    mean = past / max(1, len(baseline) - first)
    served = sum(p.count for p in quiet if p is not None) / len(quiet)
    return log_ratio(served, mean, floor=0.5)


def _onset(
    window: Sequence[ServicePane | None],
    medians: Sequence[float | None],
    starts: range,
    past_median: float | None,
) -> int | None:
    """Start of the first pane that is twice as slow or in which 5 % (and 3) requests failed."""
    for start, pane, median in zip(starts, window, medians, strict=True):
        if pane is None:
            continue
        failing = pane.errors >= _MIN_COUNT and pane.errors / pane.count > 0.05
        slow = (
            past_median is not None and median is not None and _ratio(median, past_median) > 0.69
        )
        if failing or slow:
            return start
    return None
