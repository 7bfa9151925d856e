import asyncio
import gzip
import json
import zlib

import pytest

from agents.gateway.message import RECEIVED_HEADER

GROUP = json.dumps(
    {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}',
        "status": "firing",
        "receiver": "rootline",
        "groupLabels": {"alertname": "HighLatency"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://am:9093",
        "a_field_of_next_year": [1, 2],
        "alerts": [
            {
                "status": "firing",
                "labels": {"alertname": "HighLatency", "service": "checkout"},
                "annotations": {"summary": "p99 2.1s"},
                "startsAt": "2026-09-01T10:00:00.123Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prom/graph",
                "fingerprint": "9266ef3da838ad95",
            }
        ],
    },
    indent=1,
).encode()
POSTED = json.dumps(
    [{"labels": {"alertname": "A", "n": str(n)}, "startsAt": "2026-09-01T10:00:00Z"} for n in "12"]
).encode()
CHANGE = json.dumps(
    {"id": "deploy-7", "kind": "deploy", "at": "2026-09-01T10:00:00Z", "service": "cart"}
).encode()


@pytest.mark.parametrize("path", ["/api/v1/alertmanager", "/v1/alerts"])
def test_alertmanager_notification_is_on_the_topic_when_it_is_answered(start_bench, path):
    async def scene():
        async with start_bench() as bench:
            status, body, _ = await bench.post(path, GROUP)
            assert (status, json.loads(body)) == (200, {"accepted": 1})
            (record,) = await bench.records("alerts", 1)
            assert record.value == GROUP
            assert record.key == b'{}:{alertname="HighLatency"}'
            headers = dict(record.headers)
            assert headers["content-type"] == b"application/json"
            assert abs(int(headers[RECEIVED_HEADER]) - record.timestamp) < 10_000

    asyncio.run(scene())


def test_alerts_as_prometheus_posts_them_are_taken_at_alertmanagers_path(start_bench):
    async def scene():
        async with start_bench() as bench:
            status, body, _ = await bench.post("/api/v2/alerts", POSTED)
            assert (status, json.loads(body)) == (200, {"accepted": 2})
            (record,) = await bench.records("alerts", 1)
            assert record.value == POSTED
            assert len(record.key) == 16

    asyncio.run(scene())


def test_change_is_on_the_topic_with_its_cloudevents_headers(start_bench):
    async def scene():
        async with start_bench() as bench:
            status, _, _ = await bench.post("/api/v1/changes", CHANGE, ce_id="x%20y", ce_type="t")
            assert status == 200
            (record,) = await bench.records("changes", 1)
            assert record.value == CHANGE
            assert (dict(record.headers)["ce_id"], dict(record.headers)["ce_type"]) == (
                b"x y",
                b"t",
            )

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda data: gzip.compress(data[:50]) + gzip.compress(data[50:])),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("identity", bytes),
    ],
    ids=["gzip", "gzip-in-two-members", "deflate", "deflate-without-header", "identity"],
)
def test_compressed_body_is_produced_as_it_was_before_compression(start_bench, encoding, squeeze):
    async def scene():
        async with start_bench() as bench:
            status, body, _ = await bench.post(
                "/v1/alerts", squeeze(GROUP), content_encoding=encoding
            )
            assert status == 200, body
            (record,) = await bench.records("alerts", 1)
            assert record.value == GROUP

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (GROUP[:200], "JSON"),
        (b"\xff\xfe\x00", "JSON"),
        (b'{"a": 1}', "expected"),
        (b'[{"labels": 3, "startsAt": "2026-09-01T10:00:00Z"}]', "labels"),
    ],
    ids=["empty", "open", "cut", "binary", "stranger", "wrong-type"],
)
def test_malformed_alerts_are_kept_on_the_dead_letter_topic_and_answered_400(
    start_bench, body, said
):
    async def scene():
        async with start_bench() as bench:
            status, answer, _ = await bench.post("/v1/alerts", body)
            assert status == 400
            sentence = json.loads(answer)["error"]
            assert said in sentence
            (letter,) = await bench.records("dead-letter", 1)
            assert letter.value == body
            headers = {name: value.decode() for name, value in letter.headers}
            assert headers["rootline.error.topic"] == "alerts"
            assert headers["rootline.error.stage"] == "gateway"
            assert headers["rootline.error.reason"] == sentence
            assert headers["content-type"] == "application/json"

    asyncio.run(scene())


