"""What a caller's spans say of one callee within a frame: an error here accuses the callee."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.frame import log_ratio, peak
from pipeline.pane_sums import merge_sketches, sum_statements
from pipeline.sketch import quantile
from schemas.signal import EdgePane, Exemplar, StatementTotal

_LATENCY_FLOOR_MS = 1.0
_MIN_COUNT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStatement:
    """The statement whose mean time grew most, in logs."""

    text: str
    ratio: float
    mean_ms: float
    baseline_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeReading:
    """Numbers of one edge over the window against the baseline; ratios are natural logs.

    `in_flight` is the mean number of calls under way (Little's law), at its highest pane. `calls`
    counts the calls of each pane of the window, `usual_calls` those of a mean pane of the past.
    `expected` calls are usual for the requests that the caller got in the window, of which `made`
    were made; `broke_excess` requests more than usual broke off after this callee.
    """

    caller: str
    callee: str
    count: int
    baseline_count: int
    error_rate: float
    baseline_error_rate: float
    timeout_share: float
    refused_share: float
    tls_share: float
    latency_ratio: float
    latency_ms: float
    baseline_latency_ms: float
    attempts_ratio: float
    in_flight: float
    baseline_in_flight: float
    traffic_ratio: float
    calls: tuple[int, ...]
    usual_calls: float
    expected: float
    made: int
    baseline_expected: float
    baseline_made: int
    broke_excess: float
    served_share: float
    baseline_served_share: float
    slow_statement: SlowStatement | None
    exemplars: tuple[Exemplar, ...]

    @property
    def error_excess(self) -> float:
        """Error rate above the baseline's."""
        return max(0.0, self.error_rate - self.baseline_error_rate)

    def calls_on(self, panes: Sequence[int]) -> bool:
        """Whether more than half of the usual calls were made in these panes of the window."""
        made = sum(self.calls[i] for i in panes)
        return bool(made) and made > 0.5 * self.usual_calls * len(panes)

    @property
    def is_anomalous(self) -> bool:
        """Failing in at least 5 % more calls than before, or twice as slow and by over 5 ms."""
        slower_ms = self.latency_ms - self.baseline_latency_ms
        return self.error_excess > 0.05 or (self.latency_ratio > 0.69 and slower_ms > 5.0)


def read_edge(
    caller: str,
    callee: str,
    *,
    window: Sequence[EdgePane | None],
    baseline: Sequence[EdgePane | None],
    pane_ms: int,
    settled: int,
) -> EdgeReading | None:
    """Read one edge; None when no call was ever seen on it."""
    # A pane may say only that calls were expected; no call was seen then.
    known = [p for p in baseline if p is not None]
    past = [p for p in known if p.count]
    asked = [p for p in window if p is not None]
    present = [p for p in asked if p.count]
    if not past and not present:
        return None
    past_count, count = sum(p.count for p in past), sum(p.count for p in present)
    past_sketch = merge_sketches(p.sketch for p in past)
    past_median = quantile(past_sketch, 0.5) if past_sketch else 0.0
    busy = [p for p in present if p.count >= _MIN_COUNT]
    latency = peak([quantile(p.sketch, 0.5) for p in busy])
    past_panes = max(1, len(past))
    in_flight = peak([p.duration_ms / pane_ms for p in present])
    past_flight = sum(p.duration_ms for p in past) / (past_panes * pane_ms)
    calls = tuple(p.count if p is not None else 0 for p in window)
    comparable = past_count >= _MIN_COUNT
    return EdgeReading(
        caller=caller,
        callee=callee,
        count=count,
        baseline_count=past_count,
        error_rate=peak([p.errors / p.count for p in busy]),
        baseline_error_rate=_per(sum(p.errors for p in past), past_count),
        timeout_share=peak([p.timeouts / p.count for p in busy]),
        refused_share=peak([p.refused / p.count for p in busy]),
        tls_share=peak([p.tls_errors / p.count for p in busy]),
        latency_ratio=log_ratio(latency, past_median, floor=_LATENCY_FLOOR_MS)
        if busy and comparable
        else 0.0,
        latency_ms=latency,
        baseline_latency_ms=past_median,
        attempts_ratio=_attempts(busy, past) if comparable else 0.0,
        in_flight=in_flight,
        baseline_in_flight=past_flight,
        traffic_ratio=log_ratio(peak(calls[:settled]), past_count / past_panes, floor=1.0)
        if comparable and settled
        else 0.0,
        calls=calls,
        usual_calls=past_count / past_panes,
        expected=sum(p.expected for p in asked),
        made=sum(p.made for p in asked),
        baseline_expected=sum(p.expected for p in known),
        baseline_made=sum(p.made for p in known),
        broke_excess=_broke_excess(asked, known),
        served_share=_per(sum(p.served for p in present), count),
        baseline_served_share=_per(sum(p.served for p in past), past_count),
        slow_statement=_slowest_statement(present, past),
        exemplars=tuple(e for p in present[-4:] for e in p.exemplars),
    )


def _per(total: float, count: float) -> float:
    return total / count if count else 0.0


def _broke_excess(asked: Sequence[EdgePane], past: Sequence[EdgePane]) -> float:
    """Requests that broke off after this callee, less what is usual for as many that called it."""
    usual = _per(sum(p.broke for p in past), sum(p.made for p in past))
    return max(0.0, sum(p.broke for p in asked) - usual * sum(p.made for p in asked))


def _attempts(busy: Sequence[EdgePane], past: Sequence[EdgePane]) -> float:
    """Log ratio of attempts per calling span, now to before."""
    now = peak([p.count / p.parents for p in busy if p.parents])
    before = _per(sum(p.count for p in past), sum(p.parents for p in past))
    return log_ratio(now, before, floor=0.05) if now and before else 0.0


def _slowest_statement(
    present: Sequence[EdgePane], past: Sequence[EdgePane]
) -> SlowStatement | None:
    before = {s.text: s for s in sum_statements(s for p in past for s in p.statements)}
    grown = [
        _compare(s, before[s.text])
        for s in sum_statements(s for p in present for s in p.statements)
        if s.count >= _MIN_COUNT and s.text in before and before[s.text].count >= _MIN_COUNT
    ]
    return max(grown, key=lambda s: (s.ratio, s.text), default=None)


def _compare(now: StatementTotal, before: StatementTotal) -> SlowStatement:
    mean, past = now.duration_ms / now.count, before.duration_ms / before.count
    ratio = log_ratio(mean, past, floor=_LATENCY_FLOOR_MS)
    return SlowStatement(text=now.text, ratio=ratio, mean_ms=mean, baseline_ms=past)
