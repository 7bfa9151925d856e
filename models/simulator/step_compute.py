"""The step that uses the processor, with what stalls a program: crowding, pauses, freezing."""

import math
import random

from simpy import Environment
from simpy.events import Timeout

from models.simulator.kernel import Steps
from models.simulator.outcome import OK, SERVER_ERROR
from models.simulator.process import Process
from models.simulator.service import Service
from models.simulator.topology import ComputeSpec
from models.simulator.work import Work


class Compute:
    """Own code of one service, which a faulty version makes slow or wrong."""

    __slots__ = ("_env", "_mu", "_rng", "_service", "_spread")

    def __init__(
        self, spec: ComputeSpec, service: Service, env: Environment, rng: random.Random
    ) -> None:
        self._env = env
        self._rng = rng
        self._service = service
        self._spread = spec.spread
        self._mu = math.log(spec.ms / 1000.0) - 0.5 * spec.spread * spec.spread

    def run(self, work: Work) -> Steps:
        """Compute for a while."""
        process, env, service = work.process, self._env, self._service
        seconds = self._rng.lognormvariate(self._mu, self._spread)
        faulty = process.pod.version == service.faulty_version
        if faulty:
            seconds *= service.slowness
        seconds *= service.drag
        stretch = process.cpu.enter(env.now)
        yield Timeout(env, seconds * max(stretch, process.pod.node.cpu.io_stretch**0.5))
        if process.stopped:
            return OK
        process.cpu.leave(env.now)
        if process.stalled:
            yield from stall(process)
        if faulty and service.error_ratio and self._rng.random() < service.error_ratio:
            return SERVER_ERROR
        return OK


def stall(process: Process) -> Steps:
    """Wait while the program is paused or frozen."""
    while not process.stopped:
        heap, now = process.heap, process.env.now
        if process.thaw is not None:
            yield process.thaw
        elif heap is not None and heap.paused_until > now:
            yield Timeout(process.env, heap.paused_until - now)
        else:
            break
    return OK
