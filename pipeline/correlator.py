"""CORRELATE for one signals partition: an engine per environment, one snapshot for all."""

from dataclasses import dataclass, field

import msgspec

from pipeline.config import PipelineConfig
from pipeline.engine import Engine, EngineState
from pipeline.outputs import Output
from schemas.candidate import Ranker
from schemas.signal import Signal, TickSignal

STATE_VERSION = 1


@dataclass(slots=True, kw_only=True)
class CorrelatorState:
    """What a snapshot holds. `version` moves when older code could not read it."""

    version: int
    engines: list[EngineState] = field(default_factory=list)


class Correlator:
    """Routes signals to the engine of their environment; engines are made on first sight."""

    def __init__(self, config: PipelineConfig, rank: Ranker) -> None:
        self._config = config
        self._rank = rank
        self.engines: dict[str, Engine] = {}

    def handle(self, environment: str, signal: Signal, arrived_ms: int) -> list[Output]:
        """Take in one signal of an environment that arrived at `arrived_ms`."""
        outputs: list[Output] = []
        if environment not in self.engines:
            outputs += self._make_room()
        return outputs + self.engine(environment).handle(signal, arrived_ms)

    def engine(self, environment: str) -> Engine:
        """Return the environment's engine, made when it is not there yet."""
        if environment not in self.engines:
            self.engines[environment] = Engine(environment, self._config, self._rank)
        return self.engines[environment]

    def ticks(self, now_ms: int) -> list[tuple[str, TickSignal]]:
        """Return the ticks that silence justifies: one per environment where something is due.

        The shell appends them to the signals log, so that time passes the same way in a replay.
        """
        due: list[tuple[str, TickSignal]] = []
        for environment, engine in sorted(self.engines.items()):
            wakeup_ms = engine.next_wakeup()
            held_ms = engine.buffered_until()
            wanted = min((w for w in (wakeup_ms, held_ms) if w is not None), default=None)
            if wanted is None:
                continue
            reached = engine.watermark.elapsed_estimate(now_ms, config=self._config.watermark)
            needed = wanted + int(self._config.watermark.lateness_seconds * 1000) + 1
            if reached >= needed:
                due.append((environment, TickSignal(observed_ms=reached)))
        return due

    def _make_room(self) -> list[Output]:
        """At the limit, end the environment that was idle longest, and say what became of it."""
        if len(self.engines) < self._config.max_environments:
            return []
        idle = min(self.engines, key=lambda e: (self.engines[e].watermark.arrived_ms, e))
        return self.engines.pop(idle).close()

    def snapshot(self) -> bytes:
        """Return all state as bytes."""
        state = CorrelatorState(
            version=STATE_VERSION,
            engines=[engine.snapshot() for _, engine in sorted(self.engines.items())],
        )
        return msgspec.json.encode(state)

    def restore(self, data: bytes) -> None:
        """Replace all state by a snapshot.

        Raises:
            ValueError: when it is of another version or no snapshot of ours.
        """
        try:
            state = msgspec.json.decode(data, type=CorrelatorState)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            msg = f"no correlator snapshot ({str(error)[:200]}); expected what `snapshot` gave"
            raise ValueError(msg) from error
        if state.version != STATE_VERSION:
            msg = f"a correlator snapshot of version {state.version}, expected {STATE_VERSION}"
            raise ValueError(msg)
        self.engines = {}
        for engine_state in state.engines:
            self.engine(engine_state.environment).restore(engine_state)

    def stats(self) -> dict[str, float]:
        """Return the engines' sizes, summed; times are the slowest engine's."""
        total: dict[str, float] = {"environments": float(len(self.engines))}
        for engine in self.engines.values():
            for name, value in engine.stats().items():
                if name.endswith("_ms"):
                    total[name] = min(total.get(name, value), value)
                else:
                    total[name] = total.get(name, 0.0) + value
        return total
