"""Pulses: alerts that are told at once, so that they show how long an alert waits to be told.

One environment for each partition of `signals`: every part of the way is felt all the time.
"""

import orjson
from aiokafka.partitioner import murmur2

from models.simulator.alertmanager import rfc3339
from tests.faults.orders import ENVIRONMENT_LABEL, SIGNALS_PARTITIONS
from tests.faults.storm import START_MS

PULSE_RULE = "Pulse"
_STEP_MS = 10_000


def pulse_environments() -> tuple[str, ...]:
    """Return one environment's name for each partition of `signals`.

    >>> len(pulse_environments()) == SIGNALS_PARTITIONS
    True
    """
    found: dict[int, str] = {}
    for number in range(1_000):
        name = f"pulse-{number}"
        found.setdefault((murmur2(name.encode()) & 0x7FFFFFFF) % SIGNALS_PARTITIONS, name)
    return tuple(found[partition] for partition in range(SIGNALS_PARTITIONS))


def pulse(environment: str, beat: int) -> bytes:
    """Return a resolved alert that nobody saw fire: it is set aside as soon as it is processed.

    Each lies ten seconds after the one before it, so that it lets that one pass.
    """
    ended_ms = START_MS + beat * _STEP_MS
    alert = {
        "labels": {"alertname": PULSE_RULE, ENVIRONMENT_LABEL: environment, "beat": str(beat)},
        "annotations": {},
        "status": "resolved",
        "startsAt": rfc3339(ended_ms - 1_000),
        "endsAt": rfc3339(ended_ms),
    }
    return orjson.dumps(alert)
