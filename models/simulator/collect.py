"""Attaches a scrape target for everything that a monitored cluster would have one for."""

import random
from functools import partial

from simpy import Environment

from models.simulator.cpu import Cpu
from models.simulator.network import Link
from models.simulator.node import Node
from models.simulator.scrape import Scraper
from models.simulator.series import Metric
from models.simulator.service import Pod
from models.simulator.targets_database import mysql_metrics, postgres_metrics
from models.simulator.targets_platform import (
    certificate_metrics,
    condition_metrics,
    container_metrics,
    deployment_metrics,
    node_metrics,
    state_metrics,
)
from models.simulator.targets_pod import answers, pod_metrics, target_labels
from models.simulator.targets_runtime import MB, metric
from models.simulator.targets_store import (
    lag_metrics,
    probe_metrics,
    redis_metrics,
)
from models.simulator.world import World

STATE_METRICS = {"job": "kube-state-metrics", "instance": "10.42.0.7:8080"}
PROBED_SHARE = 0.6
"""Share of the certificates that somebody thought of watching."""


class Collection:
    """Everything that is scraped in one world."""

    def __init__(self, world: World, scraper: Scraper, rng: random.Random) -> None:
        self._world = world
        self._scraper = scraper
        self._rng = rng
        world.cluster.on_pod = self._pod

    def attach(self) -> None:
        """Attach everything that is there from the start; pods come by themselves."""
        self._databases()
        self._caches_and_brokers()
        self._nodes()
        self._deployments()
        self._probes()

    def jobs(self) -> None:
        """Attach the jobs' pods, which have their names once they are started."""
        namespace = self._world.topology.namespace
        for job in self._world.jobs.values():
            labels = {"namespace": namespace, "pod": job.pod_name, "container": job.spec.name}
            self._container(labels, job.cpu, 640.0, job.node.name)

    def _steady(self, labels: dict[str, str], metrics: list[Metric]) -> None:
        self._scraper.attach(labels, metrics, alive=lambda: True, exists=lambda: True)

    def _pod(self, pod: Pod) -> None:
        namespace = self._world.topology.namespace

        def exists() -> bool:
            return not pod.deleted

        def kubelet_up() -> bool:
            return pod.node.kubelet_up

        names = {"namespace": namespace, "pod": pod.name, "container": pod.service.name}
        state_exists = partial(_before, self._world.env, pod)
        if not pod.placed:
            self._scraper.attach(
                {**STATE_METRICS, **names},
                state_metrics(pod),
                alive=lambda: True,
                exists=state_exists,
            )
            return
        self._scraper.attach(
            target_labels(pod, namespace),
            pod_metrics(pod),
            alive=lambda: answers(pod),
            exists=exists,
        )
        kubelet = {**names, "job": "kubelet", "node": pod.node.name}
        kubelet["instance"] = f"{pod.node.spec.address}:10250"
        self._scraper.attach(kubelet, container_metrics(pod), alive=kubelet_up, exists=exists)
        self._scraper.attach(
            {**STATE_METRICS, **names}, state_metrics(pod), alive=lambda: True, exists=state_exists
        )

    def states(self) -> None:
        """Attach the machines' conditions; last, since each target draws when it is scraped."""
        for name, node in self._world.nodes.items():
            self._steady({**STATE_METRICS, "node": name}, condition_metrics(node))

    def _container(self, labels: dict[str, str], cpu: Cpu, memory_mb: float, node: str) -> None:
        address = self._world.nodes[node].spec.address
        env = self._world.env

        def used() -> float:
            cpu.settle(env.now)
            return cpu.used_seconds + 0.01 * env.now

        self._steady(
            {**labels, "job": "kubelet", "node": node, "instance": f"{address}:10250"},
            [
                metric("container_cpu_usage_seconds_total", used),
                metric("container_memory_working_set_bytes", lambda: memory_mb * MB),
            ],
        )

    def _databases(self) -> None:
        for name, database in self._world.databases.items():
            users = [s.name for s in self._world.services.values() if name in s.spec.pools]
            users += [j.spec.name for j in self._world.jobs.values() if j.database is database]
            if database.spec.engine == "mysql":
                labels = {"job": "mysql", "instance": f"{name}:9104"}
                metrics = mysql_metrics(database, users)
            else:
                labels = {"job": "postgres", "instance": f"{name}:9187", "server": name}
                metrics = postgres_metrics(database, users)
            self._steady(labels, metrics)
            pod = {"namespace": "data", "pod": f"{name}-0", "container": database.spec.engine}
            self._container(pod, database.cpu, 5200.0, database.spec.node)

    def _caches_and_brokers(self) -> None:
        world = self._world
        for name, cache in world.caches.items():
            clients = [p for s in world.services.values() if name in s.peers for p in ("a", "b")]
            labels = {"job": "redis", "instance": f"{name}:9121"}
            self._scraper.attach(
                labels, redis_metrics(cache, clients), alive=lambda: True, exists=lambda: True
            )
            pod = {"namespace": "data", "pod": f"{name}-0", "container": "redis"}
            self._container(pod, cache.cpu, 0.7 * cache.spec.memory_mb, cache.spec.node)
        for name, broker in world.brokers.items():
            groups = [g for topic in broker.topics.values() for g in topic.groups]
            labels = {"job": "kafka-exporter", "instance": f"{name}:9308"}
            self._steady(labels, [m for group in groups for m in lag_metrics(group)])
            pod = {"namespace": "data", "pod": f"{name}-0", "container": "kafka"}
            self._container(pod, broker.cpu, 3100.0, broker.spec.node)

    def _nodes(self) -> None:
        world = self._world
        placed: list[tuple[str, Link]] = [(d.spec.node, d.link) for d in world.databases.values()]
        placed += [(c.spec.node, c.link) for c in world.caches.values()]
        placed += [(b.spec.node, b.link) for b in world.brokers.values()]
        for name, node in world.nodes.items():
            node.links = [link for where, link in placed if where == name]
            labels = {"job": "node-exporter", "instance": f"{node.spec.address}:9100"}
            self._scraper.attach(
                {**labels, "node": name},
                node_metrics(node),
                alive=partial(_is_up, node),
                exists=lambda: True,
            )

    def _deployments(self) -> None:
        namespace = self._world.topology.namespace
        for name, service in self._world.services.items():
            labels = {**STATE_METRICS, "namespace": namespace, "deployment": name}
            self._steady(labels, deployment_metrics(service))

    def _probes(self) -> None:
        for name, external in self._world.externals.items():
            labels = {"job": "blackbox", "instance": f"https://{name}/health"}
            self._steady(labels, probe_metrics(external))
        for name, service in self._world.services.items():
            if service.spec.tls and self._rng.random() < PROBED_SHARE:
                address = self._world.runtime.address_of(name)
                labels = {"job": "blackbox-tls", "instance": f"{address}:8443"}
                self._steady(labels, certificate_metrics(service))


def _before(env: Environment, pod: Pod) -> bool:
    """Whether the API server still knows a pod."""
    return env.now < pod.gone_at


def _is_up(node: Node) -> bool:
    return node.up
