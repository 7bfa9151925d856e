"""Where a webhook may lead, and whom it trusts: real sockets, real TLS, names that change."""

import asyncio
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from agents.errors import SettingsError
from agents.notifier.config import NotifierConfig, Receiver
from agents.notifier.connection import trust
from agents.notifier.networks import is_permitted
from agents.notifier.retry import Cause
from agents.notifier.webhook import Delivery, Letter, Outcome, Webhook
from agents.settings import load_settings
from tests.kafka_security.certificates import Authority

QUICK = {"retry_base_ms": 5, "retry_cap_ms": 10, "retry_deadline_ms": 300}
LETTER = Letter(
    body=orjson.dumps({"text": "hello"}), plainer=b"", idempotency_key="a:1", about="a"
)


class Names(AbstractResolver):
    """A name server whose answer is another one each time, as an attacker's is."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for address in answer.split(",")
        ]

    async def close(self) -> None:
        """Nothing is open."""


class Listener:
    """A receiver on an address of its own; counts what gets to it."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.requests = 0
        self.answer: Callable[[], web.Response] = lambda: web.Response(text="ok")
        self.port = 0
        self._tls = tls
        self._runner: web.AppRunner | None = None

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests += 1
        return self.answer()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()


async def deliver(
    url: str, names: AbstractResolver | None = None, **config: object
) -> tuple[Delivery[str], list[Cause]]:
    retried: list[Cause] = []
    section = NotifierConfig(**(QUICK | config))  # type: ignore[arg-type] # chosen by the test
    receiver = Receiver(name="chat", url=url)
    webhook = Webhook(receiver, section, random.Random(1), retried.append, names)

    async def confirm(_letter: Letter[str]) -> None:
        """Nothing to write down."""

    try:
        return await webhook.deliver(lambda: LETTER, confirm, asyncio.Event()), retried
    finally:
        await webhook.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(limited())


@pytest.mark.parametrize(
    "inside",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "100.64.0.1", "0.0.0.0"],
)
def test_a_name_that_leads_inside_is_never_connected_to(inside: str) -> None:
    async def test() -> None:
        listener = Listener()
        await listener.start()
        url = f"http://chat.example:{listener.port}/services/T0/secret"
        delivery, retried = await deliver(url, Names(inside))
        assert delivery.outcome is Outcome.EXPIRED
        assert "private address (notifier.private_networks" in delivery.reason
        assert set(retried) <= {Cause.CONNECTION}
        assert listener.requests == 0
        await listener.stop()

    run(test)


def test_a_name_that_changes_after_it_was_good_is_looked_at_again() -> None:
    async def test() -> None:
        good, inside = Listener(), Listener()
        await good.start("127.0.0.2")
        await inside.start("127.0.0.1", good.port)
        good.answer = lambda: web.Response(status=503)
        names = Names("127.0.0.2", "127.0.0.1")
        good_only = ("127.0.0.2/32",)
        url = f"http://chat.example:{good.port}/services/T0/secret"
        delivery, _ = await deliver(
            url, names, private_networks=good_only, retry_deadline_ms=1_500
        )
        assert delivery.outcome is Outcome.EXPIRED
        assert (good.requests, inside.requests) == (1, 0)
        assert names.asked > 1
        for listener in (good, inside):
            await listener.stop()

    run(test)


def test_of_several_addresses_only_the_permitted_are_tried() -> None:
    async def test() -> None:
        inside, good = Listener(), Listener()
        await inside.start("127.0.0.1")
        await good.start("127.0.0.2", inside.port)
        url = f"http://chat.example:{good.port}/"
        names = Names("127.0.0.1,127.0.0.2")
        delivery, _ = await deliver(url, names, private_networks=("127.0.0.2/32",))
        assert delivery.outcome is Outcome.DELIVERED
        assert (inside.requests, good.requests) == (0, 1)
        for listener in (inside, good):
            await listener.stop()

    run(test)


def test_the_systems_own_resolver_is_guarded_too() -> None:
    async def test() -> None:
        listener = Listener()
        await listener.start()
        for name in ("localhost", "2130706433", "0x7f.1"):
            delivery, _ = await deliver(f"http://{name}:{listener.port}/")
            assert delivery.outcome is Outcome.EXPIRED, name
        assert listener.requests == 0
        delivery, _ = await deliver(
            f"http://localhost:{listener.port}/", private_networks=("127.0.0.0/8", "::1/128")
        )
        assert delivery.outcome is Outcome.DELIVERED
        await listener.stop()

    run(test)


