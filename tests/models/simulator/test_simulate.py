import numpy as np
import orjson
import pytest

from models.simulator.config import SimulationConfig
from models.simulator.faults import FAULTS
from models.simulator.simulate import simulate
from schemas.recording import Recording
from tests.models.simulator.runs import SHORT, alerts_of, short_run


@pytest.mark.parametrize("fault", ["bad_deploy", "back_and_forth", "machine_memory_taken"])
def test_the_same_arguments_give_the_same_bytes(fault: str) -> None:
    one, two = (simulate(fault, seed=9, topology="random", config=SHORT) for _ in "ab")
    assert one.alerts == two.alerts
    assert one.changes == two.changes
    assert one.truth == two.truth
    assert one.metrics is not None
    assert two.metrics is not None
    assert one.metrics.table == two.metrics.table
    assert one.metrics.value.tobytes() == two.metrics.value.tobytes()
    assert one.spans is not None
    assert two.spans is not None
    assert one.spans.span_id.tobytes() == two.spans.span_id.tobytes()
    assert one.spans.end_ns.tobytes() == two.spans.end_ns.tobytes()
    assert one.spans.attribute_sets == two.spans.attribute_sets


def test_other_seeds_give_other_worlds() -> None:
    one, two = (short_run("none", "random", seed) for seed in (4, 5))
    assert one.spans is not None
    assert two.spans is not None
    assert set(one.spans.resources).isdisjoint(two.spans.resources)


def test_the_shops_storm_is_the_one_that_the_product_was_made_for() -> None:
    recording = simulate("pool_exhaustion", seed=1)
    assert recording.truth is not None
    (truth,) = recording.truth
    assert (truth.component, truth.details["holder"]) == ("mysql-primary", "report-job")
    p95 = _p95(recording, "order-fulfilment")
    assert 0.09 < np.nanmedian(p95[:40]) < 0.16
    assert 7.0 < np.nanmax(p95) < 12.0
    alerts = [a for a in alerts_of(recording).values() if a["sent_ms"] > truth.start_ms]
    assert 40 <= len(alerts) <= 62
    layers = {alert["labels"]["alertname"] for alert in alerts}
    assert layers >= {
        "DbConnectionTimeouts",
        "HighErrorRate",
        "HikariPoolPending",
        "JvmGcPauses",
        "KafkaConsumerLag",
        "LatencySloBreach",
        "MysqlConnectionsNearLimit",
        "PodNotReady",
        "ThreadPoolSaturated",
    }


def _p95(recording: Recording, service: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    batch = recording.metrics
    assert batch is not None
    name = "service:http_server_request_duration_seconds:p95_1m"
    (index,) = [
        i
        for i, series in enumerate(batch.table)
        if series.name == name and ("service", service) in series.labels
    ]
    return batch.value[batch.series == index]


def test_alerts_resolve_once_the_cause_is_gone() -> None:
    config = SimulationConfig(
        warmup_seconds=120,
        storm_seconds=150,
        recovery_seconds=200,
        request_rate=12,
        noise_alerts=False,
        target="payment",
    )
    recording = simulate("network_delay", seed=3, config=config)
    last: dict[str, str] = {}
    for message in recording.alerts:
        for alert in orjson.loads(message.value)["alerts"]:
            last[alert["fingerprint"]] = alert["status"]
    assert last
    assert set(last.values()) == {"resolved"}


def test_bystanders_fire_as_warnings_in_healthy_runs_too() -> None:
    config = SimulationConfig(warmup_seconds=180, storm_seconds=240, request_rate=5)
    fired: set[str] = set()
    for seed in range(3):
        for alert in alerts_of(simulate("none", seed=seed, config=config)).values():
            assert alert["labels"]["severity"] == "warning"
            fired.add(alert["labels"]["alertname"])
    assert len(fired) >= 2


def test_innocent_changes_happen_without_any_fault() -> None:
    changes = [c for seed in (1, 2, 3) for c in short_run("none", "shop", seed).changes]
    kinds = {orjson.loads(change.value)["kind"] for change in changes}
    assert kinds


def test_what_is_switched_off_is_left_out() -> None:
    config = SimulationConfig(
        warmup_seconds=60,
        storm_seconds=60,
        request_rate=5,
        spans=False,
        metrics=False,
        alerts=False,
        changes=False,
    )
    recording = simulate("none", seed=1, config=config)
    assert recording.spans is None
    assert recording.metrics is None
    assert recording.alerts == recording.changes == ()


def test_head_sampling_keeps_whole_traces() -> None:
    config = SimulationConfig(
        warmup_seconds=60, storm_seconds=60, request_rate=10, span_sampling=0.2
    )
    batch = simulate("none", seed=1, config=config).spans
    assert batch is not None
    known = set(batch.span_id.tolist())
    whole = sum(parent in known for parent in batch.parent_id.tolist() if parent)
    parents = sum(1 for parent in batch.parent_id.tolist() if parent)
    # What is still in flight at the end has children without their parent.
    assert whole / parents > 0.98
    assert 0.1 < len(batch) / 20_000 < 0.6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"fault": "gremlins"}, "there is no fault 'gremlins'; choose one of none, "),
        ({"fault": "none", "topology": "moon"}, "there is no topology 'moon'"),
    ],
)
def test_what_does_not_exist_is_refused_with_a_sentence(
    arguments: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        simulate(**arguments, seed=1)  # type: ignore[arg-type]  # only strings are passed


def test_a_victim_that_the_fault_cannot_hit_is_refused() -> None:
    config = SimulationConfig(
        warmup_seconds=60, storm_seconds=60, request_rate=5, target="redis-cache"
    )
    with pytest.raises(ValueError, match="slow_query cannot hit 'redis-cache' here; it can hit"):
        simulate("slow_query", seed=1, config=config)


def test_no_label_or_attribute_holds_the_answer() -> None:
    secret = {word for spec in FAULTS.values() for word in (spec.name, spec.pattern)}
    secret |= {pattern for spec in FAULTS.values() for pattern in spec.patterns.values()}
    told = ("bad_flag", "clock_off", "image_pull_failure", "machine_memory_taken", "token_ended")
    for fault in ("pool_exhaustion", "bad_deploy", "cert_expiry", "queue_backlog", *told):
        recording = short_run(fault)
        text = _everything_said(recording).lower()
        for word in sorted(secret | {"fault", "inject", "victim"}):
            assert word not in text, word


def _everything_said(recording: Recording) -> str:
    assert recording.spans is not None
    assert recording.metrics is not None
    parts = [message.value.decode() for message in (*recording.alerts, *recording.changes)]
    parts += [
        str(pairs) for pairs in (*recording.spans.resources, *recording.spans.attribute_sets)
    ]
    parts += list(recording.spans.names)
    # Exporters' own names (probe_ssl_earliest_cert_expiry) are there in every run and say nothing.
    healthy = short_run("none").metrics
    assert healthy is not None
    usual = {series.name for series in healthy.table}
    parts += [str(series.labels) for series in recording.metrics.table]
    parts += [series.name for series in recording.metrics.table if series.name not in usual]
    return " ".join(parts)
