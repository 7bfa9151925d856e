"""Answers to the requests about committed offsets: commit, fetch, and deletion of either kind."""

from agents.broker.api import ApiKey
from agents.broker.context import Context, Respond
from agents.broker.coordinator import GroupCoordinator
from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.group_requests import member_ref
from agents.broker.offsets import MAX_METADATA_CHARS, Committed, CommittedOffsets, Place
from agents.broker.topics import TopicCatalog
from agents.broker.wire import Message


class OffsetRequests:
    """Committed offsets; the coordinator says who may commit, the catalog what exists."""

    def __init__(
        self, coordinator: GroupCoordinator, offsets: CommittedOffsets, catalog: TopicCatalog
    ) -> None:
        self._coordinator = coordinator
        self._offsets = offsets
        self._catalog = catalog

    def responders(self) -> dict[ApiKey, Respond]:
        """Return what answers which request."""
        return {
            ApiKey.OFFSET_COMMIT: self.commit,
            ApiKey.OFFSET_FETCH: self.fetch,
            ApiKey.OFFSET_DELETE: self.delete,
            ApiKey.DELETE_GROUPS: self.delete_groups,
        }

    async def commit(self, body: Message, _context: Context) -> Message:
        """Store how far a group has read; partitions that do not exist are refused one by one."""
        group_id = body["group_id"]
        refusal = self._coordinator.check_commit(member_ref(body))
        commits: dict[Place, Committed] = {}
        errors: dict[Place, ErrorCode] = {}
        for topic in body["topics"]:
            for part in topic["partitions"]:
                place = (topic["name"], part["index"])
                errors[place] = refusal or self._check(place, part["metadata"])
                if errors[place] is ErrorCode.NONE:
                    commits[place] = Committed(
                        part["offset"], part["leader_epoch"], part["metadata"] or ""
                    )
        try:
            if commits:
                self._offsets.commit(group_id, commits)
        except BrokerError as error:
            errors = {place: errors[place] or error.code for place in errors}
        return {"topics": _per_partition(body, errors)}

    async def fetch(self, body: Message, _context: Context) -> Message:
        """Return committed offsets, -1 where there is none; null asks for all of the group's."""
        group_id = body["group_id"]
        if body["topics"] is None:
            wanted: dict[str, list[int]] = {}
            for topic, index in self._offsets.of_group(group_id):
                wanted.setdefault(topic, []).append(index)
        else:
            wanted = {row["name"]: row["partitions"] for row in body["topics"]}
        topics = [
            {
                "name": name,
                "partitions": [self._committed(group_id, (name, index)) for index in indexes],
            }
            for name, indexes in wanted.items()
        ]
        return {"topics": topics}

    async def delete(self, body: Message, _context: Context) -> Message:
        """Drop a group's commits for some partitions, if no member reads that topic."""
        group_id = body["group_id"]
        if self._coordinator.find(group_id) is not None:
            # Members' subscriptions are opaque here, so any member counts as a reader.
            refusal = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
        elif group_id not in self._offsets.groups():
            return {"error": ErrorCode.GROUP_ID_NOT_FOUND, "topics": []}
        else:
            refusal = ErrorCode.NONE
        places = [(t["name"], p["index"]) for t in body["topics"] for p in t["partitions"]]
        if refusal is ErrorCode.NONE:
            self._offsets.forget(group_id, places)
        return {"topics": _per_partition(body, dict.fromkeys(places, refusal))}

    async def delete_groups(self, body: Message, _context: Context) -> Message:
        """Drop groups that have no members."""
        results = [
            {"group_id": group_id, "error": self._delete_group(group_id)}
            for group_id in body["groups"]
        ]
        return {"results": results}

    def _check(self, place: Place, metadata: str | None) -> ErrorCode:
        if len(metadata or "") > MAX_METADATA_CHARS:
            return ErrorCode.OFFSET_METADATA_TOO_LARGE
        try:
            self._catalog.partition(*place)
        except BrokerError as error:
            return error.code
        return ErrorCode.NONE

    def _committed(self, group_id: str, place: Place) -> Message:
        found = self._offsets.find(group_id, place) or Committed(-1, -1, "")
        return {
            "index": place[1],
            "offset": found.offset,
            "leader_epoch": found.leader_epoch,
            "metadata": found.metadata,
        }

    def _delete_group(self, group_id: str) -> ErrorCode:
        if self._coordinator.find(group_id) is not None:
            return ErrorCode.NON_EMPTY_GROUP
        if group_id not in self._offsets.groups():
            return ErrorCode.GROUP_ID_NOT_FOUND
        self._offsets.forget_group(group_id)
        return ErrorCode.NONE


def _per_partition(body: Message, errors: dict[Place, ErrorCode]) -> list[Message]:
    return [
        {
            "name": topic["name"],
            "partitions": [
                {"index": part["index"], "error": errors[topic["name"], part["index"]]}
                for part in topic["partitions"]
            ],
        }
        for topic in body["topics"]
    ]
