"""The rows of the fault table: what is done to which set-up, and how often. Data only."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults import shortages, strikes
from tests.faults.stand import Stand
from tests.faults.strikes import Plan

Strike = Callable[[Stand, Plan], Awaitable[None]]

_DURABLE = (
    "assigned",
    "restored",
    "read",
    "handled",
    "sent",
    "published",
    "owner",
    "saved",
    "committed",
    "releasing",
    "released",
)
MOMENTS = (
    *(f"reduce.{step}" for step in _DURABLE),
    *(f"correlate.{step}" for step in _DURABLE),
    *(f"notify.{step}" for step in ("read", "sent", "told", "logged", "committed")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        name: how the command line calls it.
        title: what a reader is told.
        strike: the fault.
        full: runs that the full target makes.
        quick: runs of the quick target; 0 leaves it out.
        workers: how many run before the fault, by turns.
        die_at: the moment at which the first worker kills itself.
        nodes: how many brokers it takes.
        proxied: whether the workers reach the broker through a proxy.
        embedded: whether it is about the embedded broker.
        waits: whether it mostly waits, so that several runs may go on at once.
    """

    name: str
    title: str
    strike: Strike
    full: int
    quick: int
    workers: tuple[int, ...] = (1,)
    die_at: str = ""
    nodes: int = 1
    proxied: bool = False
    embedded: bool = False
    waits: bool = False


ROWS: tuple[Row, ...] = (
    Row(
        name="undisturbed",
        title="nothing happens (what all others are compared with)",
        strike=strikes.nothing,
        full=5,
        quick=1,
        workers=(1, 2),
    ),
    Row(
        name="kill-worker",
        title="kill -9 of a worker at a random moment (the only one, or one of two)",
        strike=strikes.kill_worker,
        full=200,
        quick=4,
        workers=(1, 2),
    ),
    Row(
        name="kill-workers",
        title=f"kill -9 of {strikes.KILLS} workers one after the other, some not yet ready",
        strike=strikes.kill_workers,
        full=40,
        quick=1,
        workers=(1, 2),
    ),
    *(
        Row(
            name=f"die-at:{moment}",
            title=f"a worker dies at `{moment}`",
            strike=strikes.die_at(moment),
            full=10,
            quick=1 if moment in {"reduce.published", "correlate.saved", "notify.logged"} else 0,
            die_at=moment,
        )
        for moment in MOMENTS
    ),
    Row(
        name="kill-broker",
        title="kill -9 of the broker",
        strike=strikes.kill_broker,
        full=20,
        quick=2,
        workers=(1, 2),
    ),
    Row(
        name="kill-both",
        title="kill -9 of a worker and the broker at once",
        strike=strikes.kill_both,
        full=20,
        quick=2,
        workers=(1, 2),
    ),
    Row(
        name="stop-worker",
        title="SIGSTOP of a worker (one of two) for 30 s, then SIGCONT",
        strike=strikes.stop_worker,
        full=20,
        quick=1,
        workers=(2,),
        waits=True,
    ),
    Row(
        name="stop-broker",
        title="SIGSTOP of the broker for 30 s, then SIGCONT",
        strike=strikes.stop_broker,
        full=20,
        quick=1,
        workers=(1, 2),
        waits=True,
    ),
    Row(
        name="cut-broker",
        title="broker unreachable for 2 min, connections stay",
        strike=strikes.cut_broker,
        full=20,
        quick=1,
        workers=(1, 2),
        proxied=True,
        waits=True,
    ),
    Row(
        name="lose-broker",
        title="kill -9 of one of three brokers, away for 30 s",
        strike=strikes.lose_broker,
        full=20,
        quick=0,
        workers=(1, 2),
        nodes=3,
    ),
    Row(
        name="change-leader",
        title="one of three brokers shut down in order: its partitions get other leaders",
        strike=strikes.change_leader,
        full=20,
        quick=0,
        workers=(1, 2),
        nodes=3,
    ),
    Row(
        name="roll",
        title="rolling restart of two workers to a version with another format of states",
        strike=strikes.roll,
        full=10,
        quick=1,
        workers=(2,),
    ),
    Row(
        name="poison",
        title="1 message in 10 of every input topic is poison",
        strike=strikes.poison,
        full=10,
        quick=1,
        workers=(1, 2),
    ),
    Row(
        name="come-and-go",
        title="a worker joins in the storm, then one leaves (SIGTERM) or is killed",
        strike=strikes.come_and_go,
        full=50,
        quick=2,
    ),
    Row(
        name="scale",
        title="1 → 4 → 2 workers in the storm",
        strike=strikes.scale_out_and_in,
        full=50,
        quick=1,
    ),
    Row(
        name="full-disk",
        title="no file of the broker may grow (RLIMIT_FSIZE, as on a full disk) for 30 s",
        strike=shortages.full_disk,
        embedded=True,
        full=10,
        quick=1,
        workers=(1, 2),
    ),
    Row(
        name="few-files-broker",
        title="the broker may open no file and no socket (RLIMIT_NOFILE) for 30 s; a worker joins",
        strike=shortages.few_files_broker,
        embedded=True,
        full=10,
        quick=1,
    ),
    Row(
        name="few-files-worker",
        title="a worker may open nothing for 30 s, while the broker is killed and restarted",
        strike=shortages.few_files_worker,
        full=10,
        quick=1,
        workers=(1, 2),
    ),
    Row(
        name="little-memory",
        title="a worker gets no more memory (RLIMIT_AS) for 30 s",
        strike=shortages.little_memory,
        full=10,
        quick=1,
        workers=(1, 2),
    ),
)
