"""Answers to the requests by which consumers share a topic: membership and its inspection.

Turns messages into calls of the pure coordinator, its replies into futures, and keeps its clock.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from agents.broker.api import ApiKey
from agents.broker.context import Context, Respond
from agents.broker.coordinator import GroupCoordinator, MemberRef
from agents.broker.errors import ErrorCode
from agents.broker.group import Group, JoinAnswer, JoinRequest, SyncAnswer
from agents.broker.offsets import CommittedOffsets
from agents.broker.wire import Message

Answer = TypeVar("Answer", JoinAnswer, SyncAnswer)


class GroupRequests:
    """Group membership over one coordinator."""

    def __init__(
        self,
        coordinator: GroupCoordinator,
        offsets: CommittedOffsets,
        clock_ms: Callable[[], int],
    ) -> None:
        self._coordinator = coordinator
        self._offsets = offsets
        self._clock_ms = clock_ms
        self._timer: asyncio.TimerHandle | None = None

    def responders(self) -> dict[ApiKey, Respond]:
        """Return what answers which request."""
        return {
            ApiKey.JOIN_GROUP: self.join,
            ApiKey.SYNC_GROUP: self.sync,
            ApiKey.HEARTBEAT: self.heartbeat,
            ApiKey.LEAVE_GROUP: self.leave,
            ApiKey.DESCRIBE_GROUPS: self.describe,
            ApiKey.LIST_GROUPS: self.list_groups,
        }

    def close(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()

    async def join(self, body: Message, context: Context) -> Message:
        """Join a group; the answer comes when all its members have joined."""
        answered: asyncio.Future[JoinAnswer] = asyncio.get_running_loop().create_future()
        rebalance_ms = body["rebalance_timeout_ms"]
        request = JoinRequest(
            member_id=body["member_id"],
            instance_id=body["group_instance_id"],
            client_id=context.client_id,
            client_host=context.client_host,
            session_timeout_ms=body["session_timeout_ms"],
            rebalance_timeout_ms=body["session_timeout_ms"] if rebalance_ms < 0 else rebalance_ms,
            protocol_type=body["protocol_type"],
            protocols=tuple((p["name"], p["metadata"]) for p in body["protocols"]),
        )
        self._coordinator.join(body["group_id"], request, _resolve(answered))
        self._arm()
        answer = await answered
        return {
            "error": answer.error,
            "generation_id": answer.generation,
            "protocol_name": answer.protocol,
            "leader": answer.leader,
            "member_id": answer.member_id,
            "members": [
                {"member_id": member_id, "group_instance_id": instance_id, "metadata": metadata}
                for member_id, instance_id, metadata in answer.members
            ],
        }

    async def sync(self, body: Message, _context: Context) -> Message:
        """Give each member its assignment once the leader has decided."""
        answered: asyncio.Future[SyncAnswer] = asyncio.get_running_loop().create_future()
        assignments = {row["member_id"]: row["assignment"] for row in body["assignments"]}
        self._coordinator.sync(member_ref(body), assignments, _resolve(answered))
        self._arm()
        answer = await answered
        return {"error": answer.error, "assignment": answer.assignment}

    async def heartbeat(self, body: Message, _context: Context) -> Message:
        """Keep a member alive."""
        return {"error": self._coordinator.heartbeat(member_ref(body))}

    async def leave(self, body: Message, _context: Context) -> Message:
        """Take members out of a group; before version 3 a request names just one."""
        rows = body["members"]
        if rows is None:
            error = self._coordinator.leave(body["group_id"], body["member_id"], None)
            self._arm()
            return {"error": error}
        results = [
            {
                **row,
                "error": self._coordinator.leave(
                    body["group_id"], row["member_id"], row["group_instance_id"]
                ),
            }
            for row in rows
        ]
        self._arm()
        return {"error": ErrorCode.NONE, "members": results}

    async def describe(self, body: Message, _context: Context) -> Message:
        """Tell a group's state and members."""
        return {"groups": [self._describe(group_id) for group_id in body["groups"]]}

    async def list_groups(self, _body: Message, _context: Context) -> Message:
        """Name the groups that have members or offsets."""
        names = sorted({*self._coordinator.groups(), *self._offsets.groups()})
        rows = []
        for name in names:
            group = self._coordinator.find(name)
            rows.append({"group_id": name, "protocol_type": group.protocol_type if group else ""})
        return {"groups": rows}

    def _describe(self, group_id: str) -> Message:
        group = self._coordinator.find(group_id)
        if group is None:
            state = "Empty" if group_id in self._offsets.groups() else "Dead"
            return {
                "group_id": group_id,
                "state": state,
                "protocol_type": "",
                "protocol_name": "",
                "members": [],
            }
        return {
            "group_id": group_id,
            "state": group.state.value,
            "protocol_type": group.protocol_type,
            "protocol_name": group.protocol,
            "members": _members(group),
        }

    def _arm(self) -> None:
        """Set the timer to when the coordinator next has something to do."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms = self._coordinator.next_deadline_ms()
        if due_ms is None:
            return
        # One millisecond more, for the clock counts whole ones and must have passed the deadline.
        delay = max(0, due_ms - self._clock_ms() + 1) / 1000
        self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._coordinator.tick()
        self._arm()


def member_ref(body: Message) -> MemberRef:
    """Read from a request who claims to send it."""
    return MemberRef(
        group_id=body["group_id"],
        generation=body["generation_id"],
        member_id=body["member_id"],
        instance_id=body["group_instance_id"],
    )


def _members(group: Group) -> list[Message]:
    return [
        {
            "member_id": member_id,
            "group_instance_id": member.request.instance_id,
            "client_id": member.request.client_id,
            "client_host": member.request.client_host,
            "metadata": dict(member.request.protocols).get(group.protocol, b""),
            "assignment": member.assignment,
        }
        for member_id, member in group.members.items()
    ]


def _resolve(future: asyncio.Future[Answer]) -> Callable[[Answer], None]:
    def reply(answer: Answer) -> None:
        if not future.done():
            future.set_result(answer)

    return reply
