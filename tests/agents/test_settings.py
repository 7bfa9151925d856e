from pathlib import Path

import pytest

from agents.errors import SettingsError
from agents.settings import Settings, load_settings
from agents.settings_docs import config_page, undocumented

ROOT = Path(__file__).parents[2]


def written(folder: Path, text: str) -> Path:
    path = folder / "rootline.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path: Path | None, environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_without_file_and_environment_the_defaults_are_in_force(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {"PATH": "/bin"}) == Settings()


def test_file_sets_keys_of_every_kind(tmp_path):
    path = written(
        tmp_path,
        """
        [kafka]
        bootstrap = "kafka-1:9092,kafka-2:9092"
        compression = "zstd"
        [pipeline.grouping]
        gap_seconds = 60
        [graph]
        files = ["edges.csv", "/etc/graph.yaml"]
        [logging.levels]
        "agents.gateway" = "debug"
        [model]
        path = "ranker.json"
        """,
    )
    settings = load_settings(path, {})
    assert settings.kafka.bootstrap == "kafka-1:9092,kafka-2:9092"
    assert settings.kafka.compression == "zstd"
    assert settings.pipeline.grouping.gap_seconds == 60.0
    assert settings.graph.files == (tmp_path / "edges.csv", Path("/etc/graph.yaml"))
    assert settings.logging.levels == {"agents.gateway": "debug"}
    assert settings.model.path == tmp_path / "ranker.json"
    assert settings.broker == Settings().broker


def test_environment_wins_over_the_file(tmp_path):
    path = written(tmp_path, '[kafka]\nbootstrap = "file:1"\nclient_id = "mine"')
    settings = load_settings(
        path,
        {
            "ROOTLINE_KAFKA__BOOTSTRAP": "environment:1",
            "ROOTLINE_PIPELINE__GROUPING__GAP_SECONDS": "12.5",
            "ROOTLINE_BROKER__FSYNC": "yes",
            "ROOTLINE_BROKER__PORT": "0",
            "ROOTLINE_GRAPH__FILES": "a.csv, b.csv",
            "ROOTLINE_LOGGING__LEVELS": '{"x": "error"}',
            "ROOTLINE_LOGGING__FORM": "json",
        },
    )
    assert settings.kafka.bootstrap == "environment:1"
    assert settings.kafka.client_id == "mine"
    assert settings.pipeline.grouping.gap_seconds == 12.5
    assert settings.broker.fsync
    assert settings.broker.port == 0
    assert settings.graph.files == (Path("a.csv"), Path("b.csv"))
    assert settings.logging.levels == {"x": "error"}
    assert settings.logging.form == "json"


def test_short_form_of_the_bootstrap_yields_to_the_long_one():
    short = {"ROOTLINE_BOOTSTRAP": "short:1"}
    assert load_settings(None, short).kafka.bootstrap == "short:1"
    both = short | {"ROOTLINE_KAFKA__BOOTSTRAP": "long:1"}
    assert load_settings(None, both).kafka.bootstrap == "long:1"


