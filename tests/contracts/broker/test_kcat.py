import json
import shutil
import subprocess
from pathlib import Path
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


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_kcat_compresses_and_the_others_read(cluster: Any, compression: str) -> None:
    topic = cluster.new_topic()
    lines = [f"a line that repeats itself {number % 3}" for number in range(40)]
    kcat(cluster, "-P", "-t", topic, "-z", compression, stdin="\n".join(lines) + "\n")
    assert [message.value().decode() for message in cluster.read(topic, 40)] == lines
    assert kcat(cluster, "-C", "-t", topic, "-e", "-q").splitlines() == lines


def test_kcat_writes_and_reads_five_megabytes(cluster: Any, tmp_path: Path) -> None:
    topic = cluster.new_topic(max_message_bytes="8388608")
    file = tmp_path / "large"
    file.write_bytes(b"0123456789" * 500_000)
    kcat(cluster, "-P", "-t", topic, "-X", "message.max.bytes=8388608", str(file))
    sizes = kcat(cluster, "-C", "-t", topic, "-e", "-q", "-f", "%S %o\n")
    assert sizes.splitlines() == ["5000000 0"]


def test_kcat_finds_the_offset_of_a_time_and_reads_from_it(cluster: Any) -> None:
    topic = cluster.new_topic()
    for number in range(4):
        cluster.produce(topic, [b"%d" % number], timestamp=1_000_000 + 1000 * number)
    assert f"{topic} [0] offset 2" in kcat(cluster, "-Q", "-t", f"{topic}:0:1001500")
    read = kcat(cluster, "-C", "-t", topic, "-o", "s@1002000", "-e", "-q", "-f", "%s %T\n")
    assert read.splitlines() == ["2 1002000", "3 1003000"]


def test_kcat_produces_idempotently_and_stops_at_the_end(cluster: Any) -> None:
    topic = cluster.new_topic()
    lines = "".join(f"{number}\n" for number in range(100))
    kcat(cluster, "-P", "-t", topic, "-X", "enable.idempotence=true", stdin=lines)
    assert kcat(cluster, "-C", "-t", topic, "-e", "-q") == lines
    assert cluster.watermarks(topic) == (0, 100)
