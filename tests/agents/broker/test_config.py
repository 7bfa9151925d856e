from dataclasses import fields
from typing import Any

import pytest

from agents.broker.config import BrokerConfig
from agents.broker.errors import BrokerError
from agents.broker.topic_config import as_text, broker_defaults, effective


def test_every_field_is_documented_in_one_sentence() -> None:
    for field in fields(BrokerConfig):
        assert field.metadata["doc"].endswith("."), field.name


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": "0.0.0.0"}, "no authentication"),
        ({"host": "example.com"}, "no authentication"),
        ({"port": 70_000}, "port is 70000"),
        ({"segment_bytes": 0}, "segment_bytes is 0"),
        ({"max_message_bytes": 1 << 30}, "exceeds max_request_bytes"),
        ({"max_inflight_bytes": 10}, "below max_request_bytes"),
    ],
    ids=["all addresses", "a name", "port", "zero", "message", "in flight"],
)
def test_an_impossible_setting_is_refused_with_a_sentence(
    changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        BrokerConfig(**changes)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_need_no_permission(host: str) -> None:
    assert BrokerConfig(host=host).host == host


def test_other_addresses_are_possible_when_told_so() -> None:
    assert BrokerConfig(host="0.0.0.0", allow_remote=True).host == "0.0.0.0"


def test_a_topics_own_settings_lie_over_the_defaults() -> None:
    defaults = broker_defaults(BrokerConfig(retention_ms=1))
    config = effective(
        defaults,
        {"cleanup.policy": "compact, delete", "segment.ms": "7", "compression.type": "zstd"},
    )
    assert (config.retention_ms, config.segment_ms) == (1, 7)
    assert config.is_compacted
    assert config.is_deleted_by_age
    assert as_text(config)["cleanup.policy"] == "compact,delete"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cleanup.policy", "delete,burn"),
        ("cleanup.policy", ""),
        ("retention.ms", "-2"),
        ("retention.ms", "1e3"),
        ("segment.bytes", "0"),
        ("segment.bytes", str(2**63)),
        ("min.cleanable.dirty.ratio", "1.5"),
        ("min.cleanable.dirty.ratio", "half"),
        ("no.such.key", "1"),
    ],
)
def test_a_topic_setting_that_cannot_be_is_refused(key: str, value: str) -> None:
    with pytest.raises(BrokerError, match=key):
        effective(broker_defaults(BrokerConfig()), {key: value})
