"""A child process that does not outlive the test run, however that ends (kill -9 included)."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

# The guard reads from a pipe that only the test process holds open: when it ends, by whatever
# way, the read returns and the child is killed, also a stopped one.
_GUARD = 'read -r _; kill -KILL "$1" 2>/dev/null'


class WatchedProcess:
    """One started program, its log, and a guard that kills it when the test process is gone."""

    def __init__(
        self, argv: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        self.was_ended = False
        with log.open("ab") as stream:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, env=environ
            )
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", str(self._child.pid)], stdin=subprocess.PIPE
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.is_running:
            self._child.send_signal(number)

    def end(self, number: signal.Signals, seconds: float = 20.0) -> None:
        """Signal the process and wait until it is gone; after `seconds` it is killed."""
        self.was_ended = True
        self.send(number)
        self.send(signal.SIGCONT)
        try:
            self.wait(seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self.wait(None)

    def wait(self, seconds: float | None) -> int:
        """Wait until the process has ended and return its exit code."""
        code = self._child.wait(seconds)
        self._guard.kill()
        self._guard.wait()
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        return code

    def tail(self, lines: int = 30) -> str:
        """The end of its log, for a failure message."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])
