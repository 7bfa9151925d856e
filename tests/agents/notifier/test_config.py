"""What the [notifier] section refuses, and that it keeps its secrets."""

from dataclasses import fields
from typing import Any

import pytest

from agents.notifier.config import NotifierConfig, receivers


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"webhook_url": "hooks.example.com/secret"}, "the webhook URL of chat is no URL"),
        ({"webhook_url": "file:///etc/secret"}, "the webhook URL of chat is no URL"),
        ({"webhook_urls": {"a|b": "https://h/x"}}, "webhook_urls names 'a\\|b'"),
        (
            {"webhook_url": "https://h/x", "webhook_urls": {"chat": "https://h/y"}},
            "which webhook_url is",
        ),
        ({"console_url": "rootline"}, "console_url is 'rootline'"),
        ({"retry_base_ms": 0}, "retry_base_ms is 0; expected a number above 0"),
        ({"top_changed_limit": -1}, "top_changed_limit is -1; expected 0 or more"),
        ({"top_changed_min_confidence": 1.5}, "expected 0 to 1"),
        ({"group": ""}, "group or notified_topic is empty"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_names_it(
    wrong: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        NotifierConfig(**wrong)
    assert "secret" not in str(refused.value)


def test_receivers_come_in_one_order_and_hide_their_urls() -> None:
    config = NotifierConfig(
        webhook_url="https://hooks.example.com/services/secret",
        webhook_urls={"ops": "https://ops.example.com/secret", "audit": "http://a.example/secret"},
    )
    assert [found.name for found in receivers(config)] == ["audit", "chat", "ops"]
    assert "secret" not in repr(config) + repr(receivers(config))
    assert receivers(NotifierConfig()) == ()


def test_every_key_is_documented() -> None:
    assert all(item.metadata.get("doc") for item in fields(NotifierConfig))
