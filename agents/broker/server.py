"""The embedded broker as one object: builds the parts, listens, and stops in good order."""

import asyncio
import fcntl
import logging
import time
import uuid
from contextlib import ExitStack

from agents.broker.admin_requests import AdminRequests
from agents.broker.byte_budget import ByteBudget
from agents.broker.config import BrokerConfig
from agents.broker.connection import Connection
from agents.broker.coordinator import GroupCoordinator, GroupLimits
from agents.broker.data_requests import DataRequests
from agents.broker.group_requests import GroupRequests
from agents.broker.housekeeping import keep_house
from agents.broker.metadata_requests import MetadataRequests
from agents.broker.offset_requests import OffsetRequests
from agents.broker.offsets import CommittedOffsets
from agents.broker.partition_log import LogOptions
from agents.broker.topic_config import broker_defaults
from agents.broker.topics import TopicCatalog

logger = logging.getLogger(__name__)

_READ_AHEAD = 256 * 1024


class EmbeddedBroker:
    """A single-node Kafka-protocol broker for demos and tests on one machine.

    It has no authentication, no replication and no transactions: production runs Apache Kafka.
    """

    def __init__(self, config: BrokerConfig) -> None:
        self._config = config
        self._budget = ByteBudget(config.max_inflight_bytes)
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._resources = ExitStack()

    @property
    def bootstrap(self) -> str:
        """The address for clients, with the port that was actually bound."""
        assert self._server is not None, "the broker is started"
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Recover what is stored, then listen.

        Raises:
            RuntimeError: another broker uses the data folder.
            OSError: the address is taken or the folder cannot be used.
        """
        try:
            self._take_lock()
            self._open_parts()
            self._server = await asyncio.start_server(
                self._accept, self._config.host, self._config.port, limit=_READ_AHEAD
            )
        except BaseException:
            self._resources.close()
            raise
        self._housekeeping = asyncio.create_task(
            keep_house(self._catalog, self._offsets, self._config)
        )
        logger.info("embedded broker listens on %s", self.bootstrap)

    async def stop(self) -> None:
        """Stop listening, end the connections, and release the files."""
        if self._server is None:
            return
        self._server.close()
        tasks = [self._housekeeping, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._resources.close()
        self._server = None
        logger.info("embedded broker stopped")

    def _take_lock(self) -> None:
        folder = self._config.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        lock = self._resources.enter_context((folder / "broker.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            msg = f"{folder} is in use by another broker; stop it or choose another data folder"
            raise RuntimeError(msg) from error

    def _open_parts(self) -> None:
        config = self._config
        options = LogOptions(
            fsync=config.fsync,
            index_interval_bytes=config.index_interval_bytes,
            max_producers=config.max_producers_per_partition,
            clock_ms=_wall_ms,
        )
        self._catalog = TopicCatalog(
            config.data_dir,
            broker_defaults(config),
            options,
            max_partitions=config.max_partitions,
        )
        self._resources.callback(self._catalog.close)
        self._offsets = CommittedOffsets(
            config.data_dir, fsync=config.fsync, max_groups=config.max_groups
        )
        self._resources.callback(self._offsets.close)
        limits = GroupLimits(
            max_groups=config.max_groups,
            max_members=config.max_group_members,
            min_session_timeout_ms=config.min_session_timeout_ms,
            max_session_timeout_ms=config.max_session_timeout_ms,
            initial_delay_ms=config.group_initial_delay_ms,
        )
        coordinator = GroupCoordinator(limits, _monotonic_ms, lambda: uuid.uuid4().hex)
        group_requests = GroupRequests(coordinator, self._offsets, _monotonic_ms)
        self._resources.callback(group_requests.close)
        self._responders = {
            **DataRequests(self._catalog, self._budget, config).responders(),
            **MetadataRequests(self._catalog, config).responders(),
            **group_requests.responders(),
            **OffsetRequests(coordinator, self._offsets, self._catalog).responders(),
            **AdminRequests(self._catalog, self._offsets, config).responders(),
        }

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._config.max_connections:
            logger.warning("refused a connection: %d are open", len(self._connections))
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None, "the server runs each connection in a task"
        self._connections.add(task)
        try:
            await Connection(reader, writer, self._responders, self._budget, self._config).serve()
        except asyncio.CancelledError:
            writer.close()  # the broker stops; the streams module would log the cancellation
        finally:
            self._connections.discard(task)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
