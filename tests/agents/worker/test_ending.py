"""How a worker ends: told to, told twice, hanging, stuck, too large; what the next one finds."""

import asyncio
import json
import signal
import time
import urllib.error
import urllib.request

import pytest

pytestmark = pytest.mark.integration
STUCK, MEMORY = 70, 75


def an_alert(number, name="HighLatency", **labels):
    labels = {"alertname": name, "service": f"s{number}"} | labels
    return json.dumps({"labels": labels, "startsAt": "2025-11-24T08:00:00Z"}).encode()


async def send(stand, values):
    async with stand.producer() as producer:
        await asyncio.gather(*[await producer.send("alerts", value) for value in values])


async def opened(stand, total):
    """Return the incidents, each one's copies being equal and the engine having counted right."""
    records = await stand.read("incidents", lambda found: len({r.key for r in found}) >= total)
    values = {}
    for record in records:
        values.setdefault(record.key, set()).add(record.value)
    assert len(values) == total
    assert all(len(copies) == 1 for copies in values.values())
    numbers = sorted(json.loads(copy)["alert_count"] for (copy,) in values.values())
    assert numbers == list(range(1, total + 1))
    return records


async def answer(port, path):
    def ask():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(ask)


async def until(port, path, status, seconds=30):
    async with asyncio.timeout(seconds):
        while (found := await answer(port, path))[0] != status:
            await asyncio.sleep(0.1)
    return found[1]


def test_told_to_stop_in_a_storm_it_finishes_saves_and_leaves_nothing_to_repeat(on_stand):
    async def scenario(stand):
        worker, _port = await stand.simple_worker(shutdown_seconds=5.0)
        await send(stand, [an_alert(n, "Slow") for n in range(1_500)])
        await stand.read("incidents", lambda found: len(found) >= 64)
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 20) == 0
        assert time.monotonic() - began < 5.0, "it does not work off the whole backlog first"
        so_far = len(await stand.read("incidents"))
        assert so_far < 1_500, "the storm was over before the signal came"
        await stand.simple_worker()
        assert len(await opened(stand, 1_500)) == 1_500

    on_stand(scenario)


def test_a_second_signal_ends_it_at_once_and_it_says_what_is_left(on_stand, tmp_path):
    async def scenario(stand):
        log = tmp_path / "worker.log"
        worker, _port = await stand.simple_worker(log=log)
        await send(stand, [an_alert(1, "Hang"), an_alert(2)])
        await stand.read("signals", lambda found: len(found) >= 2)
        await asyncio.sleep(2)  # until the lag is looked at
        worker.terminate()
        await asyncio.sleep(0.3)
        assert worker.returncode is None
        worker.terminate()
        assert await asyncio.wait_for(worker.wait(), 5) == 1
        assert "the process ends at once: SIGTERM came a second time" in log.read_text()
        assert "correlate (running): " in log.read_text()

    on_stand(scenario)


def test_an_event_loop_that_hangs_ends_the_process_with_a_sentence(on_stand, tmp_path):
    async def scenario(stand):
        log = tmp_path / "worker.log"
        hanging = {"block": "correlate.handled", "watchdog": {"stall_seconds": 1.5}}
        worker, _port = await stand.simple_worker(log=log, **hanging)
        await send(stand, [an_alert(1)])
        assert await asyncio.wait_for(worker.wait(), 30) == STUCK
        text = log.read_text()
        assert "the process ends at once: the event loop has not answered for " in text
        assert "in <lambda>" in text, "the stacks of all threads show where it hangs"
        await stand.simple_worker()
        await opened(stand, 1)

    on_stand(scenario)


def test_a_consumer_that_is_stuck_ends_the_process_and_the_next_start_goes_on(on_stand, tmp_path):
    async def scenario(stand):
        log = tmp_path / "worker.log"
        impatient = {
            "stuck_seconds": 1.5,
            "shutdown_seconds": 0.5,
            "watchdog": {"stuck_seconds": 1.0},
        }
        worker, _port = await stand.simple_worker(log=log, **impatient)
        flag = str(tmp_path / "has-hung")
        await send(stand, [an_alert(n) for n in range(20)])
        await send(stand, [an_alert(20, "HangOnce", flag=flag), *map(an_alert, range(21, 40))])
        assert await asyncio.wait_for(worker.wait(), 30) == STUCK, log.read_text()
        assert "stopping: a consumer is stuck: correlate: " in log.read_text()
        await stand.simple_worker(**impatient)
        await opened(stand, 40)

    on_stand(scenario)


def test_too_much_memory_ends_it_in_an_orderly_way_and_the_next_start_goes_on(on_stand, tmp_path):
    async def scenario(stand):
        log = tmp_path / "worker.log"
        limited = {"watchdog": {"memory_bytes": 500 * 1024 * 1024}}
        worker, _port = await stand.simple_worker(log=log, **limited)
        await send(stand, [an_alert(n, "Leak") for n in range(64)])
        assert await asyncio.wait_for(worker.wait(), 30) == MEMORY
        assert "bytes of memory are in use, more than the 524288000 that " in log.read_text()
        await stand.simple_worker()
        await send(stand, [an_alert(64)])
        assert len(await opened(stand, 65)) == 65, "what was handled was saved"

    on_stand(scenario)


@pytest.mark.slow
def test_a_frozen_broker_makes_neither_an_idle_nor_a_busy_worker_stuck(on_stand):
    async def scenario(stand):
        broker = await stand.broker_process()
        group = {"session_timeout_ms": 6_000, "heartbeat_ms": 1_000}
        impatient = group | {"stuck_seconds": 6.0, "watchdog": {"stuck_seconds": 1.0}}
        worker, port = await stand.simple_worker(**impatient)
        await send(stand, [an_alert(n, "Slow") for n in range(1_000)])
        await stand.read("incidents", lambda found: len(found) >= 64)
        broker.send_signal(signal.SIGSTOP)
        await until(port, "/readyz", 503)
        frozen_until = time.monotonic() + 9
        while time.monotonic() < frozen_until:
            assert (await answer(port, "/healthz"))[0] == 200
            await asyncio.sleep(0.5)
        broker.send_signal(signal.SIGCONT)
        await opened(stand, 1_000)
        await until(port, "/readyz", 200)
        assert worker.returncode is None

    on_stand(scenario)
