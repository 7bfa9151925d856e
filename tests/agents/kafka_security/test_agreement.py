"""The [kafka] section: what contradicts itself is refused, what is secret is shown nowhere."""

import re
from pathlib import Path
from subprocess import run
from sys import executable

import pytest
from faust.types.auth import AuthProtocol

from agents.errors import SettingsError
from agents.kafka import KafkaConfig, client_arguments, producer_arguments
from agents.kafka_security.faust_login import faust_credentials
from agents.settings import Settings, load_settings
from agents.worker.app import build_app
from agents.worker.engines import build_engines
from tests.kafka_security.secured import Files

ROOT = Path(__file__).parents[3]
CANARIES = ("canary-password", "canary-key-password", "canary-client-secret")


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    path = folder / "rootline.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ or {})
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


TLS = "[kafka]\nsecurity_protocol = 'SSL'\n[kafka.tls]\n"
SASL = "[kafka]\nsecurity_protocol = 'SASL_SSL'\n"
SCRAM = "[kafka.sasl]\nmechanism = 'SCRAM-SHA-512'\nusername = 'u'\npassword = 'canary-password'\n"
BEARER = "[kafka.sasl]\nmechanism = 'OAUTHBEARER'\n"
ENDPOINT = "[kafka.oauth]\ntoken_url = 'https://id.example.com/token'\n"
CLIENT = "client_id = 'c'\nclient_secret = 'canary-client-secret'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[kafka]\nsecurity_protocol = 'TLS'", ["kafka.security_protocol is 'TLS'", "SASL_SSL"]),
        (SCRAM, ["security_protocol is PLAINTEXT", "does not log in", "[kafka.sasl]"]),
        ("[kafka]\nsecurity_protocol = 'SSL'\n" + SCRAM, ["is SSL", "to SASL_SSL"]),
        ("[kafka.tls]\nca_file = 'ca.pem'", ["PLAINTEXT", "not encrypted", "to SSL"]),
        (SASL, ["sasl.mechanism is unset", "SCRAM-SHA-512"]),
        (
            SASL + "[kafka.sasl]\nmechanism = 'PLAIN'\nusername = 'u'",
            ["password", "password_file"],
        ),
        (SASL + "[kafka.sasl]\nmechanism = 'PLAIN'\npassword = 'x'", ["username is unset"]),
        (SASL + "[kafka.sasl]\nusername = 'u'", ["username", "mechanism is unset"]),
        (
            SASL + BEARER + "password = 'canary-password'",
            ["password", "mechanism is OAUTHBEARER", "uses neither"],
        ),
        (SASL + BEARER, ["where the token comes from", "oauth.token_url", "oauth.token_file"]),
        (SASL + SCRAM + ENDPOINT + CLIENT, ["[kafka.oauth]", "only OAUTHBEARER"]),
        (SASL + BEARER + ENDPOINT, ["client_id and client_secret"]),
        (SASL + BEARER + "[kafka.oauth]\n" + CLIENT, ["client_id and client_secret", "token_url"]),
        (SASL + BEARER + ENDPOINT + CLIENT + "token_file = 't'", ["both set"]),
        (
            SASL + BEARER + "[kafka.oauth]\ntoken_url = 'http://id.example.com/t'\n" + CLIENT,
            ["in the clear", "https", "allow_http"],
        ),
        (
            SASL + BEARER + "[kafka.oauth]\ntoken_url = 'https://u:p@id.example.com/t'\n" + CLIENT,
            ["holds a user", "client_secret_file"],
        ),
        (SASL + BEARER + "[kafka.oauth]\ntoken_url = 'id'\n" + CLIENT, ["https://host/path"]),
        (
            SASL + BEARER + ENDPOINT + CLIENT + "extensions = ['auth=x']",
            ["extensions", "name=value"],
        ),
        (SASL + BEARER + ENDPOINT + CLIENT + "attempts = 0", ["attempts is 0", "1 to 10"]),
        (
            "[kafka]\nsecurity_protocol = 'SASL_PLAINTEXT'\n" + SCRAM,
            ["SASL_PLAINTEXT", "guessed offline", "allow_cleartext"],
        ),
        (
            "[kafka]\nsecurity_protocol = 'SASL_PLAINTEXT'\n"
            + SCRAM.replace("SCRAM-SHA-512", "PLAIN"),
            ["the password can be read", "SASL_SSL"],
        ),
        (
            TLS + "key_file = 'k.pem'",
            ["key_file", "certificate_file is unset"],
        ),
        (
            TLS + "key_password = 'canary-key-password'",
            ["key_password is set", "certificate_file"],
        ),
        (SASL + "[kafka.sasl]\nmechanism = 'SCRAM-SHA-1'", ["'SCRAM-SHA-1'", "SCRAM-SHA-256"]),
        (SASL + SCRAM.replace("'u'", '"u\\u0000"'), ["control characters"]),
    ],
)
def test_each_contradiction_is_refused_with_a_sentence_without_secrets(tmp_path, text, said):
    sentence = refusal(tmp_path, text)
    for part in said:
        assert part in sentence
    for canary in CANARIES:
        assert canary not in sentence


