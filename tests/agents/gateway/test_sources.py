"""Who may post, into which environments, and how often."""

import asyncio
import json
import logging
from dataclasses import replace

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agents.gateway.config import GatewayConfig
from agents.gateway.gatekeeper import Visitor
from agents.gateway.rates import Rate, Rates
from agents.gateway.refusal import Refusal
from agents.gateway.source import SourceConfig
from agents.gateway.territory import check_territory
from agents.settings import Settings
from schemas.resolve import Resolver, ResolverConfig

OLD, NEW = "old-token-of-the-shop", "new-token-of-the-shop"
SHOP = SourceConfig(name="shop", tokens=(OLD, NEW), environments=("shop-eu", "shop-us"))
PLATFORM = SourceConfig(name="platform", tokens=("token-of-the-platform",))
BY_ENV = ResolverConfig(environment_labels=("env", "deployment.environment.name"))


def alerts(*environments: str) -> bytes:
    return json.dumps(
        [
            {
                "labels": {"alertname": "A", "n": str(n), "env": environment},
                "startsAt": "2026-09-01T10:00:00Z",
            }
            for n, environment in enumerate(environments)
        ]
    ).encode()


def change(environment: str) -> bytes:
    return json.dumps(
        {
            "kind": "deploy",
            "at": "2026-09-01T10:00:00Z",
            "service": "cart",
            "labels": {"env": environment},
        }
    ).encode()


def spans(environment: str) -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    attribute = resource.resource.attributes.add(key="deployment.environment.name")
    attribute.value.string_value = environment
    span = resource.scope_spans.add().spans.add(name="GET /", kind=2)
    span.trace_id, span.span_id = b"t" * 16, b"s" * 8
    span.start_time_unix_nano, span.end_time_unix_nano = 10**18, 10**18 + 10**6
    return request.SerializeToString()


def metrics(environment: str) -> bytes:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    attribute = resource.resource.attributes.add(key="deployment.environment.name")
    attribute.value.string_value = environment
    metric = resource.scope_metrics.add().metrics.add(name="up")
    metric.gauge.data_points.add(time_unix_nano=10**18, as_double=1.0)
    return request.SerializeToString()


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_each_source_is_known_by_any_of_its_tokens_and_marked_on_its_records(start_bench):
    async def scene():
        async with start_bench(sources=(SHOP, PLATFORM), resolver=BY_ENV) as bench:
            for token, environment in ((OLD, "shop-eu"), (NEW, "shop-us"), (OLD, "shop-us")):
                status, body, _ = await bench.post(
                    "/v1/alerts", alerts(environment), **bearer(token)
                )
                assert status == 200, body
            status, _, _ = await bench.post("/v1/alerts", alerts("x"), **bearer(*PLATFORM.tokens))
            assert status == 200
            status, _, _ = await bench.post("/v1/alerts", alerts("x"), **bearer(OLD[:-1]))
            assert status == 401
            status, _, _ = await bench.post("/v1/alerts", alerts("x"))
            assert status == 401
            sources = [
                dict(r.headers)["rootline-source"] for r in await bench.records("alerts", 4)
            ]
            assert sorted(sources) == [b"platform", b"shop", b"shop", b"shop"]
            _, page = await bench.get("/metrics")
            assert 'rootline_gateway_accepted_total{route="alerts",source="shop"} 3.0' in page

    asyncio.run(scene())