def test_file_is_found_by_variable_then_in_the_working_folder(tmp_path, monkeypatch):
    written(tmp_path, '[kafka]\nclient_id = "here"')
    other = tmp_path / "other.toml"
    other.write_text('[kafka]\nclient_id = "named"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}).kafka.client_id == "here"
    assert load_settings(None, {"ROOTLINE_CONFIG": str(other)}).kafka.client_id == "named"


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("[kafka]\nbootstrp = 'x'", {}, ["[kafka]", "'bootstrp'", "did you mean 'bootstrap'?"]),
        ("[kafak]\na = 1", {}, ["the configuration", "'kafak'", "'kafka'"]),
        ("[pipeline.grouping]\ngap_second = 1", {}, ["[pipeline.grouping]", "'gap_seconds'"]),
        ("kafka = 3", {}, ["kafka is 3", "expected a table"]),
        ("[kafka]\nlinger_ms = 'soon'", {}, ["kafka.linger_ms", "'soon'", "a whole number"]),
        ("[kafka]\nlinger_ms = true", {}, ["kafka.linger_ms", "True", "a whole number"]),
        ("[kafka]\nbootstrap = 9092", {}, ["kafka.bootstrap is 9092", "a text"]),
        ("[kafka]\nbootstrap = 'nowhere'", {}, ["[kafka] bootstrap", "expected host:port"]),
        ("[kafka]\ncompression = 'zip'", {}, ["kafka.compression", "gzip, snappy, lz4, zstd"]),
        ("[broker]\nfsync = 1", {}, ["broker.fsync is 1", "true or false"]),
        ("[graph]\nfiles = 'a'", {}, ["graph.files", "a list"]),
        ("[graph]\nfiles = [1]", {}, ["graph.files[0] is 1", "a path"]),
        ("[logging.levels]\nx = 'loud'", {}, ["logging.levels.x", "'loud'", "debug, info"]),
        ("[pipeline.grouping]\ngap_seconds = nan", {}, ["gap_seconds", "finite"]),
        ("[pipeline.grouping]\ngap_seconds = -1", {}, ["grouping.gap_seconds is -1.0"]),
        ("[gateway]\nport = 70000", {}, ["[gateway] port is 70000", "65535"]),
        ("[gateway]\nhost = '0.0.0.0'", {}, ["'0.0.0.0'", "token", "allow_anonymous"]),
        ("[gateway]\nmax_body_bytes = 9000000", {}, ["limits.message_bytes"]),
        ("[kafka]\nmax_message_bytes = 2048", {}, ["kafka.max_message_bytes (2048)"]),
        ("[reduce]\npane_seconds = 10", {}, ["reduce.pane_seconds is 10", "same number"]),
        ("[topics]\nmax_message_bytes = 1000", {}, ["topics.max_message_bytes (1000)"]),
        ("[gateway]\nport = 9464", {}, ["telemetry.port and gateway.port are both 9464"]),
        ("[model]\nsha256 = 'abc'", {}, ["[model] sha256", "64"]),
        ("this is not toml", {}, ["not valid TOML", "line 1"]),
        ("", {"ROOTLINE_KAFKA__LINGER": "2"}, ["ROOTLINE_KAFKA__LINGER", "'linger_ms'"]),
        ("", {"ROOTLINE_KAFKA__LINGER_MS": "x"}, ["ROOTLINE_KAFKA__LINGER_MS", "'x'"]),
        ("", {"ROOTLINE_BROKER__FSYNC": "maybe"}, ["true or false", "'maybe'"]),
        ("", {"ROOTLINE_GRAPH__FILES": "[1"}, ["graph.files", "as JSON"]),
        ("", {"ROOTLINE_KAFKA__": "x"}, ["ROOTLINE_KAFKA__ names no key"]),
        ("", {"ROOTLINE_KAFKA_BOOTSTRAP": "x:1"}, ["did you mean ROOTLINE_KAFKA__BOOTSTRAP?"]),
        ("", {"ROOTLINE_BOOTSTRAPS": "x:1"}, ["did you mean ROOTLINE_BOOTSTRAP?"]),
    ],
)
def test_each_mistake_is_refused_with_a_sentence(tmp_path, text, environ, said):
    sentence = refusal(written(tmp_path, text), environ)
    for part in said:
        assert part in sentence


def test_missing_file_is_refused_with_a_sentence(tmp_path):
    assert "No such file" in refusal(tmp_path / "absent.toml", {})


def test_variables_that_kubernetes_sets_for_a_service_are_left_alone():
    environ = {
        "ROOTLINE_GATEWAY_PORT": "tcp://10.0.0.7:8088",
        "ROOTLINE_SERVICE_HOST": "10.0.0.7",
        "ROOTLINE_PORT_8088_TCP_ADDR": "10.0.0.7",
    }
    assert load_settings(None, environ) == Settings()