def test_the_environments_proxy_may_be_inside_and_looks_the_name_up_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        proxy = Listener()
        await proxy.start()
        monkeypatch.setenv("HTTP_PROXY", f"http://localhost:{proxy.port}")
        url = "http://chat.invalid/services/T0/secret"
        delivery, _ = await deliver(url, use_proxy_environment=True)
        assert delivery.outcome is Outcome.DELIVERED
        assert proxy.requests == 1
        # Without being told to, it goes to no proxy.
        delivery, _ = await deliver(url)
        assert delivery.outcome is Outcome.EXPIRED
        assert proxy.requests == 1
        await proxy.stop()

    run(test)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_an_inner_address_is_not_followed(status: int) -> None:
    async def test() -> None:
        inside, outside = Listener(), Listener()
        await inside.start()
        await outside.start()
        where = f"http://127.0.0.1:{inside.port}/latest/meta-data"
        outside.answer = lambda: web.Response(status=status, headers={"Location": where})
        delivery, _ = await deliver(f"http://127.0.0.1:{outside.port}/secret")
        assert delivery.outcome is Outcome.REFUSED
        assert "redirects are not followed" in delivery.reason
        assert (outside.requests, inside.requests) == (1, 0)
        for listener in (inside, outside):
            await listener.stop()

    run(test)


@pytest.mark.parametrize(
    "address",
    [
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "nonsense",
    ],
)
def test_no_spelling_of_an_inner_address_is_permitted(address: str) -> None:
    assert not is_permitted(address)


def tls_server(authority: Authority, folder: Path, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("chat", name).write(folder, "server"))
    return context


@pytest.mark.parametrize("case", ["trusted", "a stranger's", "another name"])
def test_a_receiver_is_told_only_if_its_certificate_is_good(case: str, tmp_path: Path) -> None:
    ours = Authority("ours")
    file = ours.write(tmp_path, "ca")
    issuer = Authority("others") if case == "a stranger's" else ours
    name = "other.example" if case == "another name" else "127.0.0.1"

    async def test() -> None:
        listener = Listener(tls_server(issuer, tmp_path, name))
        await listener.start()
        delivery, retried = await deliver(f"https://127.0.0.1:{listener.port}/x", ca_file=file)
        if case == "trusted":
            assert delivery.outcome is Outcome.DELIVERED
        else:
            assert delivery.outcome is Outcome.EXPIRED
            assert "ClientConnectorCertificateError" in delivery.reason
            assert set(retried) <= {Cause.CONNECTION}
            assert listener.requests == 0
        await listener.stop()

    run(test)


def test_without_a_ca_file_only_the_systems_authorities_count(tmp_path: Path) -> None:
    async def test() -> None:
        listener = Listener(tls_server(Authority("ours"), tmp_path))
        await listener.start()
        delivery, _ = await deliver(f"https://127.0.0.1:{listener.port}/x")
        assert delivery.outcome is Outcome.EXPIRED
        assert listener.requests == 0
        await listener.stop()

    run(test)


def test_a_ca_file_that_is_none_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    for text in (None, "no certificate"):
        if text is not None:
            file.write_text(text)
        with pytest.raises(SettingsError, match=r"notifier\.ca_file names"):
            trust(NotifierConfig(ca_file=file))


def test_hosts_that_are_not_allowed_are_refused_without_the_url() -> None:
    allowed = ("*.chat.example", "hooks.example")
    for host in ("hooks.example", "a.chat.example"):
        NotifierConfig(webhook_url=f"https://{host}/secret", allowed_hosts=allowed)
    for host in ("chat.example", "hooks.example.evil", "evil-hooks.example", "127.0.0.1"):
        with pytest.raises(ValueError, match="allowed_hosts") as caught:
            NotifierConfig(webhook_urls={"ops": f"https://{host}/s3cret"}, allowed_hosts=allowed)
        assert "s3cret" not in str(caught.value)
    # What stands before the @ is no host.
    with pytest.raises(ValueError, match=r"evil\.example"):
        NotifierConfig(webhook_url="https://hooks.example@evil.example/x", allowed_hosts=allowed)


def test_networks_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="private_networks"):
        NotifierConfig(private_networks=("10.0.0.1/8",))


def test_named_webhooks_are_read_from_files(tmp_path: Path) -> None:
    for name in ("ops", "data"):
        (tmp_path / name).write_text(f"https://hooks.example/{name}-s3cret-of-the-webhook\n")
    path = tmp_path / "rootline.toml"
    path.write_text(
        '[notifier.webhook_urls]\ndba = "https://hooks.example/dba"\n'
        '[notifier.webhook_urls_file]\nops = "ops"\ndata = "data"\n'
    )
    settings = load_settings(path, {})
    assert settings.notifier.webhook_urls["ops"] == (
        "https://hooks.example/ops-s3cret-of-the-webhook"
    )
    assert sorted(settings.notifier.webhook_urls) == ["data", "dba", "ops"]
    assert "/data-s3cret-of-the-webhook" in settings.secrets()
    assert "s3cret" not in str(settings.redacted())
    path.write_text(
        '[notifier.webhook_urls]\nops = "https://hooks.example/dba"\n'
        '[notifier.webhook_urls_file]\nops = "ops"\n'
    )
    with pytest.raises(SettingsError, match="both name ops"):
        load_settings(path, {})
    path.write_text('[notifier.webhook_urls_file]\nops = "absent"\n')
    with pytest.raises(SettingsError, match=r"webhook_urls_file\.ops names .*absent"):
        load_settings(path, {})
