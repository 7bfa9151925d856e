"""The load generator of the example runs: it exports, it can be scraped, broken and mended."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

ROOT = Path(__file__).parents[2]


@pytest.mark.integration
def test_the_shop_exports_and_can_be_broken_and_mended():
    async def scene() -> Counter[str]:
        posted: Counter[str] = Counter()

        async def sink(request: web.Request) -> web.Response:
            posted[request.path] += len(await request.read())
            return web.Response(content_type="application/x-protobuf")

        app = web.Application()
        app.router.add_post("/{path:.*}", sink)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
        shop = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "examples" / "shop" / "shop.py"), "--port", "0"),
            env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert shop.stdout is not None
            url = (await shop.stdout.readline()).decode().split()[-1]
            await broken_and_mended(url)
        finally:
            shop.terminate()
            await shop.communicate()
            await runner.cleanup()
        assert shop.returncode == 0
        return posted

    posted = asyncio.run(scene())
    assert posted["/v1/traces"] > 0
    assert posted["/v1/metrics"] > 0


async def broken_and_mended(url: str) -> None:
    async with aiohttp.ClientSession(url) as client, asyncio.timeout(20):
        full = 'mysql_global_status_threads_connected{instance="mysql-primary:9104"} 20\n'
        for path, wanted in (("/break", True), ("/mend", False)):
            async with client.post(path) as answer:
                assert answer.status == 200
            while True:
                async with client.get("/metrics") as answer:
                    if (full in await answer.text()) is wanted:
                        break
                await asyncio.sleep(0.1)
        async with client.get("/elsewhere") as answer:
            assert answer.status == 404