def test_secret_comes_from_a_file_and_is_shown_nowhere(tmp_path):
    (tmp_path / "token").write_text("s3cr3t-value\n", encoding="utf-8")
    path = written(tmp_path, '[gateway]\ntoken_file = "token"\nhost = "0.0.0.0"')
    settings = load_settings(path, {})
    assert settings.gateway.token == "s3cr3t-value"
    assert settings.redacted()["gateway"]["token"] == "(hidden)"
    assert settings.secrets() == ("s3cr3t-value",)
    assert "s3cr3t" not in repr(settings) + str(settings.redacted())


def test_secret_file_and_value_together_are_refused(tmp_path):
    path = written(tmp_path, '[gateway]\ntoken = "a"\ntoken_file = "b"')
    assert "gateway.token and gateway.token_file are both set" in refusal(path, {})


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"", "empty"), (b"\xff\xfe", "UTF-8"), (b"x" * 70_000, "is it a")],
    ids=["absent", "empty", "binary", "huge"],
)
def test_unusable_secret_file_is_refused_with_a_sentence(tmp_path, content, said):
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    assert said in refusal(written(tmp_path, '[gateway]\ntoken_file = "token"'), {})


def test_refusal_about_a_secret_hides_its_value(tmp_path):
    assert "1234567" not in refusal(written(tmp_path, "[gateway]\ntoken = 1234567"), {})
    sentence = refusal(written(tmp_path, '[gateway]\ntoken = "caf\u00e9-5ecret"'), {})
    assert "5ecret" not in sentence
    assert "token" in sentence


def test_every_key_has_a_sentence():
    assert undocumented() == []


def test_config_page_is_equal_to_the_code():
    page = (ROOT / "docs" / "CONFIG.md").read_text(encoding="utf-8")
    assert page == config_page(), "run: python -m agents.settings_docs > docs/CONFIG.md"


def test_list_of_tables_becomes_a_tuple_of_rules(tmp_path):
    path = written(
        tmp_path,
        """
        [[resolver.rules]]
        label = "pod"
        regex = "pay-(.*)"
        replacement = "payments"
        kind = "service"
        """,
    )
    (rule,) = load_settings(path, {}).resolver.rules
    assert (rule.label, rule.regex, rule.kind) == ("pod", "pay-(.*)", "service")
    environ = {"ROOTLINE_RESOLVER__RULES": '[{"label":"a","regex":"b","replacement":"c"}]'}
    assert load_settings(None, environ).resolver.rules[0].replacement == "c"


def test_rule_that_lacks_a_key_is_refused_with_a_sentence(tmp_path):
    path = written(tmp_path, '[[resolver.rules]]\nlabel = "pod"')
    assert "resolver.rules[0].regex is missing" in refusal(path, {})
    path = written(tmp_path, '[[resolver.rules]]\nlable = "pod"')
    assert "[resolver.rules[0]] has no key 'lable'" in refusal(path, {})


def test_table_of_secrets_shows_names_and_hides_values(tmp_path):
    path = written(tmp_path, '[notifier.webhook_urls]\nops = "https://hooks.example/T/x"')
    settings = load_settings(path, {})
    assert settings.redacted()["notifier"]["webhook_urls"] == {"ops": "(hidden)"}
    assert settings.secrets() == ("https://hooks.example/T/x",)
    sentence = refusal(written(tmp_path, '[notifier.webhook_urls]\nops = "hushhush"'), {})
    assert "hushhush" not in sentence


def test_a_variable_of_bytes_that_are_no_text_is_refused_in_text() -> None:
    for environ in (
        {"ROOTLINE_GATEWAY__TOKEN": "\udc86secret"},
        {"ROOTLINE_GATEWAY__\udc86": "x"},
    ):
        sentence = refusal(None, environ)
        assert "is not UTF-8 text" in sentence
        assert "secret" not in sentence
        sentence.encode()
