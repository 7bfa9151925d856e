"""examples/compose/secured.yml: its certificates and settings, on a real Apache Kafka."""

import asyncio
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from agents.kafka_security.probe import trouble
from agents.settings import load_settings
from tests.clusters.apache import ApacheCluster
from tests.clusters.jars import need_kafka
from tests.clusters.security import Security

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "compose"
SERVICES = yaml.safe_load((EXAMPLES / "secured.yml").read_text(encoding="utf-8"))["services"]
BASE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]


def mounted(service: str, certificates: Path, text: str) -> str:
    """A path in a container as the path of what is mounted there."""
    (volume,) = SERVICES[service]["volumes"]
    source, inside, _mode = volume.split(":")
    return text.replace(inside, str(certificates / Path(source).name))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_secured_example_lets_its_worker_and_gateway_in_and_nobody_else(
    tmp_path: Path,
) -> None:
    need_kafka()
    certificates = tmp_path / "certificates"
    made = subprocess.run(
        ["sh", str(EXAMPLES / "certificates.sh"), str(certificates), "kafka", "127.0.0.1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "DNS:kafka,IP:127.0.0.1" in made.stdout
    # The image makes a property of each variable: KAFKA_A_B is a.b.
    properties = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): mounted("kafka", certificates, text)
        for name, text in SERVICES["kafka"]["environment"].items()
        if name.startswith("KAFKA_LISTENER_NAME_SECURE_")
    }
    assert "SECURE:SSL" in SERVICES["kafka"]["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]
    secure = Security(listeners={"SECURE": "SSL"}, properties=properties)
    with ApacheCluster(tmp_path / "kafka", security=secure) as cluster:
        for service in ("worker", "gateway"):
            environ = {
                name: mounted(service, certificates, text)
                for name, text in SERVICES[service]["environment"].items()
            }
            environ["ROOTLINE_KAFKA__BOOTSTRAP"] = cluster.bootstrap
            assert asyncio.run(trouble(load_settings(None, environ).kafka)) is None
            del environ["ROOTLINE_KAFKA__TLS__CERTIFICATE_FILE"]
            del environ["ROOTLINE_KAFKA__TLS__KEY_FILE"]
            said = asyncio.run(trouble(load_settings(None, environ).kafka))
            assert said is not None
            assert "wants a client certificate" in said


def test_the_secured_example_only_adds_a_listener_to_the_plain_one() -> None:
    def listeners(service: dict, name: str) -> dict[str, str]:
        pairs = re.findall(r"(\w+):/{0,2}([^,]+)", service["environment"][name])
        return dict(pairs)

    for name in (
        "KAFKA_LISTENERS",
        "KAFKA_ADVERTISED_LISTENERS",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
    ):
        plain, secured = listeners(BASE["kafka"], name), listeners(SERVICES["kafka"], name)
        assert secured.pop("SECURE")
        assert secured == plain
    port = SERVICES["worker"]["environment"]["ROOTLINE_KAFKA__BOOTSTRAP"]
    assert f"SECURE://{port}" in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert SERVICES["gateway"] == SERVICES["worker"]
