"""A message broker: topics, consumer groups and their lag."""

import random
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from simpy import Environment
from simpy.events import Event

from models.simulator.cpu import Cpu, NodeCpu
from models.simulator.network import Link
from models.simulator.outcome import NO_SPACE, NOT_LEADER, OK, TIMED_OUT
from models.simulator.topology import BrokerSpec
from models.simulator.volume import Volume

if TYPE_CHECKING:
    from models.simulator.process import Process

PUBLISH_SECONDS = 0.004
MAX_RETAINED = 200_000
BROKERS = 3
"""Brokers behind one address; what happens to one of them hits its share of the partitions."""


class Delivered(NamedTuple):
    """A message with the context of the span that published it. None can process a `bad` one."""

    trace: int
    span: int
    published_at: float
    bad: bool = False


class Group:
    """One consumer group on one topic. Idle workers wait here in turn.

    While it is `paused` nobody gets messages; while `hot_share` is set, so many messages lie in
    one partition, which hands them out one by one (`release`).
    """

    def __init__(self, name: str, topic: str) -> None:
        self.name = name
        self.topic = topic
        self.committed = 0
        self.in_work = 0
        self.messages: deque[Delivered] = deque(maxlen=MAX_RETAINED)
        self.held: deque[Delivered] = deque(maxlen=MAX_RETAINED)
        self.paused = False
        self.rebalances = 0
        self.hot_share = 0.0
        self.bad_share = 0.0
        self._counted = 0
        self._idle: deque[tuple[Process, Event]] = deque()

    @property
    def lag(self) -> int:
        """Messages that are not yet committed."""
        return len(self.messages) + len(self.held) + self.in_work

    def offer(self, message: Delivered) -> None:
        """Append a message and wake one worker whose process still runs."""
        self._counted += 1
        if self.bad_share and self._counted % max(2, round(1.0 / self.bad_share)) == 0:
            message = message._replace(bad=True)
        if self.paused or self._lies_hot():
            self.held.append(message)
            return
        self._hand_out(message)

    def pause(self) -> None:
        """Hand nothing out: the group is being rebalanced, or its broker is gone."""
        self.paused = True
        self.rebalances += 1
        self.held.extend(self.messages)
        self.messages.clear()

    def resume(self) -> None:
        """Hand everything out that was held back."""
        self.paused = False
        waiting = list(self.held)
        self.held.clear()
        for message in waiting:
            self._hand_out(message)

    def rebalance(self, through: int) -> None:
        """Take everything back, then hand out what gets through before the next rebalance."""
        self.pause()
        for _ in range(min(through, len(self.held))):
            self._hand_out(self.held.popleft())

    def release(self) -> None:
        """Hand out one message that was held back."""
        if self.held and not self.paused:
            self._hand_out(self.held.popleft())

    def wait(self, process: "Process", turn: Event) -> None:
        """Let an idle worker wait for its turn."""
        self._idle.append((process, turn))

    def _lies_hot(self) -> bool:
        return self.hot_share > 0.0 and (self._counted * 0.618034) % 1.0 < self.hot_share

    def _hand_out(self, message: Delivered) -> None:
        self.messages.append(message)
        while self._idle:
            process, turn = self._idle.popleft()
            if not process.stopped:
                turn.succeed()
                return


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
    """The brokers behind one address. The attributes that go wrong are plain."""

    def __init__(self, env: Environment, spec: BrokerSpec, node: NodeCpu) -> None:
        self.spec = spec
        self.node = node
        self.cpu = Cpu(node, 2)
        self.link = Link()
        self.volume = Volume(env, size_gb=500.0)
        self.topics = {name: Topic(name, self) for name in spec.topics}
        self.online = BROKERS
        self.offline_share = 0.0
        self.in_sync = 3
        self.follower_wait = 0.0
        self.throttle_seconds = 0.0
        self.elections = 0
        self.shrinks = 0
        self.failed_produces = 0
        self.produces = 0
        self.produce_seconds = 0.0

    def publish_seconds(self, rng: random.Random) -> float:
        """Return how long an acknowledged append takes now."""
        seconds = PUBLISH_SECONDS * max(self.node.contention, self.node.io_stretch)
        if self.follower_wait:
            seconds += self.follower_wait * (0.4 + 1.2 * rng.random())
        seconds += self.throttle_seconds + self.volume.wait(1.0)
        self.produce_seconds += seconds
        return seconds

    def failed(self) -> float:
        """Return how many appends were refused or lost."""
        return float(self.failed_produces)

    def verdict(self, rng: random.Random) -> int:
        """Decide whether an append is refused."""
        self.produces += 1
        outcome = OK
        if not self.online:
            outcome = TIMED_OUT
        elif self.volume.full or not self.volume.writable:
            outcome = NO_SPACE
        elif self.offline_share and rng.random() < self.offline_share:
            outcome = NOT_LEADER
        if outcome != OK:
            self.failed_produces += 1
        return outcome
