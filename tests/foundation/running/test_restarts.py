"""The restart policy, beside Diego's numbers."""

from foundation.running.restarts import Restarts


def test_the_first_crashes_restart_at_once_then_pauses_double_up_to_16_minutes() -> None:
    pauses = [Restarts().pause_s(crashes) for crashes in range(1, 11)]
    assert pauses == [0, 0, 30, 60, 120, 240, 480, 960, 960, 960]


def test_after_200_crashes_there_is_no_other_start() -> None:
    assert Restarts().pause_s(200) == 960
    assert Restarts().pause_s(201) is None


def test_a_life_of_five_minutes_forgives_the_crashes_before() -> None:
    assert Restarts().count(7, lived_s=299) == 8
    assert Restarts().count(7, lived_s=300) == 1
