"""The whole worker as a process, with a simple engine, on an embedded broker."""

import asyncio
import json
import signal
import urllib.request

import pytest

pytestmark = pytest.mark.integration


def an_alert(number, name="HighLatency"):
    labels = {"alertname": name, "service": f"s{number}"}
    return json.dumps({"labels": labels, "startsAt": "2025-11-24T08:00:00Z"}).encode()


async def send(stand, topic, values):
    async with stand.producer() as producer:
        acks = [await producer.send(topic, value) for value in values]
        await asyncio.gather(*acks)


def of_incidents(total):
    return lambda records: len({record.key for record in records}) >= total


def assert_each_opened_once(records, total):
    """Each alert has one incident, every copy of which is equal, and the engine counted right.

    All alerts are of one environment, so one engine numbered them 1, 2, 3, ...
    """
    values = {}
    for record in records:
        values.setdefault(record.key, set()).add(record.value)
    assert len(values) == total
    assert all(len(copies) == 1 for copies in values.values())
    numbers = sorted(json.loads(copy)["alert_count"] for (copy,) in values.values())
    assert numbers == list(range(1, total + 1))


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_alerts_become_incidents_and_an_orderly_stop_repeats_nothing(on_stand):
    async def scenario(stand):
        worker, port = await stand.simple_worker()
        await send(stand, "alerts", [an_alert(n) for n in range(50)])
        await stand.read("incidents", of_incidents(50))
        status, body = await asyncio.to_thread(get, port, "/readyz")
        assert (status, json.loads(body)["checks"]) == (200, ["correlate", "reduce"])
        assert await asyncio.to_thread(get, port, "/healthz") == (200, body)
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 20) == 0
        await stand.simple_worker()
        await send(stand, "alerts", [an_alert(n) for n in range(50, 60)])
        records = await stand.read("incidents", of_incidents(60))
        assert_each_opened_once(records, 60)
        assert len(records) == 60

    on_stand(scenario)


def test_workers_killed_and_joining_in_a_storm_open_each_incident_once(on_stand):
    async def scenario(stand):
        first, _port = await stand.simple_worker()
        await send(stand, "alerts", [an_alert(n) for n in range(200)])
        await stand.read("incidents", of_incidents(20))
        first.kill()
        await send(stand, "alerts", [an_alert(n) for n in range(200, 400)])
        second, _port = await stand.simple_worker()
        third, _port = await stand.simple_worker()
        await send(stand, "alerts", [an_alert(n) for n in range(400, 600)])
        second.kill()
        assert_each_opened_once(await stand.read("incidents", of_incidents(600)), 600)
        third.terminate()
        assert await asyncio.wait_for(third.wait(), 20) == 0

    on_stand(scenario)


def test_poison_in_every_topic_is_set_aside_and_stops_nothing(on_stand):
    async def scenario(stand):
        _worker, port = await stand.simple_worker()
        poison = [
            b"",
            b"\xff\xfe\x00",
            b"{",
            b"[[[[",
            b'{"alerts":7}',
            b"\x0a\xff\xff\xff\xff\x7f",
        ]
        topics = ("alerts", "changes", "metrics", "otlp_spans", "otlp_metrics", "signals")
        for topic in topics:
            await send(stand, topic, poison)
        await send(stand, "alerts", [an_alert(1)])
        assert_each_opened_once(await stand.read("incidents", of_incidents(1)), 1)
        letters = await stand.read("dead-letter", lambda found: len(found) >= 30)
        headers = [dict(letter.headers) for letter in letters]
        assert {found["rootline.error.topic"].decode() for found in headers} == set(topics)
        assert all(len(found["rootline.error.reason"]) > 20 for found in headers)
        assert {letter.value for letter in letters} <= set(poison)
        status, _body = await asyncio.to_thread(get, port, "/healthz")
        assert status == 200

    on_stand(scenario)


def test_a_bug_in_the_engine_is_tried_again_and_then_ends_the_process(on_stand):
    async def scenario(stand):
        worker, _port = await stand.simple_worker()
        await send(stand, "alerts", [an_alert(1)])
        await stand.read("incidents", of_incidents(1))
        await send(stand, "alerts", [an_alert(2, name="Bug")])
        assert await asyncio.wait_for(worker.wait(), 30) == 1
        again, _port = await stand.simple_worker(wait=False)
        assert await asyncio.wait_for(again.wait(), 30) == 1, "the record was not skipped"

    on_stand(scenario)


def test_a_frozen_broker_makes_a_worker_unready_but_not_dead(on_stand):
    async def scenario(stand):
        worker, port = await stand.simple_worker()
        await stand.stop_broker()

        async def until_unready():
            while (await asyncio.to_thread(get, port, "/readyz"))[0] == 200:
                await asyncio.sleep(0.1)

        await asyncio.wait_for(until_unready(), 20)
        assert (await asyncio.to_thread(get, port, "/healthz"))[0] == 200
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 20) == 0

    on_stand(scenario)


def test_an_engine_that_hangs_is_reported_as_stuck_and_does_not_hold_up_the_exit(on_stand):
    async def scenario(stand):
        worker, port = await stand.simple_worker(stuck_seconds=2.0, shutdown_seconds=0.5)
        await send(stand, "alerts", [an_alert(1, name="Hang")])

        async def until_stuck():
            while (found := await asyncio.to_thread(get, port, "/healthz"))[0] == 200:
                await asyncio.sleep(0.2)
            return json.loads(found[1])["reasons"]

        reasons = await asyncio.wait_for(until_stuck(), 20)
        assert list(reasons) == ["correlate"]
        assert "; correlate: running, 8 partitions, " in reasons["correlate"]
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 20) == 1

    on_stand(scenario)
