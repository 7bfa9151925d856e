"""One rule of the metric tables, and the label scopes within which used and limit meet."""

import re
from dataclasses import dataclass

from pipeline.metric_meaning import Direction, Pairing, Reading


@dataclass(frozen=True, slots=True)
class Rule:
    """What the names that match `pattern` mean."""

    pattern: re.Pattern[str]
    metric_class: str
    direction: Direction = Direction.UP
    reading: Reading | None = None  # None: the form and the suffix say
    pairing: Pairing | None = None
    floor: float | None = None  # None: the class's


TARGET = ("instance", "job", "namespace", "pod", "service_instance_id")
POOL = (
    *TARGET,
    "pool",
    "name",
    "pool_name",
    "datasource",
    "db_client_connection_pool_name",
    "db_name",
    "id",
    "area",
    "jvm_memory_pool_name",
    "application",
    "service",
)
K8S = ("namespace", "pod", "container")
MOUNT = ("instance", "job", "device", "mountpoint")


def rule(
    pattern: str,
    metric_class: str,
    direction: Direction = Direction.UP,
    reading: Reading | None = None,
    floor: float | None = None,
) -> Rule:
    """Make a rule from the text of its pattern."""
    return Rule(re.compile(pattern), metric_class, direction, reading, floor=floor)


def pair(key: str, scope: tuple[str, ...], used: Rule, limit: Rule) -> tuple[Rule, Rule]:
    """Say that two rules match the used part and the limit of one resource."""

    def joined(rule: Rule, role: str) -> Rule:
        pairing = Pairing(key, role, scope)
        return Rule(rule.pattern, rule.metric_class, rule.direction, rule.reading, pairing)

    return joined(used, "used"), joined(limit, "limit")
