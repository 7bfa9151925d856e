"""A machine: cores, memory, disk, and what runs on it."""

from typing import TYPE_CHECKING

from simpy import Environment

from models.simulator.cpu import NodeCpu
from models.simulator.network import Link
from models.simulator.topology import NodeSpec

if TYPE_CHECKING:
    from models.simulator.service import Pod

BACKGROUND_LOSS = 0.0004
IOWAIT_SHARE = 0.6


class Node:
    """One node at run time."""

    def __init__(self, env: Environment, spec: NodeSpec) -> None:
        self.env = env
        self.spec = spec
        self.name = spec.name
        self.cpu = NodeCpu(spec.cores)
        self.pods: list[Pod] = []
        self.links: list[Link] = []
        self.connections_dropped = 0.0
        self.connection_drops = 0
        self.connections_tracked = 0.0
        self.disk_busy = 0.04
        self.disk_busy_seconds = 0.0
        self.disk_used = 0.46
        self.disk_fill_per_second = 0.0
        self.memory_hog_mb = 0.0
        self.up = True
        self.ready = True
        self.kubelet_up = True
        self.schedulable = True
        self.booted_at = -86_400.0 * 30
        self.clock_offset_seconds = 0.0
        self.major_faults_per_second = 0.0
        self.major_faults = 0.0
        self.steal_seconds = 0.0
        self.idle_seconds = 0.0
        self.iowait_seconds = 0.0
        self._settled_at = 0.0
        self._busy_before = 0.0

    def settle(self, now: float) -> None:
        """Bring the integrals up to `now`."""
        span = now - self._settled_at
        self._settled_at = now
        self.cpu.settle(now)
        busy = self.cpu.busy_seconds - self._busy_before
        self._busy_before = self.cpu.busy_seconds
        stolen = span * self.spec.cores * self.cpu.stolen
        self.steal_seconds += stolen
        self.major_faults += span * self.major_faults_per_second
        free = max(0.0, span * self.spec.cores - busy - stolen)
        waited = min(free, IOWAIT_SHARE * self.disk_busy * span)
        self.iowait_seconds += waited
        self.idle_seconds += free - waited
        self.disk_busy_seconds += span * self.disk_busy
        self.disk_used = min(0.995, self.disk_used + span * self.disk_fill_per_second)

    def sent(self) -> float:
        """Return TCP segments sent by everything on the node."""
        return 1200.0 + sum(link.sent for link in self.links) + self._of_pods("sent")

    def retransmitted(self) -> float:
        """Return TCP segments sent again."""
        lost = sum(link.retransmitted for link in self.links) + self._of_pods("retransmitted")
        return lost + BACKGROUND_LOSS * self.sent()

    def _of_pods(self, counter: str) -> float:
        """Sum a counter of the pods' services, each pod having its share."""
        return sum(
            float(getattr(pod.service.link, counter)) / max(1, len(pod.service.pods))
            for pod in self.pods
        )
