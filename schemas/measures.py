"""The names of a candidate's raw measures: what the core measures and the ranker reads.

A measure is absent from `Candidate.measures` where there is no data for it. None names a
component, a system or a data set, and none is a static position in the graph.
"""

MEASURES: dict[str, str] = {
    # alerts
    "alert_count": "firing alerts on the component",
    "alert_share": "share of the incident's alerts that are on it",
    "alert_severity": "highest severity among them (1 info .. 4 critical)",
    "alert_rules": "distinct rules among them",
    "alert_onset_s": "seconds from the incident's first alert start to its own first",
    "alert_cause_share": "share of its alerts that are of a cause-type rule",
    "alert_flaps": "state changes of its alerts in the last 15 minutes",
    # metrics: largest |z| over the window of the class's series, signed where the sign matters
    "z_latency": "robust z of its latency metrics",
    "z_errors": "robust z of its error metrics",
    "z_traffic": "signed robust z of its traffic metrics",
    "z_cpu": "robust z of its CPU metrics (usage, throttling)",
    "z_memory": "robust z of its memory metrics",
    "z_disk": "robust z of its disk metrics",
    "z_network": "robust z of its network metrics (errors, retransmits)",
    "z_pool": "robust z of its connection and pool metrics",
    "z_gc": "robust z of its garbage collection metrics",
    "z_queue": "robust z of its queue and lag metrics",
    "z_threads": "robust z of its thread pool metrics",
    "z_restarts": "robust z of its restart counters",
    "z_availability": "robust z of its up / ready / probe metrics",
    "z_certificate": "robust z of its certificate metrics",
    "z_cache": "robust z of its hit, miss and eviction metrics",
    "z_other": "robust z of its other metrics",
    "pool_usage": "largest used / limit of its connections or pools, in [0, 1+]",
    "holder_share": "share of its connections that its largest client holds",
    "holder_growth": "that client's connections now / in its baseline (log1p)",
    "metric_persistence": "share of panes in the window in which some metric of it has |z| > 3",
    "metric_onset_s": "seconds from the incident's earliest anomaly to its first metric anomaly",
    # silence
    "silence": "log ratio of served spans now to the baseline, while callers still call (<= 0)",
    "stale_share": "share of its metric series that stopped",
    "restarts": "restarts in the window",
    # traces of the component's own spans
    "self_time_share": "its share of the growth of self time over the incident's components",
    "self_time_delta": "growth of its self time per request, ms",
    "wait_share": "share of its own time that waits for a pool or lock",
    "error_origin": "share of the incident's origin errors (failed spans, no failed child) in it",
    "span_latency_ratio": "its median latency now / baseline (log)",
    "span_error_rate": "share of its served spans that failed",
    # traces of the edges into it
    "edge_errors": "largest error rate on a calling edge, gated by its callees' own errors",
    "edge_timeouts": "share of calls to it that time out",
    "edge_refused": "share of calls to it that are refused or reset",
    "edge_tls": "share of calls to it that fail in TLS",
    "edge_latency_ratio": "median latency on calling edges now / baseline (log), largest",
    "edge_fan_in": "share of its callers that see it slow or failing",
    "edge_retries": "attempts per request on calling edges now / baseline (log)",
    "edge_in_flight": "calls in flight to it now / baseline (log)",
    "statement_ratio": "slowest statement's mean time now / baseline (log)",
    "traffic_ratio": "calls to it now / baseline (log)",
    # topology
    "callees_anomalous": "share of its callees that are anomalous",
    "callers_anomalous": "share of its callers that are anomalous",
    "frontier": "1 when it is anomalous, on an anomalous path, and no callee of it is anomalous",
    "page_rank": "personalised PageRank on the anomaly subgraph times its size",
    "explains_recall": "share of alerting components that reach it along calls",
    "explains_precision": "share of its (transitive) callers that alert",
    "colocation": "node: share of the components on it that are anomalous",
    # changes
    "change_recency": "exp(-age / 15 min) of its last change before the onset",
    "change_callee_recency": "the same for the latest change of a callee",
    "change_precedes": "1 when a change of it came at most 30 min before the onset",
}

CONTEXT: dict[str, str] = {
    "candidates": "number of candidates",
    "alerts": "number of alerts in the incident",
    "elapsed_s": "seconds since the incident's first alert",
    "has_metrics": "share of candidates with metrics",
    "has_traces": "share of candidates with spans or calls seen",
    "has_edges": "share of candidates with an edge in the service graph",
    "has_changes": "1 when any change event was ever seen",
    "max_z": "largest |z| over all candidates",
}
