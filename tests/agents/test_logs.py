import io
import json
import logging
import warnings

import pytest

from agents.logs import HumanFormatter, JsonFormatter, LoggingConfig, configure_logging


@pytest.fixture(autouse=True)
def _restored_logging():
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(config: LoggingConfig, secrets=()) -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    configure_logging(config, secrets=secrets, stream=stream)
    return logging.getLogger("agents.test"), stream


def test_json_line_has_the_fixed_fields_and_the_extras():
    log, stream = logged(LoggingConfig())
    log.info("incident opened", extra={"incident_id": "i-1", "alerts": 3, "level": "forged"})
    line = json.loads(stream.getvalue())
    assert (line["message"], line["level"], line["logger"]) == (
        "incident opened",
        "info",
        "agents.test",
    )
    assert (line["incident_id"], line["alerts"]) == ("i-1", 3)
    assert line["time"].endswith("Z")


def test_exception_is_a_field_of_the_line():
    log, stream = logged(LoggingConfig())
    try:
        raise KeyError("cart")  # noqa: EM101, TRY301 - the traceback is what is tested
    except KeyError:
        log.exception("lookup failed")
    assert len(stream.getvalue().splitlines()) == 1
    assert "KeyError: 'cart'" in json.loads(stream.getvalue())["exception"]


@pytest.mark.parametrize("formatter", [JsonFormatter(), HumanFormatter()])
@pytest.mark.parametrize("char", ["\n", "\r", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e"])
def test_control_characters_cannot_forge_a_line(formatter, char):
    record = logging.makeLogRecord({"msg": f"a{char}b", "name": "x", "levelname": "INFO"})
    record.service = f"c{char}d"
    text = formatter.format(record)
    assert char not in text
    assert len(text.splitlines()) == 1
    if isinstance(formatter, JsonFormatter):
        assert json.loads(text)["service"] == f"c{char}d"


def test_known_secrets_are_hidden_even_in_tracebacks():
    secret = "https://hooks.example/team-one/key"
    for form in ("json", "human"):
        log, stream = logged(LoggingConfig(form=form), secrets=[secret, "https://hooks.example"])
        try:
            raise OSError(f"cannot reach {secret}")  # noqa: EM102, TRY301 - as libraries do
        except OSError:
            log.exception("notification failed", extra={"target": secret})
        assert "hooks" not in stream.getvalue()
        assert "team-one" not in stream.getvalue()
        assert stream.getvalue().count("(hidden)") == 2


def test_values_that_json_does_not_know_are_written_by_their_repr():
    log, stream = logged(LoggingConfig())
    log.info("odd", extra={"what": object, "deep": {1: {2}}})
    assert json.loads(stream.getvalue())["what"] == "<class 'object'>"


def test_levels_are_set_for_single_loggers():
    log, stream = logged(LoggingConfig(level="warning", levels={"agents.test.loud": "debug"}))
    log.info("not written")
    logging.getLogger("agents.test.loud").debug("written")
    assert [json.loads(x)["message"] for x in stream.getvalue().splitlines()] == ["written"]
    logging.getLogger("agents.test.loud").setLevel(logging.NOTSET)


def test_warnings_become_log_lines():
    _, stream = logged(LoggingConfig())
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old call", stacklevel=1)
    assert "old call" in json.loads(stream.getvalue())["message"]
