"""A message broker: topics, consumer groups and their lag."""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from simpy.events import Event

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.network import Link
from models.simulator.topology import BrokerSpec

if TYPE_CHECKING:
    from models.simulator.process import Process

PUBLISH_SECONDS = 0.004
MAX_RETAINED = 200_000


class Delivered(NamedTuple):
    """A message with the context of the span that published it."""

    trace: int
    span: int
    published_at: float


class Group:
    """One consumer group on one topic. Idle workers wait here in turn."""

    def __init__(self, name: str, topic: str) -> None:
        self.name = name
        self.topic = topic
        self.committed = 0
        self.in_work = 0
        self.messages: deque[Delivered] = deque(maxlen=MAX_RETAINED)
        self._idle: deque[tuple[Process, Event]] = deque()

    @property
    def lag(self) -> int:
        """Messages that are not yet committed."""
        return len(self.messages) + self.in_work

    def offer(self, message: Delivered) -> None:
        """Append a message and wake one worker whose process still runs."""
        self.messages.append(message)
        while self._idle:
            process, turn = self._idle.popleft()
            if not process.stopped:
                turn.succeed()
                return

    def wait(self, process: "Process", turn: Event) -> None:
        """Let an idle worker wait for its turn."""
        self._idle.append((process, turn))


class Topic:
    """A topic: its messages go to every group."""

    def __init__(self, name: str, broker: "Broker") -> None:
        self.name = name
        self.broker = broker
        self.published = 0
        self.groups: list[Group] = []

    def publish(self, message: Delivered) -> None:
        """Append a message."""
        self.published += 1
        for group in self.groups:
            group.offer(message)


class Broker:
    """One broker."""

    def __init__(self, spec: BrokerSpec, node: NodeCpu) -> None:
        self.spec = spec
        self.node = node
        self.cpu = Cpu(node, 2)
        self.link = Link()
        self.topics = {name: Topic(name, self) for name in spec.topics}

    def publish_seconds(self) -> float:
        """Return how long an acknowledged append takes now."""
        return PUBLISH_SECONDS * max(self.node.contention, self.node.io_stretch)
