"""Recording rules: series that are computed from scraped ones and stored beside them.

The buckets of duration histograms are scraped but not kept (as with a `drop` on remote write);
what is kept of them are the quantiles a service, over a minute.
"""

from models.simulator.alerting import EVALUATION_SHARE
from models.simulator.promql import Query
from models.simulator.rules_service import BY_SERVICE, DURATION
from models.simulator.series import SeriesStore

QUANTILES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def record(query: Query, store: SeriesStore) -> None:
    """Add the recorded series to the store."""
    buckets = query.rate(f"{DURATION}_bucket", 60)
    phase = EVALUATION_SHARE * store.interval
    for share, name in QUANTILES:
        vector = query.quantile(share, buckets, *BY_SERVICE)
        for labels, values in zip(vector.labels, vector.values, strict=True):
            store.add(f"service:{DURATION}:{name}_1m", labels, phase)[:] = values
