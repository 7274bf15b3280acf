"""When a part that died is started again."""

from tools.stack.supervision import keep_alive


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    """A part that cannot live does not keep the machine busy."""
    pauses = [keep_alive.pause_after(deaths) for deaths in range(1, 9)]

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_minute_of_good_work_makes_the_next_death_the_first() -> None:
    """What happened an hour ago does not delay today's restart."""
    assert keep_alive.deaths_in_a_row(before=5, ran_for=59.9) == 6
    assert keep_alive.deaths_in_a_row(before=5, ran_for=60.0) == 1
