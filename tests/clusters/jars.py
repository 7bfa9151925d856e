"""Where Apache Kafka's jars and a Java that runs them are; says what to do where they are not."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "build" / "kafka"
_JAVA_VERSION = 17


def kafka_jars() -> Path | None:
    """Return the folder of the jars, or None when Apache Kafka cannot be started here."""
    return FOLDER if why_not() is None else None


@cache
def why_not() -> str | None:
    """Say in a sentence why Apache Kafka cannot be started here, or return None when it can."""
    version = _java_version()
    if version is None:
        return f"no java on the PATH; install a JDK {_JAVA_VERSION}+ and Maven, then `make kafka`"
    if version < _JAVA_VERSION:
        return f"java is version {version}; Apache Kafka 4 needs {_JAVA_VERSION} or later"
    if not list(FOLDER.glob("kafka_*.jar")):
        return f"no Apache Kafka in {FOLDER}; run `make kafka` (needs Maven)"
    return None


def need_kafka() -> None:
    """Skip the test that calls this, with the reason, where Apache Kafka cannot be started."""
    reason = why_not()
    if reason is not None:
        pytest.skip(f"left out: {reason}")


def _java_version() -> int | None:
    java = shutil.which("java")
    if java is None:
        return None
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else None


if __name__ == "__main__":  # for make and CI: says why not, or nothing
    said = why_not()
    if said is not None:
        raise SystemExit(said)
