"""Which cluster a suite runs on, as the environment says.

`ROOTLINE_BOOTSTRAP` names any cluster that runs already. Otherwise `ROOTLINE_TEST_CLUSTER` is
`embedded` (the default), `apache` (one node) or `apache3` (three nodes), started by the tests.
"""

import os
from pathlib import Path

import pytest

from tests.clusters.apache import ApacheCluster
from tests.clusters.cluster import Cluster
from tests.clusters.embedded import EmbeddedCluster
from tests.clusters.external import ExternalCluster
from tests.clusters.jars import need_kafka

KINDS = ("embedded", "apache", "apache3")


def external() -> str | None:
    """The bootstrap servers of a cluster that somebody else runs, if one was named."""
    return os.environ.get("ROOTLINE_BOOTSTRAP") or None


def kind() -> str:
    """The kind of cluster that the tests start: `embedded`, `apache` or `apache3`."""
    chosen = os.environ.get("ROOTLINE_TEST_CLUSTER") or "embedded"
    if chosen not in KINDS:
        msg = f"ROOTLINE_TEST_CLUSTER is {chosen!r}; expected one of {', '.join(KINDS)}"
        raise pytest.UsageError(msg)
    return chosen


def is_embedded() -> bool:
    """Whether the tests run on the embedded broker, of which each can have its own."""
    return external() is None and kind() == "embedded"


def new_cluster(folder: Path) -> Cluster:
    """Make, but do not start, a cluster of the chosen kind; skip where that cannot be."""
    named = external()
    if named is not None:
        return ExternalCluster(named)
    chosen = kind()
    if chosen == "embedded":
        return EmbeddedCluster(folder)
    need_kafka()
    return ApacheCluster(folder, nodes=3 if chosen == "apache3" else 1)
