"""The cluster that integration tests stand on, whichever was chosen (tests/clusters/chosen.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import chosen
from tests.clusters.cluster import Cluster
from tests.clusters.jars import why_not
from tests.clusters.wiped import Wiper


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Wiper]]:
    """One cluster for all tests of the run: Apache Kafka takes seconds to start."""
    with chosen.new_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running, Wiper(getattr(running, "internal", running.bootstrap))


@pytest.fixture
def clean_cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """A running cluster without topics and groups; the embedded broker is a new one each time."""
    if chosen.is_embedded():
        with chosen.new_cluster(tmp_path / "cluster") as own:
            yield own
        return
    running, wiper = request.getfixturevalue("shared_cluster")
    running.start()
    yield running
    for node in running.pids:
        running.resume(node)
    running.start()
    wiper.wipe()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which half of the integration suite this run left out."""
    if not chosen.is_embedded():
        return
    terminalreporter.section("left out")
    terminalreporter.write_line(
        "Broker contract and integration suites: run on the embedded broker, not on Apache Kafka; "
        "`make test-kafka` runs them there."
    )
    reason = why_not()
    if reason is not None:
        terminalreporter.write_line(
            f"Tests that start Apache Kafka themselves (TLS, SASL, three brokers): {reason}."
        )
