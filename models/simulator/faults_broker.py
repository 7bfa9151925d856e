"""Faults of brokers and their topics."""

from collections.abc import Callable

from models.simulator import victims_store
from models.simulator.broker import BROKERS, Broker, Group
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.repeat import repeat


def _broker(injection: Injection) -> Broker:
    return injection.world.brokers[injection.target]


def _groups(broker: Broker) -> list[Group]:
    return [group for topic in broker.topics.values() for group in topic.groups]


def _go_down(injection: Injection) -> Injected:
    """Let all brokers be gone: nothing can be published or consumed."""
    broker = _broker(injection)
    broker.online, broker.in_sync = 0, 0
    for group in _groups(broker):
        group.pause()

    def undo() -> None:
        broker.online, broker.in_sync = BROKERS, 3
        for group in _groups(broker):
            group.resume()

    return Injected(undo=undo)


def _lose_partitions(injection: Injection) -> Injected:
    """Let a share of the partitions have no leader."""
    broker = _broker(injection)
    broker.offline_share = injection.rng.uniform(0.3, 0.7)
    broker.online, broker.in_sync = BROKERS - 1, 2

    def undo() -> None:
        broker.offline_share, broker.online, broker.in_sync = 0.0, BROKERS, 3

    return Injected(undo=undo)


def _slow_follower(injection: Injection) -> Injected:
    """Let a follower be so slow that it falls out of sync and back in; appends wait for it."""
    broker, rng = _broker(injection), injection.rng
    broker.follower_wait = rng.uniform(0.7, 1.8)

    def act() -> float:
        broker.in_sync = 2 if broker.in_sync == 3 else 3
        broker.shrinks += broker.in_sync == 2
        return rng.uniform(4.0, 12.0)

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        broker.follower_wait, broker.in_sync = 0.0, 3

    return Injected(undo=undo)


def _lose_follower(injection: Injection) -> Injected:
    """Let a broker's replicas be gone for good; the others carry its load."""
    broker = _broker(injection)
    broker.in_sync, broker.online = 2, BROKERS - 1
    broker.follower_wait = injection.rng.uniform(0.5, 1.1)
    broker.shrinks += 1

    def undo() -> None:
        broker.in_sync, broker.online, broker.follower_wait = 3, BROKERS, 0.0

    return Injected(undo=undo)


def _elect(injection: Injection) -> Injected:
    """Let the controller change again and again; leaders are elected anew each time."""
    broker, rng = _broker(injection), injection.rng

    def act() -> float:
        broker.elections += 6
        broker.offline_share = rng.uniform(0.5, 1.0) if broker.offline_share == 0.0 else 0.0
        return rng.uniform(3.0, 8.0)

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        broker.offline_share = 0.0

    return Injected(undo=undo)


def _throttle(injection: Injection) -> Injected:
    """Let a quota keep producers waiting."""
    broker = _broker(injection)
    broker.throttle_seconds = injection.rng.uniform(0.8, 2.2)
    now = injection.world.env.now
    injection.changes.add("config", injection.target, now, f"{injection.target}: set quotas")

    def undo() -> None:
        broker.throttle_seconds = 0.0

    return Injected(undo=undo)


def _fill(injection: Injection) -> Injected:
    """Let logs that are kept for too long fill the brokers' disks."""
    volume = _broker(injection).volume
    volume.fill((1.0 - volume.used) / injection.rng.uniform(30.0, 60.0))
    return Injected(undo=lambda: volume.set_used(0.4))


def _rebalance(injection: Injection) -> Injected:
    """Let the groups of a topic be rebalanced without end; meanwhile nobody consumes."""
    rng = injection.rng
    groups = injection.world.topics[injection.target].groups

    published = injection.world.topics[injection.target].published
    rate, share = published / max(1.0, injection.world.env.now), rng.uniform(0.05, 0.3)

    def act() -> float:
        pause = rng.uniform(5.0, 12.0)
        for group in groups:
            group.rebalance(round(share * rate * pause))
        return pause

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        for group in groups:
            group.resume()

    return Injected(undo=undo)


def _poison(injection: Injection) -> Injected:
    """Let messages come that no consumer can process, and that are tried for ever."""
    groups = injection.world.topics[injection.target].groups
    share = injection.rng.uniform(0.15, 0.35)
    for group in groups:
        group.bad_share = share

    def undo() -> None:
        for group in groups:
            group.bad_share = 0.0

    return Injected(undo=undo)


def _skew(injection: Injection) -> Injected:
    """Let most messages lie in one partition, which one worker has to consume alone."""
    topic, env = injection.world.topics[injection.target], injection.world.env
    share = injection.rng.uniform(0.75, 0.95)
    published = max(0.05, topic.published / max(1.0, env.now))
    pause = 1.0 / (injection.rng.uniform(0.2, 0.4) * published)
    for group in topic.groups:
        group.hot_share = share

    def act() -> float:
        for group in topic.groups:
            group.release()
        return pause

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        for group in topic.groups:
            group.hot_share = 0.0
            group.resume()

    return Injected(undo=undo)


def _of_broker(
    name: str, pattern: str, description: str, inject: Callable[[Injection], Injected]
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=pattern,
        description=description,
        kinds=("queue",),
        eligible=victims_store.used_brokers,
        inject=inject,
    )


def _of_topic(
    name: str, pattern: str, description: str, inject: Callable[[Injection], Injected]
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=pattern,
        description=description,
        kinds=("queue",),
        eligible=victims_store.consumed_topics,
        inject=inject,
    )


BROKER_FAULTS = (
    _of_broker("brokers_gone", "mq.kafka.broker_down", "all brokers are gone", _go_down),
    _of_broker(
        "partitions_offline",
        "mq.kafka.offline_partition",
        "a share of the partitions has no leader",
        _lose_partitions,
    ),
    _of_broker(
        "replicas_fall_out",
        "mq.kafka.isr_shrink",
        "a slow follower falls out of sync and back in; appends wait for it",
        _slow_follower,
    ),
    _of_broker(
        "replicas_missing",
        "mq.kafka.under_replicated",
        "a broker's replicas are missing, the others carry its load",
        _lose_follower,
    ),
    _of_broker(
        "leaders_flap",
        "mq.kafka.controller_flap",
        "leaders are elected again and again",
        _elect,
    ),
    _of_broker(
        "producers_throttled",
        "mq.kafka.quota_throttle",
        "a quota keeps producers waiting",
        _throttle,
    ),
    _of_broker("broker_disk_full", "mq.kafka.disk_full", "the brokers' disks fill up", _fill),
    _of_topic(
        "endless_rebalance",
        "mq.kafka.rebalance_storm",
        "a topic's groups are rebalanced without end",
        _rebalance,
    ),
    _of_topic(
        "unreadable_messages",
        "mq.kafka.poison_message",
        "messages come that cannot be processed, and are tried for ever",
        _poison,
    ),
    _of_topic(
        "one_partition",
        "mq.kafka.hot_partition",
        "most messages lie in one partition, which one worker consumes alone",
        _skew,
    ),
)
