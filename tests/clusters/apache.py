"""Apache Kafka on loopback, started by the tests: one node, or three that replicate.

Every node is a broker and a controller (KRaft) in a JVM with a small heap. Whatever happens to the
test process, no JVM outlives it.
"""

import base64
import os
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.clusters.apache_properties import as_text, plan, properties
from tests.clusters.jars import kafka_jars, why_not
from tests.clusters.ready import wait_until_ready
from tests.clusters.security import Security
from tests.clusters.watched import WatchedProcess

_READY_SECONDS = 90.0
_JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = OUT
"""


class ApacheCluster:
    """A cluster of nodes 1, 2, ...; a context manager that stops everything at its end.

    Args:
        folder: where data, configuration and logs (`node-1/server.log`) go.
        nodes: 1, or 3 for topics with replication factor 3 and min.insync.replicas 2.
        security: the clients' listeners; plaintext unless told otherwise.
        overrides: server properties over all others.
    """

    kind = "apache"

    def __init__(
        self,
        folder: Path,
        nodes: int = 1,
        security: Security | None = None,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._security = security or Security()
        self._overrides = dict(overrides or {})
        self._nodes = {node.number: node for node in plan(folder, nodes, self._security)}
        self._running: dict[int, WatchedProcess] = {}
        self._formatted = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        del kind, where
        if error is not None:
            error.add_note(self.logs())
        self.stop()

    @property
    def nodes(self) -> tuple[int, ...]:
        return tuple(self._nodes)

    @property
    def replicas(self) -> int:
        """The replication factor of this cluster's topics."""
        return 3 if len(self._nodes) >= 3 else 1

    @property
    def bootstrap(self) -> str:
        """Where clients come in: the first of the security's listeners, on every node."""
        return self.address(next(iter(self._security.listeners)))

    @property
    def internal(self) -> str:
        """A plaintext way in, for what a test itself has to look up or set."""
        return self.address("INTERNAL")

    def address(self, listener: str) -> str:
        """The bootstrap servers of one listener by its name."""
        return ",".join(node.address(listener) for node in self._nodes.values())

    def node_address(self, node: int) -> str:
        """Where clients reach one node."""
        return self._nodes[node].address(next(iter(self._security.listeners)))

    @property
    def pids(self) -> dict[int, int]:
        """The process ids of the nodes that run."""
        return {node: each.pid for node, each in self._running.items() if each.is_running}

    def start(self) -> None:
        """Start what does not run, and wait until all nodes serve."""
        try:
            if not self._formatted:
                self._format()
            for node in self._nodes:
                if node not in self.pids:
                    self._launch(node)
            self.wait_ready()
        except BaseException as error:
            error.add_note(self.logs())
            self.stop()
            raise

    def stop(self) -> None:
        """Kill every node at once: nothing of it is used again, so nothing is written out."""
        for each in self._running.values():
            each.send(signal.SIGKILL)
        for each in self._running.values():
            each.end(signal.SIGKILL)
        self._running.clear()

    def kill(self, node: int = 1) -> None:
        """Kill a node with -9 and wait until it is gone."""
        self._running[node].end(signal.SIGKILL)

    def terminate(self, node: int = 1) -> None:
        """Shut a node down in order: it hands its leaderships over first."""
        self._running[node].end(signal.SIGTERM, seconds=60)

    def suspend(self, node: int = 1) -> None:
        """Stop a node's clock with SIGSTOP: connections stay, nobody answers."""
        self._running[node].send(signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        self._running[node].send(signal.SIGCONT)

    def restart(self, node: int = 1) -> None:
        """Start a node again on its data and ports, killing it first if it runs; wait for it."""
        if node in self.pids:
            self.kill(node)
        self._launch(node)
        self.wait_ready()

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Wait until all nodes that run answer, know each other, and are in sync."""
        running = {node: self._nodes[node].address("INTERNAL") for node in sorted(self.pids)}
        wait_until_ready(running, seconds, self._check_alive)

    def logs(self) -> str:
        """The ends of the nodes' logs."""
        parts = [
            f"--- end of {each.log}:\n{each.tail()}" for _, each in sorted(self._running.items())
        ]
        return "\n".join(parts)

    def _format(self) -> None:
        """Write configurations and format the data folders, all nodes at once."""
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if cluster_id.startswith("-"):  # the tool would take it for an option
            cluster_id = "A" + cluster_id[1:]
        tools = []
        for number, node in self._nodes.items():
            node.folder.mkdir(parents=True, exist_ok=True)
            values = properties(node, list(self._nodes.values()), self._security)
            self._configuration(number).write_text(as_text(values | self._overrides))
            (node.folder / "log4j2.properties").write_text(_LOG4J)
            argv = self._java(number, "kafka.tools.StorageTool", "format", "-t", cluster_id)
            argv += ["-c", str(self._configuration(number))]
            for scram in self._security.scram:
                argv += ["--add-scram", scram]
            tools.append(WatchedProcess(argv, node.folder / "format.log"))
        for tool in tools:
            code = tool.wait(_READY_SECONDS)
            if code != 0:
                msg = f"formatting ended with {code}:\n{tool.tail()}"
                raise RuntimeError(msg)
        self._formatted = True

    def _launch(self, node: int) -> None:
        argv = self._java(node, *self._security.jvm, "kafka.Kafka", str(self._configuration(node)))
        log = self._nodes[node].folder / "server.log"
        self._running[node] = WatchedProcess(argv, log)

    def _java(self, node: int, *arguments: str) -> list[str]:
        jars = kafka_jars()
        if jars is None:
            raise RuntimeError(why_not())
        folder = self._nodes[node].folder
        logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
        return ["java", *_JVM, logging, "-cp", f"{jars}{os.sep}*", *arguments]

    def _configuration(self, node: int) -> Path:
        return self._nodes[node].folder / "server.properties"

    def _check_alive(self) -> None:
        dead = sorted(set(self._running) - set(self.pids))
        for node in dead:
            if self._running[node].was_ended:
                continue
            msg = f"node {node} of Apache Kafka ended by itself:\n{self._running[node].tail()}"
            raise subprocess.SubprocessError(msg)
