"""What the simulated telemetry has in common with that of a real cluster."""

import numpy as np

from schemas.recording import Recording
from schemas.telemetry import SpanKind, SpanStatus
from tests.models.simulator.runs import RESOLVER, short_run


def _values(
    recording: Recording, name: str, **labels: str
) -> "list[np.ndarray[tuple[int], np.dtype[np.float64]]]":
    batch = recording.metrics
    assert batch is not None
    return [
        batch.value[batch.series == i]
        for i, series in enumerate(batch.table)
        if series.name == name and labels.items() <= dict(series.labels).items()
    ]


def test_a_frozen_program_answers_no_scrape_and_its_series_go_stale() -> None:
    recording = short_run("silent_freeze")
    assert recording.truth is not None
    victim = recording.truth[0].component
    ups = [v for key in ("service", "app") for v in _values(recording, "up", **{key: victim})]
    assert any(0.0 in values.tolist() for values in ups)
    http = [
        v
        for key in ("service", "app")
        for v in _values(recording, "http_server_active_requests", **{key: victim})
    ]
    assert any(np.isnan(values).sum() == 1 for values in http)


def test_a_restarted_program_counts_from_zero_again() -> None:
    recording = short_run("crash_loop")
    assert recording.truth is not None
    victim = recording.truth[0].component
    restarts = _values(recording, "kube_pod_container_status_restarts_total", container=victim)
    assert max(values[-1] for values in restarts) >= 2


def test_the_holder_of_the_connections_is_seen_by_the_database_alone() -> None:
    recording = short_run("pool_exhaustion")
    (held,) = _values(recording, "mysql_info_schema_processlist_threads", user="report-job")
    (limit,) = {float(v[0]) for v in _values(recording, "mysql_global_variables_max_connections")}
    assert held[:10].max() <= 2
    assert held.max() > 0.4 * limit


def test_counters_never_fall_but_to_start_again() -> None:
    recording = short_run("slow_query")
    batch = recording.metrics
    assert batch is not None
    for i, series in enumerate(batch.table):
        if series.name.endswith(("_total", "_count", "_sum")):
            values = batch.value[batch.series == i]
            values = values[~np.isnan(values)]
            falls = values[1:][np.diff(values) < -1e-6]
            assert np.all(falls < values.max()), series


def test_waiting_for_a_connection_is_a_span_of_its_own_inside_the_server_span() -> None:
    batch = short_run("pool_exhaustion").spans
    assert batch is not None
    waits = batch.name == batch.names.index("pool.acquire")
    failed = waits & (batch.status == SpanStatus.ERROR)
    assert failed.any()
    assert ((batch.end_ns - batch.start_ns)[failed] > 2e9).all()
    servers = set(batch.span_id[batch.kind == SpanKind.SERVER].tolist())
    consumers = set(batch.span_id[batch.kind == SpanKind.CONSUMER].tolist())
    inside = [parent in servers | consumers for parent in batch.parent_id[waits].tolist()]
    # Requests that never end leave no span of their own.
    assert np.mean(inside) > 0.8


def test_stores_and_third_parties_have_no_spans_but_are_peers() -> None:
    batch = short_run("none").spans
    assert batch is not None
    services = {component.name for r in batch.resources if (component := RESOLVER.resource(r))}
    peers = {
        peer.name
        for attributes, kind in set(
            zip(batch.attributes.tolist(), batch.kind.tolist(), strict=True)
        )
        if (peer := RESOLVER.peer(batch.attribute_sets[attributes], SpanKind(kind)))
    }
    stores = {"mysql-primary", "catalog-db", "redis-cache", "api.swiftpay.example"}
    assert stores <= peers
    assert stores.isdisjoint(services)


def test_retries_show_as_attempts_under_one_parent() -> None:
    batch = short_run("silent_freeze").spans
    assert batch is not None
    clients = batch.kind == SpanKind.CLIENT
    failed = clients & (batch.status == SpanStatus.ERROR)
    parents, counts = np.unique(batch.parent_id[failed], return_counts=True)
    assert len(parents)
    assert counts.max() >= 2


def test_children_lie_inside_their_parents() -> None:
    batch = short_run("none").spans
    assert batch is not None
    start = dict(zip(batch.span_id.tolist(), batch.start_ns.tolist(), strict=True))
    early = [
        own < start[parent]
        for own, parent in zip(batch.start_ns.tolist(), batch.parent_id.tolist(), strict=True)
        if parent in start
    ]
    assert not any(early)
