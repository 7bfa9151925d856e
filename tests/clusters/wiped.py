"""Empty a cluster between two tests, so that one start of Apache Kafka serves a whole suite.

Only what came into being since the suite began is deleted: on a cluster that somebody else runs
nothing of theirs is touched.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

_SECONDS = 30.0


class Wiper:
    """Remembers what a cluster held at the beginning, and brings it back to that."""

    def __init__(self, bootstrap: str) -> None:
        self._servers = bootstrap.split(",")
        admin = _admin(self._servers[0])
        self._kept_topics = _topics(admin)
        self._kept_groups = _groups(admin)

    def wipe(self) -> None:
        """Delete the new topics and groups, and wait until every broker knows it."""
        # Clients of their own: those that lived through a kill are not to be relied on.
        admins = [_admin(each) for each in self._servers]
        _until(lambda: self._without_groups(admins[0]), "groups whose members do not go")
        _until(lambda: self._without_topics(admins), "topics that do not go")

    def _without_topics(self, admins: list[AdminClient]) -> bool:
        new = _topics(admins[0]) - self._kept_topics
        if new:
            _settle(admins[0].delete_topics(sorted(new)))
        return all(_topics(admin) <= self._kept_topics for admin in admins)

    def _without_groups(self, admin: AdminClient) -> bool:
        """A member that was killed is counted until its session is over."""
        new = _groups(admin) - self._kept_groups
        if new:
            _settle(admin.delete_consumer_groups(sorted(new)))
        return _groups(admin) <= self._kept_groups


def _admin(server: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": server, "log_level": 0})


def _topics(admin: AdminClient) -> set[str]:
    return {name for name in admin.list_topics(timeout=10).topics if name[:2] != "__"}


def _groups(admin: AdminClient) -> set[str]:
    listed = admin.list_consumer_groups(request_timeout=10).result()
    return {group.group_id for group in listed.valid}


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _SECONDS
    while not done():
        assert time.monotonic() < deadline, f"{what} within {_SECONDS} s"
        time.sleep(0.1)


def _settle(futures: Mapping[str, Future[None]]) -> None:
    """Wait for the answers; what was refused (a member is still there) is tried again."""
    for future in futures.values():
        with suppress(KafkaException):
            future.result()
