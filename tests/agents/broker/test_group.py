from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agents.broker.coordinator import GroupCoordinator, GroupLimits, MemberRef
from agents.broker.errors import ErrorCode
from agents.broker.group import GroupState, JoinAnswer, JoinRequest, SyncAnswer

SESSION_MS, REBALANCE_MS, DELAY_MS = 10_000, 30_000, 50
LIMITS = GroupLimits(
    max_groups=3,
    max_members=4,
    min_session_timeout_ms=6_000,
    max_session_timeout_ms=60_000,
    initial_delay_ms=DELAY_MS,
)


class Bench:
    """A coordinator with a hand-moved clock, and members that keep what they were answered."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.made = 0
        self.coordinator = GroupCoordinator(LIMITS, lambda: self.now_ms, self._new_id)

    def _new_id(self) -> str:
        self.made += 1
        return f"{self.made}"

    def advance(self, by_ms: int) -> None:
        self.now_ms += by_ms
        self.coordinator.tick()

    def join(self, member_id: str = "", group: str = "g", **changes: Any) -> list[JoinAnswer]:
        request = {
            "member_id": member_id,
            "instance_id": None,
            "client_id": "c",
            "client_host": "127.0.0.1",
            "session_timeout_ms": SESSION_MS,
            "rebalance_timeout_ms": REBALANCE_MS,
            "protocol_type": "consumer",
            "protocols": (("range", b"subscription"),),
        }
        answers: list[JoinAnswer] = []
        self.coordinator.join(group, JoinRequest(**{**request, **changes}), answers.append)
        return answers

    def sync(
        self,
        joined: JoinAnswer,
        assignments: dict[str, bytes] | None = None,
        instance_id: str | None = None,
    ) -> list[SyncAnswer]:
        answers: list[SyncAnswer] = []
        ref = self.ref(joined, instance_id)
        self.coordinator.sync(ref, assignments or {}, answers.append)
        return answers

    def ref(self, joined: JoinAnswer, instance_id: str | None = None) -> MemberRef:
        return MemberRef(
            group_id="g",
            generation=joined.generation,
            member_id=joined.member_id,
            instance_id=instance_id,
        )

    def beat(self, joined: JoinAnswer) -> ErrorCode:
        return self.coordinator.heartbeat(self.ref(joined))

    def stable(self, count: int, **changes: Any) -> list[JoinAnswer]:
        """Bring a fresh group with so many members to its first assignment."""
        waiting = [self.join(**changes) for _ in range(count)]
        self.advance(DELAY_MS)
        joined = [answers[0] for answers in waiting]
        for answer in reversed(joined):  # the leader last
            shares = {a.member_id: a.member_id.encode() for a in joined}
            self.sync(answer, shares if answer.leader == answer.member_id else None)
        assert self.state() is GroupState.STABLE
        return joined

    def state(self) -> GroupState:
        group = self.coordinator.find("g")
        return GroupState.EMPTY if group is None else group.state


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_first_members_are_gathered_before_the_first_generation(bench: Bench) -> None:
    first, second = bench.join(), bench.join()
    bench.advance(DELAY_MS - 1)
    assert first == second == []
    bench.advance(1)
    assert (first[0].generation, first[0].leader) == (1, first[0].member_id)
    assert (second[0].leader, second[0].members) == (first[0].member_id, ())
    assert [row[0] for row in first[0].members] == [first[0].member_id, second[0].member_id]


def test_followers_wait_for_the_leaders_assignment(bench: Bench) -> None:
    waiting = [bench.join(), bench.join()]
    bench.advance(DELAY_MS)
    leader, follower = (answers[0] for answers in waiting)
    later = bench.sync(follower)
    assert later == []
    now = bench.sync(leader, {leader.member_id: b"L", follower.member_id: b"F"})
    assert (now, later) == ([SyncAnswer(ErrorCode.NONE, b"L")], [SyncAnswer(ErrorCode.NONE, b"F")])
    assert bench.sync(follower) == [SyncAnswer(ErrorCode.NONE, b"F")], "asked again, answered"


def test_a_newcomer_makes_the_others_join_again(bench: Bench) -> None:
    (old,) = bench.stable(1)
    new = bench.join()
    assert new == []
    assert bench.beat(old) is ErrorCode.REBALANCE_IN_PROGRESS
    rejoined = bench.join(old.member_id)
    assert rejoined[0].generation == new[0].generation == 2
    assert rejoined[0].leader == new[0].leader == old.member_id


def test_a_silent_member_is_dropped_when_its_session_is_over(bench: Bench) -> None:
    stays, silent = bench.stable(2)
    bench.advance(SESSION_MS - 1)
    assert bench.beat(stays) is ErrorCode.NONE
    bench.advance(1)
    assert bench.beat(stays) is ErrorCode.REBALANCE_IN_PROGRESS
    assert bench.beat(silent) is ErrorCode.UNKNOWN_MEMBER_ID
    assert bench.join(stays.member_id)[0].generation == 2


def test_who_does_not_rejoin_before_the_deadline_is_left_behind(bench: Bench) -> None:
    slow, _ = bench.stable(2)
    new = bench.join()
    for _ in range(REBALANCE_MS // 5_000):
        bench.beat(slow)  # alive, but not joining
        bench.advance(5_000)
    assert new[0].members == ((new[0].member_id, None, b"subscription"),)
    assert bench.beat(slow) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_leader_that_never_assigns_is_removed(bench: Bench) -> None:
    waiting = [bench.join(), bench.join()]
    bench.advance(DELAY_MS)
    leader, follower = (answers[0] for answers in waiting)
    stuck = bench.sync(follower)
    for _ in range(REBALANCE_MS // 5_000):
        bench.beat(leader)
        bench.advance(5_000)
    assert stuck == [SyncAnswer(ErrorCode.REBALANCE_IN_PROGRESS)]
    assert bench.join(follower.member_id)[0].leader == follower.member_id


def test_a_member_that_leaves_is_replaced_at_once(bench: Bench) -> None:
    stays, goes = bench.stable(2)
    assert bench.coordinator.leave("g", goes.member_id, None) is ErrorCode.NONE
    assert bench.coordinator.leave("g", goes.member_id, None) is ErrorCode.UNKNOWN_MEMBER_ID
    assert bench.join(stays.member_id)[0].generation == 2


def test_a_group_whose_last_member_left_is_gone(bench: Bench) -> None:
    (only,) = bench.stable(1)
    bench.coordinator.leave("g", only.member_id, None)
    assert bench.coordinator.groups() == []
    assert bench.coordinator.next_deadline_ms() is None


def test_an_unchanged_follower_joins_again_without_a_rebalance(bench: Bench) -> None:
    leader, follower = bench.stable(2)
    assert bench.join(follower.member_id)[0].generation == 1
    assert bench.state() is GroupState.STABLE
    assert bench.join(leader.member_id) == [], "a leader that joins again wants a new assignment"


def test_a_static_member_returns_to_its_assignment(bench: Bench) -> None:
    (first,) = bench.stable(1, instance_id="i")
    again = bench.join(instance_id="i")[0]
    assert again.member_id != first.member_id
    assert (again.generation, again.leader) == (1, first.member_id)
    assert bench.sync(again, instance_id="i") == [
        SyncAnswer(ErrorCode.NONE, first.member_id.encode())
    ]
    assert bench.coordinator.heartbeat(bench.ref(first, "i")) is ErrorCode.FENCED_INSTANCE_ID
    assert bench.join(first.member_id, instance_id="i")[0].error is ErrorCode.FENCED_INSTANCE_ID


def test_a_static_member_is_removed_by_its_instance_id(bench: Bench) -> None:
    bench.stable(1, instance_id="i")
    assert bench.coordinator.leave("g", "wrong", "i") is ErrorCode.FENCED_INSTANCE_ID
    assert bench.coordinator.leave("g", "", "i") is ErrorCode.NONE
    assert bench.coordinator.groups() == []


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"group": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"session_timeout_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 60_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocols": ()}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocols": (("range", b"x" * (1 << 20) + b"y"),)}, ErrorCode.INVALID_REQUEST),
    ],
    ids=["no group", "short session", "long session", "stranger", "no protocol", "fat"],
)
def test_a_member_that_cannot_be_is_refused(
    bench: Bench, changes: dict[str, Any], error: ErrorCode
) -> None:
    assert bench.join(**changes)[0].error is error
    assert bench.coordinator.groups() == []


def test_a_member_without_a_shared_protocol_is_refused(bench: Bench) -> None:
    bench.join()
    for changes in ({"protocols": (("other", b""),)}, {"protocol_type": "connect"}):
        assert bench.join(**changes)[0].error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_a_client_with_a_very_long_name_gets_a_member_id_that_can_be_sent(bench: Bench) -> None:
    waiting = bench.join(client_id="ü" * 16_000)
    bench.advance(DELAY_MS)
    assert len(waiting[0].member_id.encode()) < 1_000


def test_groups_and_members_are_limited(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        assert bench.join(group=name) == []
    assert bench.join(group="d")[0].error is ErrorCode.GROUP_MAX_SIZE_REACHED
    for _ in range(3):
        assert bench.join(group="a") == []
    assert bench.join(group="a")[0].error is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_only_a_member_of_this_generation_commits(bench: Bench) -> None:
    nobody = MemberRef(group_id="g", generation=-1, member_id="", instance_id=None)
    assert bench.coordinator.check_commit(nobody) is ErrorCode.NONE, "an empty group"
    (member,) = bench.stable(1)
    ref = bench.ref(member)
    assert bench.coordinator.check_commit(ref) is ErrorCode.NONE
    assert bench.coordinator.check_commit(nobody) is ErrorCode.UNKNOWN_MEMBER_ID
    bench.join()
    assert bench.coordinator.check_commit(ref) is ErrorCode.NONE, "before it rejoins"
    (again,) = bench.join(member.member_id)
    assert bench.coordinator.check_commit(ref) is ErrorCode.ILLEGAL_GENERATION
    assert bench.coordinator.check_commit(bench.ref(again)) is ErrorCode.REBALANCE_IN_PROGRESS


class GroupMachine(RuleBasedStateMachine):
    """Members that join, sync, beat, leave and fall silent in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.joining: list[list[JoinAnswer]] = []
        self.members: dict[str, JoinAnswer] = {}
        self.generation = 0

    def collect(self) -> None:
        for answers in self.joining:
            for answer in answers:
                if answer.error is ErrorCode.NONE:
                    self.members[answer.member_id] = answer
        self.joining = [answers for answers in self.joining if not answers]

    @rule(instance=st.sampled_from([None, "i", "j"]))
    def join_new(self, instance: str | None) -> None:
        self.joining.append(self.bench.join(instance_id=instance))
        self.collect()

    @rule(pick=st.integers(0, 9))
    def join_again(self, pick: int) -> None:
        if self.members:
            member_id = sorted(self.members)[pick % len(self.members)]
            self.joining.append(self.bench.join(member_id))
            self.collect()

    @rule(pick=st.integers(0, 9))
    def synchronise(self, pick: int) -> None:
        if self.members:
            self.bench.sync(self.members[sorted(self.members)[pick % len(self.members)]], {})
            self.collect()

    @rule(pick=st.integers(0, 9))
    def leave(self, pick: int) -> None:
        if self.members:
            member_id = sorted(self.members)[pick % len(self.members)]
            self.bench.coordinator.leave("g", member_id, None)
            del self.members[member_id]
            self.collect()

    @rule(by_ms=st.sampled_from([1, DELAY_MS, 5_000, SESSION_MS, REBALANCE_MS]))
    def wait(self, by_ms: int) -> None:
        self.bench.advance(by_ms)
        self.collect()

    @invariant()
    def the_leader_is_a_member_whenever_there_is_an_assignment(self) -> None:
        group = self.bench.coordinator.find("g")
        if group is not None and group.state in {GroupState.COMPLETING, GroupState.STABLE}:
            assert group.leader in group.members
            assert not any(member.join_reply for member in group.members.values())

    @invariant()
    def nobody_waits_in_a_stable_group(self) -> None:
        group = self.bench.coordinator.find("g")
        if group is not None and group.state is GroupState.STABLE:
            assert not any(member.is_waiting for member in group.members.values())

    @invariant()
    def static_names_point_at_members(self) -> None:
        group = self.bench.coordinator.find("g")
        if group is not None:
            assert set(group.statics.values()) <= set(group.members)
            assert len(group.members) <= LIMITS.max_members

    @invariant()
    def generations_only_grow_while_a_group_lives(self) -> None:
        group = self.bench.coordinator.find("g")
        assert group is None or group.generation >= self.generation
        self.generation = 0 if group is None else group.generation

    @invariant()
    def whoever_waits_has_a_deadline(self) -> None:
        group = self.bench.coordinator.find("g")
        if group is not None:
            due = self.bench.coordinator.next_deadline_ms()
            assert due is not None
            assert due <= self.bench.now_ms + max(SESSION_MS, REBALANCE_MS)

    def teardown(self) -> None:
        """After long silence everybody has been answered and the group is gone."""
        for _ in range(6):
            self.bench.advance(REBALANCE_MS)
        assert self.bench.coordinator.groups() == []
        assert all(len(answers) == 1 for answers in self.joining)


TestAnyOrderOfEvents = GroupMachine.TestCase
TestAnyOrderOfEvents.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
