"""What the real OpenTelemetry SDK exports is what an incident's evidence rests on."""

import asyncio
import re
import time

import aiohttp
import orjson
import pytest

from examples.shop.traffic import DATABASE, Shop

from .processes import Processes, Reader

pytestmark = pytest.mark.integration

_SECOND_NS = 1_000_000_000
_HEALTHY_SECONDS = 840
_BROKEN_SECONDS = 90


def play_storm(endpoint: str, until_ns: int) -> None:
    """Export a quarter of an hour of traffic that ends now; in its last part the pool is full."""
    shop = Shop(endpoint)
    for second in range(-_HEALTHY_SECONDS - _BROKEN_SECONDS, 0):
        shop.broken = second >= -_BROKEN_SECONDS
        # The metrics as they were every 10 s.
        shop.play(until_ns + second * _SECOND_NS, requests=2, dated=second % 10 == 0)
        if second % 30 == 0:
            shop.flush()
    shop.close()


def alert(service: str, starts_ns: int) -> dict[str, object]:
    starts = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(starts_ns / _SECOND_NS))
    labels = {"alertname": "RequestsFail", "service": service, "severity": "critical"}
    return {"labels": labels, "annotations": {}, "startsAt": starts}


async def post_alerts(gateway: str, at_ns: int) -> None:
    alerts = [alert("checkout", at_ns), alert("payment", at_ns)]
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{gateway}/api/v2/alerts", json=alerts) as answer,
    ):
        assert answer.status == 200, await answer.text()


def told_of_timeouts(signal: dict) -> bool:
    """Whether a signal says that calls to the database time out."""
    return any(
        edge["callee"]["name"] == DATABASE and edge["timeouts"] for edge in signal.get("edges", ())
    )


def told_of_waiting(signal: dict) -> bool:
    """Whether a signal says that callers wait for the pool."""
    return any("pending_requests" in series["series_id"] for series in signal.get("series", ()))


def rests_on_spans_and_metrics(incident: dict) -> bool:
    """Whether a revision has the evidence of both: an early one may come before it."""
    found = {
        (candidate["component"] == DATABASE and evidence["kind"] == "edge_timeouts", kind)
        for candidate in incident["candidates"]
        for evidence in candidate["evidence"]
        for kind in {reference["kind"] for reference in evidence["references"]}
    }
    return (True, "trace") in found and (False, "series") in found


def test_spans_and_metrics_of_the_sdk_reach_the_graph_and_the_evidence(tmp_path, clean_cluster):
    async def scene():
        async with Processes(tmp_path) as processes:
            bootstrap = clean_cluster.bootstrap
            await processes.rootline(
                "worker",
                BOOTSTRAP=bootstrap,
                TELEMETRY__PORT=0,
                PIPELINE__FIRING__EARLY_SECONDS=2,
                PIPELINE__FIRING__EVALUATE_SECONDS=3,
                PIPELINE__FIRING__MIN_INTERVAL_SECONDS=1,
                PIPELINE__WATERMARK__IDLE_SECONDS=3,
                PIPELINE__WATERMARK__LATENESS_SECONDS=1,
            )
            gateway = await processes.rootline("gateway", "--port", "0", BOOTSTRAP=bootstrap)
            now_ns = time.time_ns() - 4 * _SECOND_NS
            await asyncio.to_thread(play_storm, gateway["url"], now_ns)
            # One partition holds the environment, so what is posted now comes after what is there.
            async with Reader(bootstrap, "signals") as signals:
                await signals.first(told_of_timeouts, timeout=60)
                await signals.first(told_of_waiting, timeout=60)
            await post_alerts(gateway["url"], now_ns - 30 * _SECOND_NS)
            async with Reader(bootstrap, "incidents") as incidents:
                record = await incidents.first(rests_on_spans_and_metrics, timeout=90)
            async with Reader(bootstrap, "dead-letter") as letters:
                with pytest.raises(AssertionError, match="nothing fits"):
                    await letters.first(lambda _: True, timeout=1)
        return orjson.loads(record.value)

    incident = asyncio.run(scene())
    assert incident["components"] == ["checkout", "payment"]
    assert incident["alerts"][1]["grouping_reason"] == "path checkout > payment"
    by_name = {each["component"]: each for each in incident["candidates"]}
    database = by_name[DATABASE]
    assert database["kind"] == "database"
    assert database["path"][-2:] == ["payment", DATABASE]
    # Spans: the edge, traces on it, and the statement with its literals taken out.
    told = {each["kind"]: each for each in database["evidence"]}
    timeouts = told["edge_timeouts"]
    assert {"kind": "edge", "id": f"payment->{DATABASE}"} in timeouts["references"]
    assert any(
        reference["kind"] == "trace" and re.fullmatch("[0-9a-f]{32}", reference["id"])
        for reference in timeouts["references"]
    )
    statement = told["slow_statement"]["details"]["statement"]
    assert statement == "UPDATE payments SET state = ? WHERE order_id = ?"
    # Metrics: the pool that callers wait for.
    series = [
        reference["id"]
        for candidate in incident["candidates"]
        for evidence in candidate["evidence"]
        for reference in evidence["references"]
        if reference["kind"] == "series"
    ]
    assert any(name.startswith("db.client.connection.pending_requests") for name in series)
    assert {trace["component"] for trace in incident["traces"]} & {DATABASE, "payment"}
