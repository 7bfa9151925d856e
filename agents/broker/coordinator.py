"""The group coordinator: finds the group and member a request speaks of, or says what is wrong.

Pure like `group.py`: the clock and the source of member ids are handed in.
"""

from collections.abc import Callable
from dataclasses import dataclass

from agents.broker.errors import BrokerError, ErrorCode
from agents.broker.group import (
    Group,
    GroupState,
    JoinAnswer,
    JoinReply,
    JoinRequest,
    SyncAnswer,
    SyncReply,
)

MAX_MEMBER_METADATA_BYTES = 1024 * 1024
# A client id may fill a protocol string; a member id that begins with it must still fit one.
_NAME_PREFIX_CHARS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupLimits:
    """How many and how long."""

    max_groups: int
    max_members: int
    min_session_timeout_ms: int
    max_session_timeout_ms: int
    initial_delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRef:
    """Who claims to speak: a member of a group's generation."""

    group_id: str
    generation: int
    member_id: str
    instance_id: str | None


class GroupCoordinator:
    """All groups that have members; what an empty group leaves behind is its offsets alone."""

    def __init__(
        self, limits: GroupLimits, clock_ms: Callable[[], int], new_id: Callable[[], str]
    ) -> None:
        self._limits = limits
        self._clock_ms = clock_ms
        self._new_id = new_id
        self._groups: dict[str, Group] = {}

    def groups(self) -> list[str]:
        """Return the ids of the groups, in order."""
        return sorted(self._groups)

    def find(self, group_id: str) -> Group | None:
        """Return the group, or None."""
        return self._groups.get(group_id)

    def join(self, group_id: str, request: JoinRequest, reply: JoinReply) -> None:
        """Have a member join; `reply` is called now or when the group is complete."""
        try:
            self._join(group_id, request, reply)
        except BrokerError as error:
            self._drop_empty()
            reply(JoinAnswer(error=error.code, member_id=request.member_id))

    def sync(self, ref: MemberRef, assignments: dict[str, bytes], reply: SyncReply) -> None:
        """Take the leader's assignments; `reply` is called when the member's own is known."""
        try:
            group = self._member_group(ref)
        except BrokerError as error:
            reply(SyncAnswer(error.code))
            return
        group.sync(ref.member_id, assignments, reply, self._clock_ms())

    def heartbeat(self, ref: MemberRef) -> ErrorCode:
        """Keep a member alive; return what it has to know."""
        try:
            return self._member_group(ref).heartbeat(ref.member_id, self._clock_ms())
        except BrokerError as error:
            return error.code

    def leave(self, group_id: str, member_id: str, instance_id: str | None) -> ErrorCode:
        """Take a member out; a static one may be named by its instance id alone."""
        group = self._groups.get(group_id)
        if group is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if instance_id is not None:
            holder = group.statics.get(instance_id)
            if holder is not None and member_id not in {"", holder}:
                return ErrorCode.FENCED_INSTANCE_ID
            member_id = holder or ""
        if member_id not in group.members:
            return ErrorCode.UNKNOWN_MEMBER_ID
        group.remove([member_id], self._clock_ms())
        self._drop_empty()
        return ErrorCode.NONE

    def check_commit(self, ref: MemberRef) -> ErrorCode:
        """Return why this member may not commit offsets now, or NONE."""
        if ref.generation < 0 and ref.group_id not in self._groups:
            return ErrorCode.NONE  # a consumer that assigns itself, or an administrator
        try:
            group = self._member_group(ref)
        except BrokerError as error:
            return error.code
        group.heartbeat(ref.member_id, self._clock_ms())
        if group.state is GroupState.COMPLETING:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def tick(self) -> None:
        """Do what has fallen due in every group."""
        now_ms = self._clock_ms()
        for group in self._groups.values():
            group.tick(now_ms)
        self._drop_empty()

    def next_deadline_ms(self) -> int | None:
        """Return when `tick` has something to do, or None."""
        due = (group.next_deadline_ms() for group in self._groups.values())
        return min((deadline for deadline in due if deadline is not None), default=None)

    def _drop_empty(self) -> None:
        empty = [name for name, group in self._groups.items() if group.state is GroupState.EMPTY]
        for name in empty:
            del self._groups[name]

    def _join(self, group_id: str, request: JoinRequest, reply: JoinReply) -> None:
        self._check(group_id, request)
        group = self._group_to_join(group_id, request)
        now_ms = self._clock_ms()
        holder = group.statics.get(request.instance_id) if request.instance_id else None
        if holder is not None and request.member_id not in {"", holder}:
            sentence = "another member runs under this instance id"
            raise BrokerError(ErrorCode.FENCED_INSTANCE_ID, sentence)
        if request.member_id and request.member_id not in group.members:
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, "the group does not know this member")
        if holder is not None and not request.member_id:
            group.replace_static(holder, self._name_for(request), request, reply, now_ms)
            return
        group.join(request.member_id or self._name_for(request), request, reply, now_ms)

    def _check(self, group_id: str, request: JoinRequest) -> None:
        limits = self._limits
        if not group_id:
            raise BrokerError(ErrorCode.INVALID_GROUP_ID, "the group id is empty")
        shortest, longest = limits.min_session_timeout_ms, limits.max_session_timeout_ms
        if not shortest <= request.session_timeout_ms <= longest:
            sentence = f"session timeout {request.session_timeout_ms} ms is outside the limits"
            raise BrokerError(ErrorCode.INVALID_SESSION_TIMEOUT, sentence)
        if sum(len(metadata) for _, metadata in request.protocols) > MAX_MEMBER_METADATA_BYTES:
            raise BrokerError(ErrorCode.INVALID_REQUEST, "the member's metadata is too long")

    def _group_to_join(self, group_id: str, request: JoinRequest) -> Group:
        group = self._groups.get(group_id)
        if group is None:
            if request.member_id:
                sentence = "the group does not know this member"
                raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, sentence)
            if len(self._groups) >= self._limits.max_groups:
                sentence = f"there are {self._limits.max_groups} groups already (max_groups)"
                raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED, sentence)
            group = self._groups[group_id] = Group(self._limits.initial_delay_ms)
        is_new = not request.member_id and request.instance_id not in group.statics
        if is_new and len(group.members) >= self._limits.max_members:
            sentence = f"the group has {self._limits.max_members} members already"
            raise BrokerError(ErrorCode.GROUP_MAX_SIZE_REACHED, sentence)
        return group

    def _name_for(self, request: JoinRequest) -> str:
        given = request.instance_id or request.client_id or "member"
        return f"{given[:_NAME_PREFIX_CHARS]}-{self._new_id()}"

    def _member_group(self, ref: MemberRef) -> Group:
        group = self._groups.get(ref.group_id)
        if group is None:
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, "the group does not know this member")
        holder = group.statics.get(ref.instance_id) if ref.instance_id is not None else None
        if holder is not None and holder != ref.member_id:
            sentence = "another member runs under this instance id"
            raise BrokerError(ErrorCode.FENCED_INSTANCE_ID, sentence)
        if ref.member_id not in group.members:
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID, "the group does not know this member")
        if ref.generation != group.generation:
            sentence = f"generation {ref.generation} is over; now is {group.generation}"
            raise BrokerError(ErrorCode.ILLEGAL_GENERATION, sentence)
        return group
