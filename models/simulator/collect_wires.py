"""Attaches what is scraped of networks, volumes, brokers and name resolution.

Apart from `collect.py`, and with a scraper of its own, so that its targets change nobody's phase.
"""

from models.simulator.scrape import Scraper
from models.simulator.series import Metric
from models.simulator.service import Pod
from models.simulator.targets_network import (
    dns_metrics,
    endpoint_metrics,
    link_metrics,
    lookup_probe_metrics,
    node_network_metrics,
    socket_metrics,
    trust_metrics,
    volume_metrics,
)
from models.simulator.targets_store import broker_metrics, topic_metrics
from models.simulator.world import World

STATE_METRICS = {"job": "kube-state-metrics", "instance": "10.42.0.7:8080"}
DNS_ADDRESS = "10.42.0.3:9153"


class WireCollection:
    """Everything of these kinds that is scraped in one world."""

    def __init__(self, world: World, scraper: Scraper) -> None:
        self._world = world
        self._scraper = scraper
        self._others = world.cluster.on_pod
        world.cluster.on_pod = self._pod

    def attach(self) -> None:
        """Attach everything that is there from the start; pods come by themselves."""
        world = self._world
        for name, service in world.services.items():
            labels = {**STATE_METRICS, "namespace": world.topology.namespace, "service": name}
            self._steady(labels, endpoint_metrics(service))
            if service.spec.tls:
                address = world.runtime.address_of(name)
                target = {"job": "blackbox-chain", "instance": f"https://{address}:8443"}
                self._steady(target, trust_metrics(service))
        for name, node in world.nodes.items():
            target = {"job": "node-exporter-net", "instance": f"{node.spec.address}:9100"}
            self._steady({**target, "node": name}, node_network_metrics(node))
        self._stores()
        self._brokers()
        name = world.runtime.dns.name
        probed = {"job": "blackbox-dns", "service": name, "namespace": "kube-system"}
        self._steady(
            {**probed, "instance": f"{name}.kube-system.svc.cluster.local:53"},
            lookup_probe_metrics(world.runtime.dns),
        )
        target = {"job": "coredns", "namespace": "kube-system", "service": name}
        self._scraper.attach(
            {**target, "instance": DNS_ADDRESS},
            dns_metrics(world.runtime.dns),
            alive=lambda: world.runtime.dns.up,
            exists=lambda: True,
        )

    def _stores(self) -> None:
        world = self._world
        for name, database in world.databases.items():
            metrics = [*volume_metrics(database.volume), *link_metrics(database.link, 1)]
            self._steady(self._cadvisor(name, database.spec.engine), metrics)
        for name, cache in world.caches.items():
            self._steady(self._cadvisor(name, "redis"), link_metrics(cache.link, 1))
        for name, broker in world.brokers.items():
            metrics = [*volume_metrics(broker.volume), *link_metrics(broker.link, 1)]
            self._steady(self._cadvisor(name, "kafka"), metrics)

    def _brokers(self) -> None:
        for name, broker in self._world.brokers.items():
            target = {"job": "kafka", "instance": f"{name}:7071"}
            self._steady(target, broker_metrics(broker))
            metrics = [each for topic in broker.topics.values() for each in topic_metrics(topic)]
            self._steady({"job": "kafka-topics", "instance": f"{name}:9308"}, metrics)

    def _pod(self, pod: Pod) -> None:
        self._others(pod)
        if not pod.placed:
            return
        labels = {"job": "cadvisor", "namespace": self._world.topology.namespace}
        labels |= {"pod": pod.name, "container": pod.service.name}
        self._scraper.attach(
            labels,
            [*link_metrics(pod.service.link, pod.service.spec.replicas), *socket_metrics(pod)],
            alive=lambda: True,
            exists=lambda: not pod.deleted,
        )

    def _cadvisor(self, name: str, container: str) -> dict[str, str]:
        claim = {"persistentvolumeclaim": f"data-{name}-0", "container": container}
        return {"job": "cadvisor", "namespace": "data", "pod": f"{name}-0", **claim}

    def _steady(self, labels: dict[str, str], metrics: list[Metric]) -> None:
        self._scraper.attach(labels, metrics, alive=lambda: True, exists=lambda: True)
