"""Builds the running parts of one simulation from a topology."""

import random
from functools import partial

from simpy import Environment

from models.simulator.broker import Broker, Group, Topic
from models.simulator.cache import Cache
from models.simulator.cluster import Cluster
from models.simulator.config import SimulationConfig
from models.simulator.consumer import Subscription
from models.simulator.database import Database
from models.simulator.dns import Dns
from models.simulator.external import External
from models.simulator.job import Job
from models.simulator.node import Node
from models.simulator.runtime import Runtime
from models.simulator.service import Edge, Service
from models.simulator.serving import Endpoint
from models.simulator.spans import SpanRecorder
from models.simulator.step_call import Call
from models.simulator.step_compute import Compute
from models.simulator.step_peers import CallExternal, Publish, UseCache
from models.simulator.step_statements import RunStatements
from models.simulator.topology import (
    CacheSpec,
    CallSpec,
    ComputeSpec,
    ConsumerSpec,
    ExternalCallSpec,
    JobSpec,
    PolicySpec,
    PublishSpec,
    ServiceSpec,
    StatementsSpec,
    StepSpec,
    Topology,
)
from models.simulator.traffic import Traffic
from models.simulator.work import Step


class World:
    """Everything that runs in one simulation, by name."""

    def __init__(self, topology: Topology, config: SimulationConfig, seed: int) -> None:
        self.topology = topology
        self.config = config
        env = Environment()
        salt = random.Random(f"{seed}:ids").getrandbits(31)
        recorder = SpanRecorder(
            random.Random(f"{seed}:sampling"), config.span_sampling if config.spans else 0.0, salt
        )
        self.runtime = Runtime(
            env=env,
            rng=random.Random(f"{seed}:world"),
            recorder=recorder,
            namespace=topology.namespace,
            dns=Dns(env, random.Random(f"{seed}:dns")),
        )
        self.env = env
        self.nodes = {spec.name: Node(env, spec) for spec in topology.nodes}
        self.databases = {
            spec.name: Database(env, spec, self.nodes[spec.node].cpu)
            for spec in topology.databases
        }
        self.caches = {c.name: Cache(c, self.nodes[c.node].cpu) for c in topology.caches}
        self.brokers = {b.name: Broker(env, b, self.nodes[b.node].cpu) for b in topology.brokers}
        self.topics: dict[str, Topic] = {}
        for broker in self.brokers.values():
            self.topics.update(broker.topics)
        self.externals = {e.host: External(e) for e in topology.externals}
        self.cluster = Cluster(self.runtime, self._worker_nodes(), self.databases)
        self.services = {spec.name: Service(spec) for spec in topology.services}
        self.endpoints: dict[tuple[str, str], Endpoint] = {}
        self.jobs: dict[str, Job] = {}
        for database in self.databases.values():
            database.reaches = partial(self._reaches, database)
        self._wire()
        entries = [(e.weight, self.endpoints[(e.service, e.endpoint)]) for e in topology.entries]
        self.traffic = Traffic(self.runtime, entries, config.request_rate * topology.load)

    def _reaches(self, database: Database, user: str) -> bool:
        """Whether a service's packets get to a database."""
        service = self.services.get(user)
        if service is None:
            return True
        here, there = service.link.hindrance, database.link.hindrance
        if here is not None and database.link in here.parted:
            return False
        return there is None or service.link not in there.parted

    def start(self) -> None:
        """Deploy everything and let users in; collectors must be attached before."""
        for service in self.services.values():
            self.cluster.deploy(service)
        for job in self.jobs.values():
            self._start_job(job)
        self.cluster.watch()
        self.traffic.start()

    def _worker_nodes(self) -> list[Node]:
        """Nodes for pods: those that host no data store, or all if there are no others."""
        topology = self.topology
        taken = {database.node for database in topology.databases}
        taken |= {cache.node for cache in topology.caches}
        taken |= {broker.node for broker in topology.brokers}
        free = [node for name, node in self.nodes.items() if name not in taken]
        return free or list(self.nodes.values())

    def _wire(self) -> None:
        for service in self.services.values():
            for name in service.spec.endpoints:
                self.endpoints[(service.name, name)] = Endpoint(name, service, self.runtime)
        for service in self.services.values():
            for name, steps in service.spec.endpoints.items():
                self.endpoints[(service.name, name)].steps = self._compile(service, steps)
            self.cluster.subscriptions[service.name] = [
                self._subscribe(service, spec) for spec in service.spec.consumers
            ]
        for spec in self.topology.jobs:
            self.jobs[spec.name] = self._job(spec)

    def _subscribe(self, service: Service, spec: ConsumerSpec) -> Subscription:
        topic = self.topics[spec.topic]
        group = Group(service.name, spec.topic)
        topic.groups.append(group)
        subscription = Subscription(group, topic, spec.attempts, self.runtime)
        subscription.workers = spec.workers
        subscription.steps = self._compile(service, spec.steps)
        return subscription

    def _job(self, spec: JobSpec) -> Job:
        return Job(spec, self.databases[spec.database], self.nodes[spec.node], self.runtime)

    def _start_job(self, job: Job) -> None:
        run = 29_000_000 + random.Random(job.spec.name).randrange(400_000)
        job.pod_name = f"{job.spec.name}-{run}-{self.cluster.suffix(5)}"
        namespace = self.topology.namespace
        job.resource = self.runtime.recorder.resource(
            {
                "service.name": job.spec.name,
                "service.version": "0.9.3",
                "k8s.namespace.name": namespace,
                "k8s.pod.name": job.pod_name,
                "k8s.node.name": job.node.name,
            }
        )
        job.start()

    def _compile(self, service: Service, steps: tuple[StepSpec, ...]) -> tuple[Step, ...]:
        return tuple(self._step(service, step) for step in steps)

    def _step(self, service: Service, spec: StepSpec) -> Step:
        self._note_peer(service, spec)
        match spec:
            case ComputeSpec():
                return Compute(spec, service, self.env, self.runtime.rng)
            case CallSpec():
                endpoint = self.endpoints[(spec.service, spec.endpoint)]
                return Call(spec, self.edge(service, spec.service), endpoint, self.runtime)
            case StatementsSpec():
                return RunStatements(spec, self.databases[spec.database], self.runtime)
            case CacheSpec():
                otherwise = self._compile(service, spec.otherwise)
                return UseCache(spec, self.caches[spec.cache], otherwise, self.runtime)
            case PublishSpec():
                return Publish(self.topics[spec.topic], self.runtime)
            case ExternalCallSpec():
                policy = policy_of(service.spec, spec.external)
                return CallExternal(spec, self.externals[spec.external], policy, self.runtime)

    def _note_peer(self, service: Service, spec: StepSpec) -> None:
        """Remember under which address the service reaches a peer."""
        match spec:
            case CallSpec(service=name):
                service.peers[name] = self.runtime.address_of(name)
                if spec.required:
                    service.needed.add(name)
            case StatementsSpec(database=name):
                service.peers[name] = self.databases[name].spec.address or name
            case CacheSpec(cache=name) | ExternalCallSpec(external=name):
                service.peers[name] = name
            case PublishSpec(topic=name):
                broker = self.topics[name].broker.spec.name
                service.peers[broker] = broker
            case ComputeSpec():
                pass

    def edge(self, service: Service, peer: str) -> Edge:
        """Return how a service calls a peer."""
        known = service.edges.get(peer)
        if known is None:
            policy = policy_of(service.spec, peer)
            known = Edge(policy, self.runtime.deadlines(policy.timeout_seconds))
            service.edges[peer] = known
        return known


def policy_of(spec: ServiceSpec, peer: str) -> PolicySpec:
    """Return the client policy of a service towards a peer."""
    return spec.policies.get(peer, spec.default_policy)
