"""`rootline worker` as its user runs it: the real engine, configured by a file."""

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta

import pytest

from models.artefact import write_artefact
from models.rules import rule_parameters

pytestmark = pytest.mark.integration

CONFIG = """
[kafka]
bootstrap = "{bootstrap}"
[model]
path = "{model}"
[telemetry]
port = 0
[worker]
session_timeout_ms = 1500
heartbeat_ms = 200
snapshot_seconds = 0.3
idle_seconds = 0.1
[pipeline.firing]
early_seconds = 0.5
[pipeline.watermark]
lateness_seconds = 0.2
"""


@pytest.fixture
def a_configuration(tmp_path):
    def write(stand):
        model = tmp_path / "ranker.json"
        model.write_bytes(write_artefact(rule_parameters(), {"trained_on": "nothing"}))
        path = tmp_path / "rootline.toml"
        path.write_text(CONFIG.format(bootstrap=stand.bootstrap, model=model))
        return path

    return write


async def ready(process):
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    assert line, (await process.stderr.read()).decode()
    return line.decode()


def alerts(*services):
    now = datetime.now(UTC) - timedelta(seconds=1)
    return [
        json.dumps(
            {
                "labels": {"alertname": "Errors", "service": name, "severity": "critical"},
                "annotations": {"summary": "many errors"},
                "startsAt": now.isoformat(),
            }
        ).encode()
        for name in services
    ]


def spans():
    """One call of the service cart, as the OTel Collector's Kafka exporter writes it."""
    end_ns = int((datetime.now(UTC) - timedelta(seconds=2)).timestamp() * 1e9)
    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "GET /cart",
        "kind": 2,
        "startTimeUnixNano": str(end_ns - 5_000_000),
        "endTimeUnixNano": str(end_ns),
    }
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    return [json.dumps(body).encode()]


async def send(stand, topic, values):
    async with stand.producer() as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


def panes_of_cart(record):
    signal_ = json.loads(record.value)
    panes = signal_.get("services", ())
    return [pane["count"] for pane in panes if pane["component"]["name"] == "cart"] == [1]


def members(records):
    """Return the services of each incident, as its last revision has them."""
    last = {}
    for record in records:
        found = json.loads(record.value)
        if found["revision"] >= last.get(record.key, {"revision": 0})["revision"]:
            last[record.key] = found
    return {row["incident_id"]: {a["component"] for a in row["alerts"]} for row in last.values()}


def of_services(*services):
    def enough(records):
        return set().union(*members(records).values()) >= set(services)

    return enough


def test_an_alert_in_kafka_becomes_an_incident_in_kafka(on_stand, a_configuration):
    async def scenario(stand):
        worker = await stand.rootline("worker", "--config", a_configuration(stand), "--json")
        line = json.loads(await ready(worker))
        assert line["ready"] is True
        assert line["roles"] == ["reduce", "correlate", "notify", "verdicts"]
        assert line["health"].startswith("http://127.0.0.1:")
        await send(stand, "alerts", alerts("cart"))
        (record, *_) = await stand.read("incidents", of_services("cart"))
        incident = json.loads(record.value)
        headers = dict(record.headers)
        assert record.key.decode() == incident["incident_id"]
        assert headers["ce_type"] == b"io.rootline.incident.opened"
        assert headers["ce_id"].decode() == f"{incident['incident_id']}:{incident['revision']}"
        await send(stand, "otlp_spans", spans())
        found = await stand.read("signals", lambda found: any(map(panes_of_cart, found)))
        assert any(map(panes_of_cart, found))
        worker.send_signal(signal.SIGTERM)
        _out, err = await asyncio.wait_for(worker.communicate(), 20)
        assert worker.returncode == 0
        assert b"Traceback" not in err

    on_stand(scenario)


def test_killed_in_the_middle_the_next_worker_goes_on_with_the_same_incident(
    on_stand, a_configuration
):
    async def scenario(stand):
        path = a_configuration(stand)
        first = await stand.rootline("worker", "--config", path)
        assert (await ready(first)).startswith("ready: reduce, correlate, notify, verdicts on ")
        await send(stand, "alerts", alerts("cart"))
        await stand.read("incidents", of_services("cart"))
        first.kill()
        await first.communicate()
        # The same alert again, as Alertmanager repeats it, and a new one.
        await send(stand, "alerts", [*alerts("cart"), *alerts("search")])
        second = await stand.rootline("worker", "--config", path)
        await ready(second)
        records = await stand.read("incidents", of_services("cart", "search"))
        copies = {}
        for record in records:
            copies.setdefault(dict(record.headers)["ce_id"], set()).add(record.value)
        assert all(len(values) == 1 for values in copies.values())
        of_cart = [found for found in members(records).values() if "cart" in found]
        assert len(of_cart) == 1
        second.terminate()
        await asyncio.wait_for(second.communicate(), 20)
        assert second.returncode == 0

    on_stand(scenario)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--roles", "dance"], "expected one or more of reduce, correlate, notify"),
        (["--config", "no-such.toml"], "no-such.toml"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(on_stand, arguments, sentence):
    async def scenario(stand):
        process = await stand.rootline("worker", *arguments)
        _out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 2
        assert sentence in err.decode()
        assert "Traceback" not in err.decode()

    on_stand(scenario)
