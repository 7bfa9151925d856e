"""A component: anything that can be a root cause and a node of the service graph."""

from dataclasses import dataclass
from enum import StrEnum


class ComponentKind(StrEnum):
    """What sort of thing a component is; features and patterns are chosen by it."""

    SERVICE = "service"
    DATABASE = "database"
    CACHE = "cache"
    QUEUE = "queue"
    NODE = "node"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Component:
    """A named component. The name is unique within an environment; the kind describes it."""

    name: str
    kind: ComponentKind = ComponentKind.SERVICE
