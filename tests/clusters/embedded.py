"""The embedded broker as a process of its own, with the verbs of the Apache Kafka cluster."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.clusters.ports import free_ports
from tests.clusters.ready import wait_until_ready
from tests.clusters.watched import WatchedProcess

_ROOT = Path(__file__).parents[2]
_READY_SECONDS = 30.0


class EmbeddedCluster:
    """`rootline broker` on a free port; a context manager that stops it at its end.

    Args:
        folder: where data and the log (`broker.log`) go.
        settings: keys of the [broker] section over the tests' defaults.
    """

    kind = "embedded"
    nodes = (1,)
    replicas = 1

    def __init__(self, folder: Path, **settings: object) -> None:
        self._folder = folder
        (self._port,) = free_ports(1)
        # As for the Apache cluster: housekeeping and groups quick enough for a test to see them.
        self._settings: dict[str, object] = {
            "housekeeping_interval_ms": 200,
            "min_session_timeout_ms": 1_000,
            **settings,
        }
        self._running: WatchedProcess | None = None

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
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def internal(self) -> str:
        """A plaintext way in; here the only one."""
        return self.bootstrap

    @property
    def data(self) -> Path:
        """The broker's data folder."""
        return self._folder / "data"

    @property
    def log(self) -> Path:
        """What the broker has written to its log, over all its restarts."""
        return self._folder / "broker.log"

    @property
    def pids(self) -> dict[int, int]:
        if self._running is None or not self._running.is_running:
            return {}
        return {1: self._running.pid}

    def start(self) -> None:
        """Start the broker where it does not run, and wait until it serves."""
        if self.pids:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        environ = {k: v for k, v in os.environ.items() if not k.startswith("ROOTLINE_")}
        environ |= {f"ROOTLINE_BROKER__{k.upper()}": str(v) for k, v in self._settings.items()}
        environ["PYTHONPATH"] = str(_ROOT)
        argv = [sys.executable, "-m", "agents", "broker", "--port", str(self._port)]
        argv += ["--data-dir", str(self.data)]
        self._running = WatchedProcess(argv, self.log, environ)
        try:
            self.wait_ready()
        except BaseException as error:
            error.add_note(self.logs())
            self.stop()
            raise

    def stop(self) -> None:
        """End the broker as its user does, so that a test sees when it cannot."""
        if self._running is not None:
            self._running.end(signal.SIGTERM)

    def kill(self, node: int = 1) -> None:
        self._node(node).end(signal.SIGKILL)

    def terminate(self, node: int = 1) -> None:
        self._node(node).end(signal.SIGTERM)

    def suspend(self, node: int = 1) -> None:
        self._node(node).send(signal.SIGSTOP)

    def resume(self, node: int = 1) -> None:
        self._node(node).send(signal.SIGCONT)

    def restart(self, node: int = 1) -> None:
        """Start the broker again on its data and port, killing it first if it runs."""
        if self.pids:
            self.kill(node)
        self.start()

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        wait_until_ready({1: self.bootstrap}, seconds, self._check_alive)

    def logs(self) -> str:
        if self._running is None:
            return "the embedded broker was not started"
        return f"--- end of {self._running.log}:\n{self._running.tail()}"

    def _node(self, node: int) -> WatchedProcess:
        assert node == 1, f"the embedded broker has no node {node}"
        assert self._running is not None, "the embedded broker was started"
        return self._running

    def _check_alive(self) -> None:
        if not self.pids:
            msg = f"the embedded broker ended by itself:\n{self.logs()}"
            raise subprocess.SubprocessError(msg)
