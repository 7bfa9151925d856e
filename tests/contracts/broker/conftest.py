"""What the contract tests stand on: the chosen cluster, started once, and its clients' view.

Which one it is: tests/clusters/chosen.py. The suite is the same for each.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import chosen
from tests.clusters.cluster import Cluster
from tests.contracts.broker.clients import Clients


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with chosen.new_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running.bootstrap


@pytest.fixture(scope="session")
def cluster(bootstrap: str) -> Clients:
    return Clients(bootstrap)


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A fresh cluster of the chosen kind for a test that kills it."""
    with chosen.new_cluster(tmp_path / "own") as running:
        yield running
