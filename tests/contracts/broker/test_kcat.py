import json
import shutil
import subprocess
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("kcat") is None, reason="kcat is not installed; it is a Debian package"
)


def kcat(cluster: Any, *arguments: str, stdin: str = "") -> str:
    command = ["kcat", "-b", cluster.bootstrap, *arguments]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=20, check=True
    ).stdout


def test_kcat_lists_the_topics(cluster: Any) -> None:
    topic = cluster.new_topic(partitions=3)
    listed = json.loads(kcat(cluster, "-L", "-J", "-t", topic))
    (row,) = listed["topics"]
    assert (row["topic"], len(row["partitions"])) == (topic, 3)


def test_kcat_reads_what_kcat_wrote(cluster: Any) -> None:
    topic = cluster.new_topic()
    kcat(cluster, "-P", "-t", topic, "-K", ":", "-H", "h=1", stdin="a:one\nb:two\n")
    read = kcat(cluster, "-C", "-t", topic, "-e", "-q", "-f", "%k=%s %h %o\n")
    assert read.splitlines() == ["a=one h=1 0", "b=two h=1 1"]


def test_kcat_reads_as_a_group_member(cluster: Any) -> None:
    topic, group = cluster.new_topic(), cluster.new_group()
    cluster.produce(topic, [b"one", b"two"])
    options = ("-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000")
    read = kcat(cluster, "-q", "-e", *options, "-G", group, topic)
    assert read.splitlines() == ["one", "two"]
