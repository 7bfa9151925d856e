"""One consumer group: who is in it, in which generation, and how a rebalance runs its course.

A pure state machine: it is told the time, and gives its answers to the `reply` that came with a
request, at once or when the group is ready. It opens no member's bytes.

    EMPTY --join--> PREPARING --all joined or deadline--> COMPLETING --leader syncs--> STABLE
      ^----- all gone -----|<------------ join, leave or expiry of a member ------------|
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from agents.broker.errors import BrokerError, ErrorCode


class GroupState(Enum):
    """Where a group is; the values are the names that clients show."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAnswer:
    """What a member learns when it has joined; only the leader gets the members' metadata."""

    error: ErrorCode = ErrorCode.NONE
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    member_id: str = ""
    members: tuple[tuple[str, str | None, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """A member's assignment, or why there is none."""

    error: ErrorCode
    assignment: bytes = b""


JoinReply = Callable[[JoinAnswer], None]
SyncReply = Callable[[SyncAnswer], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """What a member says about itself when it joins; `member_id` is empty the first time."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: tuple[tuple[str, bytes], ...]


@dataclass(slots=True)
class Member:
    """One member, and the reply it is waiting for, if any."""

    request: JoinRequest
    expires_at_ms: int
    join_reply: JoinReply | None = None
    sync_reply: SyncReply | None = None
    assignment: bytes = b""

    @property
    def is_waiting(self) -> bool:
        """Tell whether the group owes the member an answer; then silence is not its fault."""
        return self.join_reply is not None or self.sync_reply is not None


@dataclass(slots=True)
class Group:
    """The members of one group and the state of their current generation."""

    initial_delay_ms: int
    state: GroupState = GroupState.EMPTY
    generation: int = 0
    protocol_type: str = "consumer"
    protocol: str = ""
    leader: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    statics: dict[str, str] = field(default_factory=dict)  # instance id -> member id
    _ready_at_ms: int = 0
    _deadline_ms: int = 0

    def join(self, member_id: str, request: JoinRequest, reply: JoinReply, now_ms: int) -> None:
        """Take in a new member, or one that comes back, under `member_id`.

        Raises:
            BrokerError: the member has no protocol in common with the others.
        """
        self._check_protocols(member_id, request)
        member = self.members.get(member_id)
        is_same = member is not None and member.request.protocols == request.protocols
        if member is None:
            member = self.members[member_id] = Member(request, now_ms)
        if request.instance_id is not None:
            self.statics[request.instance_id] = member_id
        member.request = request
        self._renew(member, now_ms)
        needs_none = self.state is GroupState.STABLE and member_id != self.leader
        if is_same and (needs_none or self.state is GroupState.COMPLETING):
            reply(self._joined(member_id))
            return
        # A member that asks again has lost the connection on which it asked before.
        _answer_join(member, JoinAnswer(error=ErrorCode.REBALANCE_IN_PROGRESS))
        member.join_reply = reply
        self._prepare(now_ms)
        self._try_complete(now_ms)

    def replace_static(
        self, old_id: str, new_id: str, request: JoinRequest, reply: JoinReply, now_ms: int
    ) -> None:
        """Let a restarted static member take its old place, without a rebalance when it can be."""
        old = self.members.pop(old_id)
        _answer_join(old, JoinAnswer(error=ErrorCode.FENCED_INSTANCE_ID, member_id=old_id))
        _answer_sync(old, SyncAnswer(ErrorCode.FENCED_INSTANCE_ID))
        self.members[new_id] = Member(old.request, now_ms, assignment=old.assignment)
        # The leader it is told is the one before it, so that it does not assign anew.
        told_leader = self.leader
        if self.leader == old_id:
            self.leader = new_id
        if self.state is not GroupState.STABLE or old.request.protocols != request.protocols:
            self.join(new_id, request, reply, now_ms)
            return
        member = self.members[new_id]
        member.request = request
        self.statics[str(request.instance_id)] = new_id
        self._renew(member, now_ms)
        reply(
            JoinAnswer(
                generation=self.generation,
                protocol=self.protocol,
                leader=told_leader,
                member_id=new_id,
            )
        )

    def sync(
        self, member_id: str, assignments: dict[str, bytes], reply: SyncReply, now_ms: int
    ) -> None:
        """Answer with the member's assignment, as soon as the leader has given it."""
        member = self.members[member_id]
        self._renew(member, now_ms)
        if self.state is GroupState.PREPARING:
            reply(SyncAnswer(ErrorCode.REBALANCE_IN_PROGRESS))
            return
        _answer_sync(member, SyncAnswer(ErrorCode.REBALANCE_IN_PROGRESS))
        member.sync_reply = reply
        if self.state is GroupState.COMPLETING and member_id == self.leader:
            for name, other in self.members.items():
                other.assignment = assignments.get(name, b"")
            self.state = GroupState.STABLE
        if self.state is GroupState.STABLE:
            for other in self.members.values():
                if _answer_sync(other, SyncAnswer(ErrorCode.NONE, other.assignment)):
                    self._renew(other, now_ms)

    def heartbeat(self, member_id: str, now_ms: int) -> ErrorCode:
        """Keep a member alive; tell it when it has to join again."""
        self._renew(self.members[member_id], now_ms)
        if self.state is GroupState.PREPARING:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def remove(self, member_ids: list[str], now_ms: int) -> None:
        """Take members out, for the others to share what they had."""
        for member_id in member_ids:
            self._expel(member_id)
        if member_ids:
            self._prepare(now_ms)
            self._try_complete(now_ms)

    def tick(self, now_ms: int) -> None:
        """Do what has fallen due: expire silent members, end a rebalance."""
        expired = [
            name
            for name, member in self.members.items()
            if not member.is_waiting and member.expires_at_ms <= now_ms
        ]
        self.remove(expired, now_ms)
        if self.state is GroupState.COMPLETING and self._deadline_ms <= now_ms:
            # Whoever has not come for its assignment by now, the leader above all, is stuck.
            stuck = [name for name, member in self.members.items() if member.sync_reply is None]
            self.remove(stuck, now_ms)
        self._try_complete(now_ms)

    def next_deadline_ms(self) -> int | None:
        """Return when `tick` has something to do, or None when nothing is pending."""
        due = [m.expires_at_ms for m in self.members.values() if not m.is_waiting]
        if self.state is GroupState.PREPARING:
            due.append(self._ready_at_ms if self._all_joined() else self._deadline_ms)
        elif self.state is GroupState.COMPLETING:
            due.append(self._deadline_ms)
        return min(due, default=None)

    def _check_protocols(self, member_id: str, request: JoinRequest) -> None:
        others = [m.request for name, m in self.members.items() if name != member_id]
        names = {name for name, _ in request.protocols}
        for other in others:
            names &= {name for name, _ in other.protocols}
        if not names or any(other.protocol_type != request.protocol_type for other in others):
            sentence = "the member shares no assignment protocol with the rest of its group"
            raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, sentence)

    def _expel(self, member_id: str) -> None:
        member = self.members.pop(member_id)
        _answer_join(member, JoinAnswer(error=ErrorCode.UNKNOWN_MEMBER_ID, member_id=member_id))
        _answer_sync(member, SyncAnswer(ErrorCode.UNKNOWN_MEMBER_ID))
        for instance_id in [i for i, holder in self.statics.items() if holder == member_id]:
            del self.statics[instance_id]

    def _renew(self, member: Member, now_ms: int) -> None:
        member.expires_at_ms = now_ms + member.request.session_timeout_ms

    def _prepare(self, now_ms: int) -> None:
        if self.state is GroupState.PREPARING:
            return
        delay = self.initial_delay_ms if self.state is GroupState.EMPTY else 0
        self.state = GroupState.PREPARING
        self._ready_at_ms = now_ms + delay
        self._deadline_ms = now_ms + self._rebalance_timeout_ms()
        for member in self.members.values():
            if _answer_sync(member, SyncAnswer(ErrorCode.REBALANCE_IN_PROGRESS)):
                self._renew(member, now_ms)

    def _rebalance_timeout_ms(self) -> int:
        return max((m.request.rebalance_timeout_ms for m in self.members.values()), default=0)

    def _all_joined(self) -> bool:
        return all(member.join_reply is not None for member in self.members.values())

    def _try_complete(self, now_ms: int) -> None:
        if self.state is not GroupState.PREPARING or now_ms < self._ready_at_ms:
            return
        if not self._all_joined() and now_ms < self._deadline_ms:
            return
        for name in [n for n, member in self.members.items() if member.join_reply is None]:
            self._expel(name)
        if self.members:
            self._complete(now_ms)
        else:
            self.state, self.leader, self.protocol = GroupState.EMPTY, "", ""

    def _complete(self, now_ms: int) -> None:
        self.generation += 1
        self.state = GroupState.COMPLETING
        self._deadline_ms = now_ms + self._rebalance_timeout_ms()
        if self.leader not in self.members:
            self.leader = next(iter(self.members))
        leader = self.members[self.leader].request
        self.protocol_type = leader.protocol_type
        shared = set.intersection(
            *({name for name, _ in m.request.protocols} for m in self.members.values())
        )
        self.protocol = next(name for name, _ in leader.protocols if name in shared)
        for name, member in self.members.items():
            member.assignment = b""
            self._renew(member, now_ms)
            _answer_join(member, self._joined(name))

    def _joined(self, member_id: str) -> JoinAnswer:
        roster = tuple(
            (name, member.request.instance_id, dict(member.request.protocols)[self.protocol])
            for name, member in self.members.items()
        )
        return JoinAnswer(
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader,
            member_id=member_id,
            members=roster if member_id == self.leader else (),
        )


def _answer_join(member: Member, answer: JoinAnswer) -> bool:
    reply, member.join_reply = member.join_reply, None
    if reply is not None:
        reply(answer)
    return reply is not None


def _answer_sync(member: Member, answer: SyncAnswer) -> bool:
    reply, member.sync_reply = member.sync_reply, None
    if reply is not None:
        reply(answer)
    return reply is not None
