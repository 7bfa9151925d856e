"""docker-compose.yml, the Dockerfile and the example configurations fit the code and each other.

There is no Docker engine where the tests run: what is checked here is everything but the images.
"""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from agents.cli import SUBCOMMANDS
from agents.gateway.intake import intakes
from agents.settings import load_settings
from agents.worker.topics import TopicsConfig

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "compose"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
PROMTOOL, AMTOOL = shutil.which("promtool"), shutil.which("amtool")
INSTALL = "{} is not installed; .ci/run installs it with Debian's prometheus packages"
# `${NAME:-default}` as Compose reads it.
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def filled(value: str) -> str:
    """A value as it is with nothing set in the environment."""
    return VARIABLE.sub(lambda found: found[2], value)


def load(name: str) -> dict:
    return yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_built_here_or_from_a_pinned_image(name):
    service = SERVICES[name]
    if "build" in service:
        assert (ROOT / service["build"] / "Dockerfile").is_file()
    else:
        image, _, tag = service["image"].partition(":")
        assert image
        assert re.search(r"\d+\.\d+\.\d+", tag), f"{service['image']} is not pinned"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_mounted_file_and_volume_is_there(name):
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).is_file(), source
        else:
            assert source in COMPOSE["volumes"], source


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_published_on_loopback_only(name):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:"), port


@pytest.mark.parametrize("name", ["worker", "gateway"])
def test_our_services_run_a_command_with_settings_that_exist(name):
    service = SERVICES[name]
    assert service["command"][0] in SUBCOMMANDS
    environ = {key: filled(value) for key, value in service["environment"].items()}
    settings = load_settings(None, {k: v for k, v in environ.items() if k.startswith("ROOTLINE_")})
    assert settings.kafka.bootstrap == "kafka:19092"


def test_variables_that_users_may_set_are_real_settings():
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    ours = [name for name in VARIABLE.findall(text) if name[0].startswith("ROOTLINE_")]
    assert ours
    for name, _ in ours:
        load_settings(None, {name: "http://127.0.0.1/hook"})


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_a_service_waits_for_is_there(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]


def test_alertmanager_posts_everything_and_its_end_to_the_gateway_at_once():
    config = load("alertmanager.yml")
    (receiver,) = config["receivers"]
    (webhook,) = receiver["webhook_configs"]
    paths = [path for intake in intakes(TopicsConfig()) for path in intake.paths]
    host, _, path = webhook["url"].removeprefix("http://").partition("/")
    assert host == "gateway:8088"
    assert f"/{path}" in paths
    assert webhook["send_resolved"]
    assert float(config["route"]["group_wait"].removesuffix("s")) <= 5
    assert float(config["route"]["group_interval"].removesuffix("s")) <= 10


def test_the_collector_writes_the_topics_that_the_worker_reads():
    kafka = load("collector.yml")["exporters"]["kafka"]
    topics = TopicsConfig()
    assert kafka["traces"]["topic"] == topics.otlp_spans
    assert kafka["metrics"]["topic"] == topics.otlp_metrics
    assert kafka["brokers"] == [SERVICES["worker"]["environment"]["ROOTLINE_KAFKA__BOOTSTRAP"]]
    # Their own maximum is above what the exporter may send.
    assert kafka["producer"]["max_message_bytes"] <= topics.max_message_bytes
    assert SERVICES["prometheus-kafka-adapter"]["environment"]["KAFKA_TOPIC"] == topics.metrics


def test_prometheus_with_remote_write_differs_in_that_alone():
    plain, more = load("prometheus.yml"), load("prometheus-remote-write.yml")
    assert more.pop("remote_write")[0]["url"].startswith("http://prometheus-kafka-adapter:8080")
    assert more == plain


def test_prometheus_scrapes_and_alerts_services_that_are_there():
    config = load("prometheus.yml")
    targets = [
        target
        for part in (*config["scrape_configs"], *config["alerting"]["alertmanagers"])
        for static in part.get("static_configs", [])
        for target in static["targets"]
    ]
    assert {target.split(":")[0] for target in targets} <= SERVICES.keys()
    names = [
        name
        for part in config["scrape_configs"]
        for found in part.get("dns_sd_configs", [])
        for name in found["names"]
    ]
    assert set(names) == {"worker"}


@pytest.mark.skipif(PROMTOOL is None, reason=INSTALL.format("promtool"))
@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-remote-write.yml"])
def test_promtool_accepts_the_configuration_and_its_rules(name):
    run([str(PROMTOOL), "check", "config", str(EXAMPLES / name)])
    run([str(PROMTOOL), "check", "rules", str(EXAMPLES / "rules.yml")])


@pytest.mark.skipif(AMTOOL is None, reason=INSTALL.format("amtool"))
def test_amtool_accepts_the_configuration():
    run([str(AMTOOL), "check-config", str(EXAMPLES / "alertmanager.yml")])


def run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def stages() -> list[str]:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")


def test_the_image_ends_without_root_and_build_tools_and_knows_its_health():
    last = stages()[-1]
    assert len(stages()) == 3, "a comment, the build stage, the final stage"
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert "/healthz" in last
    assert not re.search(r"pip (--python \S+ )?install|apt-get|gcc|build-essential", last)
    for tool in ("pip*", "ensurepip", "setuptools*"):
        assert f"-name '{tool}'" in last, "taken out of what the base image brings"


@pytest.mark.parametrize("path", ["Dockerfile", "examples/shop/Dockerfile"])
def test_base_images_are_pinned_to_a_patch_release(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    names = re.findall(r"^FROM (?:python:)(\S+)", text, re.MULTILINE)
    given = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
    assert names
    for name in names:
        version = given[name[2:-1]] if name.startswith("${") else name
        assert re.fullmatch(r"3\.\d+\.\d+-slim-\w+", version), version


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_without_capabilities_and_cannot_gain_any(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert not service.keys() & {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"}
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", ["worker", "gateway"])
def test_our_services_run_as_a_number_on_a_read_only_file_system(name):
    service, last = SERVICES[name], stages()[-1]
    assert service["user"] == re.findall(r"^USER (\S+)$", last, re.MULTILINE)[0]
    assert service["read_only"] is True
    (tmpfs,) = service["tmpfs"]
    place, _, options = tmpfs.partition(":")
    assert Path(place).name == "tmp"
    assert {"size=64m", "noexec", "nosuid", "nodev"} <= set(options.split(","))
    targets = {volume.split(":")[1] for volume in service["volumes"]}
    assert targets == set(re.findall(r'^VOLUME \["(\S+)"\]$', last, re.MULTILINE))


def test_every_folder_that_a_command_writes_into_lies_on_the_declared_volume():
    last = stages()[-1]
    (volume,) = re.findall(r'^VOLUME \["(\S+)"\]$', last, re.MULTILINE)
    given = dict(re.findall(r"(ROOTLINE_\w+)=(\S+)", last))
    settings = load_settings(None, given)
    for folder in (settings.cases.library_dir, settings.broker.data_dir):
        assert folder is not None
        assert folder.is_relative_to(volume)


def test_the_image_gets_every_package_and_nothing_that_is_ignored():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert set(packages) <= sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignore
