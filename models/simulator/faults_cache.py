"""Faults of caches: memory, the one thread, clients, saving, replicas."""

from collections.abc import Callable

from models.simulator import victims_store
from models.simulator.cache import MAX_CLIENTS, Cache
from models.simulator.fault_spec import FaultSpec, Injected, Injection
from models.simulator.outcome import NO_SPACE, OK, READ_ONLY
from models.simulator.repeat import repeat

STEP_SECONDS = 2.0


def _cache(injection: Injection) -> Cache:
    return injection.world.caches[injection.target]


def _fade(cache: Cache, *, floor: float, seconds: float) -> None:
    """Forget a little of what the cache knew."""
    cache.warmth = max(floor, cache.warmth - STEP_SECONDS / seconds)


def _evict(injection: Injection) -> Injected:
    """Let the memory be too small for what is written, so that keys go before their time."""
    cache, rng = _cache(injection), injection.rng
    floor, speed = rng.uniform(0.05, 0.3), rng.uniform(300.0, 900.0)
    cache.memory_share = 1.0

    def act() -> float:
        _fade(cache, floor=floor, seconds=20.0)
        cache.evicted += speed * STEP_SECONDS
        return STEP_SECONDS

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        cache.memory_share, cache.warmth = 0.62, 1.0

    return Injected(undo=undo)


def _refuse_writes(cache: Cache, injection: Injection, outcome: int) -> Callable[[], None]:
    """Let the cache take no writes; what it knows runs out."""
    rng = injection.rng
    cache.writable = outcome
    asked = cache.commands / max(1.0, injection.world.env.now)
    floor, life = rng.uniform(0.02, 0.15), rng.uniform(20.0, 45.0)

    def act() -> float:
        _fade(cache, floor=floor, seconds=life)
        cache.write_errors += round(0.2 * asked * STEP_SECONDS)
        return STEP_SECONDS

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        cache.past_errors[outcome] = cache.write_errors
        cache.writable, cache.warmth = OK, 1.0

    return undo


def _fill(injection: Injection) -> Injected:
    """Let the memory be full of keys that may not be evicted."""
    cache = _cache(injection)
    cache.memory_share = 1.0
    end = _refuse_writes(cache, injection, NO_SPACE)

    def undo() -> None:
        end()
        cache.memory_share = 0.62

    return Injected(undo=undo)


def _fail_over(injection: Injection) -> Injected:
    """Let the primary go; clients stay with what takes no writes and knows little."""
    cache = _cache(injection)
    cache.up, cache.replicas = False, 0
    back = injection.world.env.now + injection.rng.uniform(15.0, 30.0)
    ends: list[Callable[[], None]] = []

    def act() -> float:
        if not cache.up and injection.world.env.now >= back:
            cache.up = True
            ends.append(_refuse_writes(cache, injection, READ_ONLY))
        return STEP_SECONDS

    ends.append(repeat(injection.world.env, act))

    def undo() -> None:
        for end in ends:
            end()
        cache.up, cache.replicas = True, 1

    return Injected(undo=undo)


def _stop_saving(injection: Injection) -> Injected:
    """Let saving to disk fail, upon which no writes are taken."""
    cache = _cache(injection)
    cache.saved = False
    end = _refuse_writes(cache, injection, READ_ONLY)

    def undo() -> None:
        end()
        cache.saved = True

    return Injected(undo=undo)


def _big_key(injection: Injection) -> Injected:
    """Let somebody read a key of very many members whole, again and again."""
    cache, rng, env = _cache(injection), injection.rng, injection.world.env

    def act() -> float:
        took = rng.uniform(0.8, 2.2)
        cache.stalled_until = max(cache.stalled_until, env.now) + took
        cache.sent_bytes += took * 9e7
        cache.slow_commands += 1
        cache.busy_seconds += took
        return took + rng.uniform(0.5, 1.8)

    return Injected(undo=repeat(injection.world.env, act))


def _hot_key(injection: Injection) -> Injected:
    """Let one key be read so often that the one thread cannot keep up."""
    cache, rng, env = _cache(injection), injection.rng, injection.world.env
    usual = max(1.0, cache.commands / max(1.0, env.now))
    cache.serial_seconds = rng.uniform(1.05, 1.4) / usual
    read = rng.uniform(30_000.0, 60_000.0)

    def act() -> float:
        cache.commands += round(read * STEP_SECONDS)
        cache.hits += round(read * STEP_SECONDS)
        cache.sent_bytes += read * STEP_SECONDS * 600.0
        cache.busy_seconds += 0.85 * STEP_SECONDS
        return STEP_SECONDS

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        cache.serial_seconds = 0.0

    return Injected(undo=undo)


def _take_clients(injection: Injection) -> Injected:
    """Let somebody open connections without end; others find none left."""
    cache, rng = _cache(injection), injection.rng
    speed, most = rng.uniform(25.0, 60.0), rng.uniform(0.6, 0.95)

    def act() -> float:
        cache.strangers = min(0.97 * MAX_CLIENTS, cache.strangers + speed * STEP_SECONDS)
        if cache.strangers >= 0.9 * MAX_CLIENTS:
            cache.turned_away = min(most, cache.turned_away + 0.1)
        return STEP_SECONDS

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        cache.strangers, cache.turned_away = 0.0, 0.0

    return Injected(undo=undo)


def _fork(injection: Injection) -> Injected:
    """Let saving fork a program of much memory, which stops it for seconds each time."""
    cache, rng, env = _cache(injection), injection.rng, injection.world.env

    def act() -> float:
        took = rng.uniform(2.5, 6.0)
        cache.fork_seconds, cache.saving = took, True
        cache.stalled_until = env.now + took
        return took + rng.uniform(2.0, 5.0)

    end = repeat(injection.world.env, act)

    def undo() -> None:
        end()
        cache.fork_seconds, cache.saving = 0.002, False

    return Injected(undo=undo)


def _sync(injection: Injection) -> Injected:
    """Let writing the append-only file through to a slow disk hold the one thread up."""
    cache, rng, env = _cache(injection), injection.rng, injection.world.env

    def act() -> float:
        took = rng.uniform(0.6, 1.8)
        cache.stalled_until = max(cache.stalled_until, env.now) + took
        cache.delayed_syncs += 1
        return took + rng.uniform(0.3, 1.0)

    return Injected(undo=repeat(injection.world.env, act))


def _spec(
    name: str, pattern: str, description: str, inject: Callable[[Injection], Injected]
) -> FaultSpec:
    return FaultSpec(
        name=name,
        pattern=pattern,
        description=description,
        kinds=("cache",),
        eligible=victims_store.used_caches,
        inject=inject,
    )


CACHE_FAULTS = (
    _spec(
        "cache_evictions",
        "cache.redis.maxmemory_eviction",
        "a cache is too small and throws keys out before their time",
        _evict,
    ),
    _spec(
        "cache_memory_full",
        "cache.redis.oom",
        "a cache is full of keys that it may not throw out, and takes no writes",
        _fill,
    ),
    _spec(
        "cache_failover",
        "cache.redis.failover",
        "a cache's primary is lost; clients end up with a server that takes no writes",
        _fail_over,
    ),
    _spec(
        "cache_saving_failed",
        "cache.redis.persistence_fail",
        "a cache cannot save to disk, and takes no writes for that",
        _stop_saving,
    ),
    _spec(
        "cache_big_key",
        "cache.redis.big_key",
        "somebody reads a huge key whole, again and again; everybody else waits",
        _big_key,
    ),
    _spec(
        "cache_hot_key",
        "cache.redis.hot_key",
        "one key is read so often that the cache cannot keep up",
        _hot_key,
    ),
    _spec(
        "cache_clients_full",
        "cache.redis.conn_exhausted",
        "somebody takes all of a cache's client connections",
        _take_clients,
    ),
    _spec(
        "cache_fork_stalls",
        "cache.redis.fork_latency",
        "saving to disk stops a cache for seconds each time",
        _fork,
    ),
    _spec(
        "cache_fsync_stalls",
        "cache.redis.aof_fsync",
        "a slow disk holds a cache up that writes each change through",
        _sync,
    ),
)