def test_malformed_change_is_refused_and_produced_nowhere(start_bench):
    async def scene():
        async with start_bench() as bench:
            status, answer, _ = await bench.post("/api/v1/changes", b'{"kind": 1}')
            assert status == 400
            assert "error" in json.loads(answer)
            await bench.post("/api/v1/changes", CHANGE)
            (record,) = await bench.records("changes", 1)
            assert record.value == CHANGE

    asyncio.run(scene())


def test_empty_list_of_alerts_is_fine_and_produces_nothing(start_bench):
    async def scene():
        async with start_bench() as bench:
            status, body, _ = await bench.post("/api/v2/alerts", b"[]")
            assert (status, json.loads(body)) == (200, {"accepted": 0})
            await bench.post("/api/v2/alerts", POSTED)
            assert [r.value for r in await bench.records("alerts", 1)] == [POSTED]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "said"),
    [
        ("POST", "/v1/alert", {}, 404, "/api/v1/alertmanager"),
        ("GET", "/v1/alerts", {}, 405, "/v1/alerts takes POST, not GET"),
        ("PUT", "/v1/traces", {"content-type": "application/json"}, 405, "takes POST"),
        ("POST", "/v1/alerts", {"content-type": "text/plain"}, 415, "application/json"),
        (
            "POST",
            "/v1/alerts",
            {"content-type": "application/x-www-form-urlencoded"},
            415,
            "application/json",
        ),
        ("POST", "/v1/traces", {"content-type": "text/plain"}, 415, "application/x-protobuf"),
        (
            "POST",
            "/v1/alerts",
            {"content-type": "application/json", "content-encoding": "br"},
            415,
            "gzip, deflate, identity",
        ),
        (
            "POST",
            "/v1/alerts",
            {"content-type": "application/json", "content-encoding": "gzip"},
            400,
            "not valid gzip",
        ),
    ],
)
def test_wrong_requests_are_told_what_is_expected(
    start_bench, method, path, headers, status, said
):
    async def scene():
        async with (
            start_bench(kafka=False) as bench,
            bench.client.request(method, path, data=GROUP, headers=headers) as answer,
        ):
            assert answer.status == status
            assert said in (await answer.read()).decode("utf-8", "replace")
            if status == 405:
                assert answer.headers["Allow"] == "POST"

    asyncio.run(scene())


def test_token_is_asked_for_where_one_is_configured(start_bench):
    async def scene():
        async with start_bench(token="s3cret") as bench:
            for shown in ("", "Bearer", "Bearer wrong", "Basic s3cret", "Bearer s3cret2"):
                status, body, headers = await bench.post("/v1/alerts", GROUP, authorization=shown)
                assert status == 401, shown
                assert headers["WWW-Authenticate"] == "Bearer"
                assert "s3cret" not in json.loads(body)["error"]
            status, _, _ = await bench.post("/v1/alerts", GROUP, authorization="bearer s3cret")
            assert status == 200
            assert (await bench.get("/healthz"))[0] == 200

    asyncio.run(scene())


def test_own_metrics_count_requests_and_refusals(start_bench):
    async def scene():
        async with start_bench() as bench:
            await bench.post("/v1/alerts", GROUP)
            await bench.post("/v1/alerts", b"{")
            await bench.post("/nowhere", b"")
            _, text = await bench.get("/metrics")
            for line in (
                'rootline_gateway_requests_total{route="alerts",status="200"} 1.0',
                'rootline_gateway_requests_total{route="alerts",status="400"} 1.0',
                'rootline_gateway_requests_total{route="other",status="404"} 1.0',
                'rootline_gateway_refusals_total{reason="malformed",route="alerts"} 1.0',
                'rootline_messages_dead_lettered_total{reason="undecodable",topic="alerts"} 1.0',
                'rootline_messages_produced_total{topic="alerts"} 1.0',
                "rootline_gateway_inflight_bytes 0.0",
                "rootline_gateway_inflight_requests 0.0",
                "rootline_kafka_connected 1.0",
            ):
                assert line in text

    asyncio.run(scene())
