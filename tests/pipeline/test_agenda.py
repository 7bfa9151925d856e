from pipeline.agenda import Agenda
from pipeline.incident_state import Group
from tests.pipeline.builders import an_alert
from tests.pipeline.scenes import a_group


def an_agenda() -> Agenda:
    return Agenda(lambda group: group.next_look_ms or 0)


def due(name: str, at_ms: int) -> Group:
    group = a_group(an_alert(name))
    group.next_look_ms = at_ms
    return group


def test_the_earliest_is_next_and_each_comes_once():
    agenda = an_agenda()
    first, second = due("a", 10), due("b", 20)
    for group in (second, first, first):
        agenda.touch(group)
    assert agenda.next_due() == 10
    assert agenda.due_at(9) == []
    assert agenda.due_at(20) == [first.incident_id, second.incident_id]
    assert agenda.due_at(20) == []
    assert agenda.next_due() is None


def test_a_change_replaces_the_time_whether_sooner_or_later():
    agenda = an_agenda()
    group = due("a", 10)
    agenda.touch(group)
    for at_ms in (30, 5, 30):
        group.next_look_ms = at_ms
        agenda.touch(group)
        assert agenda.next_due() == at_ms
    assert agenda.due_at(29) == []
    assert agenda.due_at(30) == [group.incident_id]


def test_what_was_dropped_is_never_due():
    agenda = an_agenda()
    gone, kept = due("a", 10), due("b", 20)
    agenda.touch(gone)
    agenda.touch(kept)
    agenda.drop(gone.incident_id)
    agenda.drop("nobody")
    assert agenda.next_due() == 20


def test_rebuilding_starts_anew_from_the_groups():
    agenda = an_agenda()
    agenda.touch(due("a", 10))
    agenda.rebuild([due("b", 20), due("c", 30)])
    assert agenda.next_due() == 20
    assert len(agenda.due_at(100)) == 2