def test_secrets_come_from_files_and_from_the_environment(tmp_path):
    (tmp_path / "password").write_text("canary-password\n")
    text = SASL + "[kafka.sasl]\nmechanism = 'PLAIN'\nusername = 'u'\npassword_file = 'password'"
    path = tmp_path / "rootline.toml"
    path.write_text(text)
    assert load_settings(path, {}).kafka.sasl.password == "canary-password"
    environ = {
        "ROOTLINE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "ROOTLINE_KAFKA__SASL__MECHANISM": "OAUTHBEARER",
        "ROOTLINE_KAFKA__OAUTH__TOKEN_URL": "https://id.example.com/token",
        "ROOTLINE_KAFKA__OAUTH__CLIENT_ID": "c",
        "ROOTLINE_KAFKA__OAUTH__CLIENT_SECRET": "canary-client-secret",
        "ROOTLINE_KAFKA__OAUTH__EXTENSIONS": "logicalCluster=lkc-1, identityPoolId=pool-2",
    }
    oauth = load_settings(None, environ).kafka.oauth
    assert oauth.client_secret == "canary-client-secret"
    assert oauth.extensions == ("logicalCluster=lkc-1", "identityPoolId=pool-2")


def secured_settings(folder: Path) -> Settings:
    files = Files(folder)
    certificate, key = files.locked
    environ = {
        "ROOTLINE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "ROOTLINE_KAFKA__SASL__MECHANISM": "SCRAM-SHA-512",
        "ROOTLINE_KAFKA__SASL__USERNAME": "u",
        "ROOTLINE_KAFKA__SASL__PASSWORD": "canary-password",
        "ROOTLINE_KAFKA__TLS__CA_FILE": str(files.ca),
        "ROOTLINE_KAFKA__TLS__CERTIFICATE_FILE": str(certificate),
        "ROOTLINE_KAFKA__TLS__KEY_FILE": str(key),
        "ROOTLINE_KAFKA__TLS__KEY_PASSWORD": "canary-key-password",
    }
    return load_settings(None, environ)


def test_no_secret_is_in_what_is_printed_of_the_settings(tmp_path):
    settings = secured_settings(tmp_path)
    shown = f"{settings!r} {settings.redacted()} {settings.kafka.sasl} {settings.kafka.tls}"
    for canary in CANARIES:
        assert canary not in shown
    assert {"canary-password", "canary-key-password"} <= set(settings.secrets())


def test_the_config_command_hides_them(tmp_path):
    (tmp_path / "rootline.toml").write_text(SASL + SCRAM)
    for arguments in (["config"], ["config", "--json"]):
        shown = run(
            [executable, "-m", "agents", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": "/bin"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "canary-password" not in shown.stdout + shown.stderr
        assert "(hidden)" in shown.stdout


def test_plaintext_stays_the_default_and_needs_nothing():
    arguments = client_arguments(KafkaConfig())
    assert arguments["security_protocol"] == "PLAINTEXT"
    assert not {"ssl_context", "sasl_mechanism", "sasl_plain_password"} & set(arguments)
    assert faust_credentials(KafkaConfig()) is None


def test_the_faust_application_has_the_same_login_as_every_client(tmp_path):
    settings = secured_settings(tmp_path)
    app = build_app(settings, build_engines(settings))
    credentials = app.conf.broker_credentials
    wanted = producer_arguments(settings.kafka)
    assert credentials.protocol is AuthProtocol.SASL_SSL
    assert credentials.mechanism.value == wanted["sasl_mechanism"] == "SCRAM-SHA-512"
    assert credentials.password == wanted["sasl_plain_password"] == "canary-password"
    assert credentials.ssl_context is wanted["ssl_context"]
    assert "canary-password" not in repr(credentials)


def test_every_kafka_client_takes_its_connection_from_the_one_place():
    found = 0
    for path in sorted((ROOT / "agents").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for call in re.finditer(r"\bAIOKafka(?:Consumer|Producer|AdminClient|Client)\(", text):
            found += 1
            arguments = text[call.end() : call.end() + 400]
            assert re.search(r"\*\*\(?(client|producer)_arguments\(", arguments), (
                f"{path} makes a Kafka client without agents.kafka's arguments"
            )
    assert found >= 10


@pytest.mark.slow
def test_programs_end_at_once_with_a_sentence_when_a_certificate_cannot_be_used(tmp_path):
    files = Files(tmp_path)
    path = tmp_path / "rootline.toml"
    path.write_text(
        f"""
        [kafka]
        bootstrap = "127.0.0.1:1"
        security_protocol = "SSL"
        [kafka.tls]
        ca_file = "{files.ca}"
        certificate_file = "{files.expired[0]}"
        key_file = "{files.expired[1]}"
        """
    )
    for command in ("worker", "gateway", "doctor"):
        ended = run(
            [executable, "-m", "agents", command, "--config", str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = ended.stdout if command == "doctor" else ended.stderr.splitlines()[-1]
        assert ended.returncode == (1 if command == "doctor" else 2)
        assert f"the certificate in {files.expired[0]} (kafka.tls.certificate_file) has" in said
        assert "renew it" in said
        assert "Traceback" not in ended.stderr
