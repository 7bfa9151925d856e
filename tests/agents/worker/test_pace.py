from agents.worker.pace import Pace


def settle(pace, seconds_a_record, goes=30):
    longest = 0.0
    for _ in range(goes):
        took = pace.size * seconds_a_record
        longest = max(longest, took)
        pace.took(pace.size, took)
    return longest


def test_a_quick_engine_is_given_as_much_as_is_allowed():
    pace = Pace(2_000, 1.0)
    settle(pace, 0.000_1)
    assert pace.size == 2_000


def test_a_slow_engine_is_given_what_it_can_do_in_time():
    pace = Pace(2_000, 1.0)
    settle(pace, 0.01)
    assert pace.size == 100


def test_the_first_go_of_an_engine_that_has_become_slow_is_short():
    assert settle(Pace(2_000, 1.0), 0.1) <= 64 * 0.1


def test_a_record_slower_than_the_limit_goes_alone():
    pace = Pace(2_000, 1.0)
    settle(pace, 30.0, goes=3)
    assert pace.size == 1


def test_small_goes_do_not_shrink_what_a_large_one_may_hold():
    pace = Pace(2_000, 1.0)
    settle(pace, 0.000_1)
    for _ in range(10):
        pace.took(1, 0.000_1)
    assert pace.size == 2_000


def test_a_pace_recovers_after_one_slow_go():
    pace = Pace(2_000, 1.0)
    settle(pace, 0.000_1)
    pace.took(2_000, 20.0)
    assert pace.size == 100
    settle(pace, 0.000_1)
    assert pace.size == 2_000
