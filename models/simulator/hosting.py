"""How the platform treats a service, where that can be wrong."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Hosting:
    """The probes and the controller of one deployment; healthy as it is made."""

    probe_broken: bool = False
    liveness_chance: float = 0.0
    start_overdue: bool = False
    unable: bool = False
