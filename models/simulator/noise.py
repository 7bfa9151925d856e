"""What goes wrong elsewhere at the same time: bystanders with metrics of their own.

They are scraped like everything else; their alerts come from the same rules.
"""

import random
from collections.abc import Callable

from models.simulator.config import SimulationConfig
from models.simulator.rules_platform import SOON_DAYS
from models.simulator.scrape import Scraper
from models.simulator.series import Metric
from models.simulator.targets_runtime import metric
from models.simulator.world import World

DISK_BYTES = 200.0 * 1024**3
HOSTS = ("intranet.corp.example", "wiki.corp.example", "forms.corp.example", "hr.corp.example")
MACHINES = ("ci-runner-2", "ci-runner-5", "build-cache-1", "archive-3")
BATCHES = (
    ("ads", "ads-click-import"),
    ("search", "synonym-rebuild"),
    ("finance", "fx-rates-sync"),
)


class Noise:
    """Bystanders of one run."""

    def __init__(
        self, world: World, scraper: Scraper, config: SimulationConfig, rng: random.Random
    ) -> None:
        self._env = world.env
        self._scraper = scraper
        self._config = config
        self._rng = rng

    def attach(self) -> None:
        """Attach the bystanders that this run has: each kind with its own chance."""
        for chance, attach in ((0.6, self._certificate), (0.6, self._disk), (0.8, self._batch)):
            if self._rng.random() < chance:
                attach()

    def _moment(self) -> float:
        """Draw when a bystander's trouble starts."""
        duration = self._config.duration_seconds
        return self._rng.uniform(0.25, 0.95) * duration

    def _steady(self, labels: dict[str, str], metrics: list[Metric]) -> None:
        self._scraper.attach(labels, metrics, alive=lambda: True, exists=lambda: True)

    def _certificate(self) -> None:
        """Let a certificate far away come so many days before its end."""
        soon = self._config.start_ms / 1000.0 + self._moment() + SOON_DAYS * 86_400.0
        host = self._rng.choice(HOSTS)
        labels = {"job": "blackbox-tls", "instance": f"https://{host}:443"}
        self._steady(labels, [metric("probe_ssl_earliest_cert_expiry", lambda: soon)])

    def _disk(self) -> None:
        """Let the disk of a machine that serves nobody here fill up."""
        full_at, machine = self._moment(), self._rng.choice(MACHINES)
        speed = self._rng.uniform(0.5e-5, 4e-5)
        env = self._env

        def free() -> float:
            return DISK_BYTES * max(0.01, 0.1 + speed * (full_at - env.now))

        address = f"10.9.0.{self._rng.randrange(10, 90)}:9100"
        labels = {"job": "node-exporter", "instance": address, "node": machine}
        disk = {"mountpoint": "/", "device": "/dev/sda1", "fstype": "ext4"}
        self._steady(
            labels,
            [
                metric("node_filesystem_avail_bytes", free, **disk),
                metric("node_filesystem_size_bytes", lambda: DISK_BYTES, **disk),
                metric("node_load1", _load(self._rng)),
            ],
        )

    def _batch(self) -> None:
        """Let another team's job fail now and then."""
        namespace, job = self._rng.choice(BATCHES)
        duration = self._config.duration_seconds
        failures = [
            (at, at + self._rng.uniform(20.0, 90.0))
            for at in sorted(self._rng.uniform(0.2, 1.0) * duration for _ in range(3))
        ]
        env = self._env

        def failed() -> float:
            return float(any(begin <= env.now < end for begin, end in failures))

        labels = {"job": "kube-state-metrics", "instance": "10.42.0.7:8080"}
        self._steady(
            {**labels, "namespace": namespace, "job_name": job},
            [metric("kube_job_status_failed", failed)],
        )


def _load(rng: random.Random) -> Callable[[], float]:
    level = rng.uniform(0.5, 2.5)
    return lambda: level + 0.4 * rng.random()
