"""What the recording says should come out: only the verdict reads this, and only at the end."""

from pathlib import Path

import orjson

from agents.demo.check import Expected
from agents.errors import RootlineError
from models.simulator.noise import BATCHES, HOSTS, MACHINES
from schemas.alert import Alert, AlertStatus
from schemas.codecs.alerts import decode_alerts
from schemas.resolve import Resolver, ResolverConfig

BYSTANDERS = frozenset((*HOSTS, *MACHINES, *(job for _, job in BATCHES)))
"""Components that the simulation puts beside the environment, with troubles of their own."""


def read_expectation(folder: Path) -> Expected:
    """Read truth and alerts of a recording.

    Raises:
        RootlineError: the recording names no fault.
    """
    faults = orjson.loads((folder / "truth.json").read_bytes())["faults"]
    if not faults:
        msg = f"{folder} holds no fault; the demo needs one to be found"
        raise RootlineError(msg)
    fault = faults[0]
    bystanders, storm = set(), set()
    resolver = Resolver(ResolverConfig())
    for alert in _firing(folder / "alerts.jsonl"):
        if resolver.component(alert.labels).component.name in BYSTANDERS:
            bystanders.add(alert.fingerprint)
        elif alert.starts_ms >= fault["start_ms"]:
            storm.add(alert.fingerprint)
    return Expected(
        component=fault["component"],
        pattern=fault["pattern"],
        holder=fault["details"].get("holder", ""),
        storm=frozenset(storm),
        bystanders=frozenset(bystanders),
    )


def _firing(path: Path) -> list[Alert]:
    lines = path.read_bytes().splitlines() if path.is_file() else []
    messages = [orjson.dumps(orjson.loads(line)["value"]) for line in lines]
    alerts = [alert for message in messages for alert in decode_alerts(message)]
    return [alert for alert in alerts if alert.status is AlertStatus.FIRING]
