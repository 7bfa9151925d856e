"""A cluster that somebody else runs, named by ROOTLINE_BOOTSTRAP: used, never killed."""

from types import TracebackType
from typing import NoReturn, Self

import pytest


class ExternalCluster:
    """Looks like the others, but skips every test that would take a node down."""

    kind = "external"
    nodes = (1,)
    replicas = -1

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        del kind, error, where

    @property
    def pids(self) -> dict[int, int]:
        return {}

    def start(self) -> None:
        """It runs already."""

    def stop(self) -> None:
        """It is not ours to stop."""

    def wait_ready(self, seconds: float = 0.0) -> None:
        """It is taken to be ready."""
        del seconds

    def logs(self) -> str:
        return f"the logs of {self.bootstrap} are where it runs"

    def kill(self, node: int = 1) -> NoReturn:
        _leave_out(node)

    def terminate(self, node: int = 1) -> NoReturn:
        _leave_out(node)

    def suspend(self, node: int = 1) -> NoReturn:
        _leave_out(node)

    def resume(self, node: int = 1) -> NoReturn:
        _leave_out(node)

    def restart(self, node: int = 1) -> NoReturn:
        _leave_out(node)


def _leave_out(node: int) -> NoReturn:
    pytest.skip(f"left out: node {node} of a cluster given by ROOTLINE_BOOTSTRAP is not ours")
