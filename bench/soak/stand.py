"""The processes of a soak: a broker unless one is given, and workers, as users start them."""

import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from agents.demo.children import Children

_ROOT = str(Path(__file__).parents[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What runs: where Kafka is, the processes' ids and their health addresses, by name."""

    bootstrap: str
    pids: dict[str, int]
    health: dict[str, str]


async def start(
    stack: AsyncExitStack, folder: Path, workers: int, settings: dict[str, str]
) -> Stand:
    """Start everything; it is stopped when the stack is closed."""
    given = os.environ.get("ROOTLINE_BOOTSTRAP")
    environ = {
        "PYTHONPATH": os.pathsep.join((_ROOT, *sys.path)),
        "ROOTLINE_TELEMETRY__PORT": "0",
        "ROOTLINE_LOGGING__LEVEL": "warning",
        "ROOTLINE_RESOLVER__ENVIRONMENT_LABELS": "environment",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        **settings,
    }
    children = await stack.enter_async_context(Children(folder, environ))
    pids, health = {}, {}
    bootstrap = given or ""
    if not given:
        where = ("--port", "0", "--data-dir", str(folder / "broker"))
        broker = await children.rootline("broker", *where)
        bootstrap = str((await broker.ready())["bootstrap"])
        pids["broker"] = broker.process.pid
    environ["ROOTLINE_KAFKA__BOOTSTRAP"] = bootstrap
    children = await stack.enter_async_context(Children(folder, environ))
    for number in range(1, workers + 1):
        name = f"worker-{number}"
        worker = await children.start(name, "agents", ["worker", "--json"])
        health[name] = str((await worker.ready())["health"])
        pids[name] = worker.process.pid
    return Stand(bootstrap=bootstrap, pids=pids, health=health)
