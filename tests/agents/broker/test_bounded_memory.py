"""Memory does not grow with the records: a million of them through a real process."""

from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.agents.broker.process_memory import peak_mib, resident_mib
from tests.clusters.embedded import EmbeddedCluster
from tests.contracts.broker.clients import Clients, take

_RECORDS = 1_000_000
_VALUE = b"v" * 500
_MOST_GROWTH_MIB = 40


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(600)
def test_a_million_records_in_and_out_and_a_restart_over_them_stay_within_bounds(
    tmp_path: Path,
) -> None:
    with EmbeddedCluster(tmp_path) as broker:
        clients = Clients(broker.bootstrap)
        topic = clients.new_topic()
        before = resident_mib(broker.pids[1])
        fill(broker.bootstrap, topic)
        assert clients.watermarks(topic) == (0, _RECORDS)
        assert peak_mib(broker.pids[1]) - before < _MOST_GROWTH_MIB
        drain(clients, topic)
        assert peak_mib(broker.pids[1]) - before < _MOST_GROWTH_MIB
        broker.restart()
        assert peak_mib(broker.pids[1]) - before < _MOST_GROWTH_MIB
        assert Clients(broker.bootstrap).watermarks(topic) == (0, _RECORDS)


def fill(bootstrap: str, topic: str) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "acks": "all"})
    for number in range(_RECORDS):
        while True:
            try:
                producer.produce(topic, _VALUE, key=b"%d" % number)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(120) == 0


def drain(clients: Clients, topic: str) -> None:
    consumer = clients.consumer(clients.new_group())
    consumer.subscribe([topic])
    for _ in range(_RECORDS // 10_000):
        take(consumer, 10_000)
    consumer.close()