def test_a_token_of_its_own_beside_the_sources_is_the_source_default(start_bench):
    async def scene():
        async with start_bench(sources=(SHOP,), token="s3cret", resolver=BY_ENV) as bench:
            status, _, _ = await bench.post("/v1/alerts", alerts("any"), **bearer("s3cret"))
            assert status == 200
            (record,) = await bench.records("alerts", 1)
            assert dict(record.headers)["rootline-source"] == b"default"

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("path", "kind", "topic", "build"),
    [
        ("/v1/alerts", "application/json", "alerts", alerts),
        ("/api/v1/changes", "application/json", "changes", change),
        ("/v1/traces", "application/x-protobuf", "otlp_spans", spans),
        ("/v1/metrics", "application/x-protobuf", "otlp_metrics", metrics),
    ],
)
def test_what_a_source_sends_for_an_environment_of_others_gets_nowhere(
    start_bench, caplog, path, kind, topic, build
):
    async def scene():
        async with start_bench(sources=(SHOP,), resolver=BY_ENV) as bench:
            headers = bearer(OLD) | {"content-type": kind}
            status, body, _ = await bench.post(path, build("bank"), **headers)
            assert status == 403
            assert b"'shop-eu', 'shop-us' only" in body
            assert b"'bank'" in body
            status, body, _ = await bench.post(path, build("shop-eu"), **headers)
            assert status == 200, body
            assert [r.value for r in await bench.records(topic, 1)] == [build("shop-eu")]
            line = 'refusals_total{reason="forbidden_environment"'
            assert line in (await bench.get("/metrics"))[1]

    with caplog.at_level(logging.WARNING):
        asyncio.run(scene())
    (record,) = [r for r in caplog.records if r.name == "agents.gateway.territory"]
    assert (record.source, record.environments) == ("shop", ["'bank'"])


def test_one_foreign_alert_among_its_own_is_refused_with_the_whole_body(start_bench):
    async def scene():
        async with start_bench(sources=(SHOP,), resolver=BY_ENV) as bench:
            mixed = alerts("shop-eu", "bank", "shop-us")
            status, _, _ = await bench.post("/v1/alerts", mixed, **bearer(OLD))
            assert status == 403
            # Without the label it is of the default environment, which is not its own either.
            status, body, _ = await bench.post("/v1/alerts", alerts(""), **bearer(OLD))
            assert status == 403
            assert b"'default'" in body
            good = alerts("shop-us")
            await bench.post("/v1/alerts", good, **bearer(OLD))
            assert [r.value for r in await bench.records("alerts", 1)] == [good]

    asyncio.run(scene())


def test_a_hostile_environment_name_is_quoted_and_cut():
    visitor = Visitor(name="shop", environments=frozenset({"shop-eu"}))
    labels = (("env", "\x1b[2J\u202e" + "x" * 10_000),)
    with pytest.raises(Refusal) as caught:
        check_territory(visitor, [labels], Resolver(BY_ENV))
    sentence = str(caught.value)
    assert sentence.isascii()
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_a_body_that_nobody_can_read_is_not_passed_on_for_a_limited_source():
    limited = Visitor(name="shop", environments=frozenset({"shop-eu"}))
    with pytest.raises(Refusal, match="cannot be told"):
        check_territory(limited, None, Resolver(BY_ENV))
    check_territory(replace(limited, environments=frozenset()), None, Resolver(BY_ENV))


def test_who_posts_too_often_waits_and_others_do_not(start_bench):
    slow = replace(PLATFORM, requests_per_second=0.1, burst=2)

    async def scene():
        async with start_bench(kafka=False, sources=(slow, SHOP), resolver=BY_ENV) as bench:
            key = bearer(*PLATFORM.tokens)
            for _ in range(2):
                assert (await bench.post("/api/v1/changes", b"{", **key))[0] == 400
            status, body, headers = await bench.post("/api/v1/changes", b"{", **key)
            assert status == 429
            assert 1 <= int(headers["Retry-After"]) <= 10
            assert "0.1 requests a second come from platform" in json.loads(body)["error"]
            # Alertmanager's webhook repeats a 503 and drops what gets a 429.
            status, _, headers = await bench.post("/v1/alerts", b"[]", **key)
            assert status == 503
            assert 1 <= int(headers["Retry-After"]) <= 20
            otlp = {"content-type": "application/x-protobuf"} | key
            status, body, _ = await bench.post("/v1/traces", b"", **otlp)
            assert (status, body[:2]) == (429, b"\x08\x08")
            for _ in range(5):
                assert (await bench.post("/api/v1/changes", b"{", **bearer(OLD)))[0] == 400
            assert 'reason="rate_limited",route="changes"} 1.0' in (await bench.get("/metrics"))[1]

    asyncio.run(scene())


