"""The configuration of the demo's processes: one TOML file in its folder."""

from collections.abc import Mapping
from pathlib import Path

import orjson

from agents.demo.storm import ENVIRONMENT

FILE = "rootline.toml"

_REFRESH_SECONDS = 60
"""The demo ends with its storm: what came late to an incident has to be published before."""

Section = Mapping[str, str | int | bool]


def configure(
    folder: Path, *, bootstrap: str, webhook: str, speed: float, ports: Mapping[str, int]
) -> Path:
    """Write the file; sections and keys are those of docs/CONFIG.md.

    Args:
        folder: where it is written.
        bootstrap: the broker's address.
        webhook: where chat messages go.
        speed: how much faster than the clock event time runs.
        ports: of the gateway and of the worker's telemetry, 0 for any free one.
    """
    sections: dict[str, Section] = {
        "kafka": {"bootstrap": bootstrap},
        "resolver": {"environment": ENVIRONMENT},
        # One worker reads all; with one partition a trace's spans come together.
        "topics": {"input_partitions": 1, "signals_partitions": 1, "output_partitions": 1},
        "pipeline.firing": {"refresh_seconds": _REFRESH_SECONDS},
        "gateway": {"port": ports.get("gateway", 0)},
        "telemetry": {"port": ports.get("telemetry", 0)},
        "notifier": {
            "webhook_url": webhook,
            "message_interval_ms": 0,
            # In event time the usual pause.
            "top_changed_interval_ms": round(30_000 / speed),
        },
        "logging": {"form": "human"},
    }
    path = folder / FILE
    path.touch(mode=0o600)
    path.write_text(_toml(sections), encoding="utf-8")
    return path


def _toml(sections: Mapping[str, Section]) -> str:
    r"""Write tables of plain values; JSON's strings, numbers and truths are TOML's.

    >>> _toml({"a": {"b": "c\n", "d": 1, "e": True}})
    '[a]\nb = "c\\n"\nd = 1\ne = true\n'
    """
    parts = []
    for name, section in sections.items():
        lines = [f"{key} = {orjson.dumps(value).decode()}" for key, value in section.items()]
        parts.append("\n".join([f"[{name}]", *lines]) + "\n")
    return "\n".join(parts)
