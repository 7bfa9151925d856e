"""The clusters that runs play on, with the few things that a fault does to them.

The embedded broker is one process of the nursery; Apache Kafka is one JVM or three. Both keep
their ports over a restart, and both can be reached through a cut (a proxy) instead.
"""

import asyncio
import signal
from pathlib import Path
from typing import Protocol

from tests.clusters.apache import ApacheCluster
from tests.clusters.ports import free_ports
from tests.faults.processes import Nursery, Process


class Brokers(Protocol):
    """What the faults need of a cluster; nodes are numbered from 1."""

    nodes: tuple[int, ...]
    bootstrap: str

    @property
    def pid(self) -> int: ...
    async def start(self) -> None: ...
    async def kill(self, node: int = 1) -> None: ...
    async def restart(self, node: int = 1) -> None: ...
    async def terminate(self, node: int = 1) -> None: ...
    async def suspend(self, node: int = 1) -> None: ...
    async def resume(self, node: int = 1) -> None: ...
    async def stop(self) -> None: ...


class EmbeddedBrokers:
    """The embedded broker in a process of its own."""

    nodes = (1,)

    def __init__(self, nursery: Nursery, folder: Path, host: str = "127.0.0.1") -> None:
        self._nursery = nursery
        self._folder = folder
        (self._port,) = free_ports(1)
        self._host = host
        self.bootstrap = f"{host}:{self._port}"
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        order = {
            "role": "broker",
            "host": self._host,
            "port": self._port,
            "folder": str(self._folder / "data"),
        }
        log = self._folder / "broker.log"
        self._process = await self._nursery.start("broker", order, log)
        await self._process.ready()

    async def kill(self, node: int = 1) -> None:
        assert self._process is not None
        assert node == 1
        await self._process.kill()

    async def restart(self, node: int = 1) -> None:
        assert node == 1
        await self.start()

    async def suspend(self, node: int = 1) -> None:
        assert self._process is not None
        assert node == 1
        self._process.send(signal.SIGSTOP)

    async def resume(self, node: int = 1) -> None:
        assert self._process is not None
        assert node == 1
        self._process.send(signal.SIGCONT)

    async def terminate(self, node: int = 1) -> None:
        assert self._process is not None
        assert node == 1
        self._process.send(signal.SIGTERM)
        await self._process.ended()

    async def stop(self) -> None:
        if self._process is not None and self._process.is_running:
            await self._process.kill()


class ApacheBrokers:
    """Apache Kafka; its calls wait in a thread."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self._cluster = ApacheCluster(folder, nodes)
        self.nodes = self._cluster.nodes
        self.bootstrap = self._cluster.bootstrap

    @property
    def pid(self) -> int:
        return self._cluster.pids[self.nodes[0]]

    async def start(self) -> None:
        await asyncio.to_thread(self._cluster.start)

    async def kill(self, node: int = 1) -> None:
        await asyncio.to_thread(self._cluster.kill, node)

    async def restart(self, node: int = 1) -> None:
        await asyncio.to_thread(self._cluster.restart, node)

    async def suspend(self, node: int = 1) -> None:
        self._cluster.suspend(node)

    async def resume(self, node: int = 1) -> None:
        self._cluster.resume(node)

    async def terminate(self, node: int = 1) -> None:
        await asyncio.to_thread(self._cluster.terminate, node)

    async def stop(self) -> None:
        await asyncio.to_thread(self._cluster.stop)