def test_without_keys_the_pace_is_kept_for_each_address(start_bench):
    async def scene():
        async with start_bench(kafka=False, requests_per_second=0.1, burst=1) as bench:
            assert (await bench.post("/v1/alerts", b"[]"))[0] == 200
            status, body, _ = await bench.post("/v1/alerts", b"[]")
            assert status == 503
            assert b"address 127.0.0.1" in body
            assert (await bench.get("/healthz"))[0] == 200

    asyncio.run(scene())


def test_guesses_do_not_use_up_the_pace_of_a_source(start_bench):
    slow = replace(PLATFORM, requests_per_second=0.1, burst=1)

    async def scene():
        async with start_bench(kafka=False, sources=(slow,)) as bench:
            for number in range(20):
                status, _, _ = await bench.post("/v1/alerts", b"[]", **bearer(f"guess-{number}"))
                assert status == 401
            assert (await bench.post("/v1/alerts", b"[]", **bearer(*slow.tokens)))[0] == 200

    asyncio.run(scene())


def test_buckets_fill_with_time_and_are_bounded():
    rate = Rate(per_second=10.0, burst=5)
    rates = Rates(limit=2)
    waits = [rates.wait_seconds("a", rate, 0.0) for _ in range(6)]
    assert waits == [0, 0, 0, 0, 0, 1]
    assert rates.wait_seconds("a", rate, 0.1) == 0
    assert rates.wait_seconds("a", rate, 0.1) == 1
    # The clock goes back: nothing is gained, nothing breaks.
    assert rates.wait_seconds("a", rate, -100.0) == 1
    for name in ("b", "c"):
        rates.wait_seconds(name, rate, 0.1)
    # "a" made room, so it begins anew.
    assert rates.wait_seconds("a", rate, 0.1) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "a b", "tokens": (OLD,)}, "'a b'"),
        ({"name": "a"}, "neither tokens nor signing_keys"),
        ({"name": "a", "tokens": ("s3cret",)}, "shorter than 16"),
        ({"name": "a", "tokens": ("with\nline-break-in-it",)}, "printable"),
        ({"name": "a", "tokens": (OLD,), "environments": (" ",)}, "empty environment"),
        ({"name": "a", "tokens": (OLD,), "burst": -1}, "below 0"),
    ],
)
def test_a_source_that_cannot_be_is_refused_without_naming_its_key(changes, said):
    with pytest.raises(ValueError, match=said) as caught:
        SourceConfig(**changes)
    assert all(token not in str(caught.value) for token in changes.get("tokens", ()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sources": (SHOP, SHOP)}, "two sources are called shop"),
        ({"sources": (SHOP, replace(PLATFORM, tokens=(OLD,)))}, "share a key"),
        ({"sources": (replace(SHOP, name="default"),), "token": "x"}, "use another name"),
        ({"sources": (SHOP,), "token": OLD}, "give each its own"),
        ({"requests_per_second": -1.0}, "requests_per_second is -1.0"),
    ],
)
def test_sources_that_nobody_could_tell_apart_are_refused(changes, said):
    with pytest.raises(ValueError, match=said) as caught:
        GatewayConfig(**changes)
    assert OLD not in str(caught.value)


def test_sources_open_the_gateway_to_other_machines_as_a_token_does():
    assert GatewayConfig(host="0.0.0.0", sources=(SHOP,)).sources == (SHOP,)


def test_environments_need_labels_that_tell_them():
    with pytest.raises(ValueError, match="environment_labels"):
        Settings(gateway=GatewayConfig(sources=(SHOP,)))
