"""The emulator's clock while the machine's is set back and forth."""

import pytest

from eventgrid_emulator.queue.clock import Clock
from eventgrid_emulator.queue.entries import Event, QueueLimits
from eventgrid_emulator.queue.queue import SubscriptionQueue

START = 1_800_000_000.0


class Machine:
    """A machine whose wall clock can be set; time passes on both of its clocks."""

    def __init__(self) -> None:
        self.wall = START
        self.passed = 500.0
        self.clock = Clock(lambda: self.wall, lambda: self.passed)

    def wait(self, seconds: float) -> float:
        self.wall += seconds
        self.passed += seconds
        return self.clock.now()


@pytest.mark.parametrize("back", [0.5, 1, 59, 60, 61, 1200, 400 * 86_400])
def test_a_lock_lasts_as_long_though_the_clock_was_set_back(back: float) -> None:
    """Its end comes when its time has passed, not when the wall shows it again."""
    machine = Machine()
    queue = SubscriptionQueue(QueueLimits(60, 10, 86_400))
    queue.enqueue(Event(1, b"{}", machine.clock.now()))
    queue.receive(1, machine.clock.now())

    machine.wall -= back
    assert queue.receive(1, machine.wait(59.9)) == []
    assert len(queue.receive(1, machine.wait(0.1))) == 1


@pytest.mark.parametrize("step", [-400 * 86_400, -1200, -1, 0, 1, 1200, 86_400])
def test_it_never_goes_back_and_never_stands(step: float) -> None:
    """Neither at the step, nor after a second one in the other direction."""
    machine = Machine()
    before = machine.clock.now()
    for set_by in (step, -step, step):
        machine.wall += set_by
        after = machine.wait(10)
        assert after >= before + 10
        before = after


def test_a_machine_that_slept_is_followed() -> None:
    """Its wall clock has gone on while the monotonic one stood."""
    machine = Machine()
    machine.clock.now()
    machine.wall += 8 * 3600
    assert machine.clock.now() == machine.wall


def test_it_is_as_far_ahead_as_it_was_moved() -> None:
    """Also when the machine's clock is set back before and after."""
    machine = Machine()
    now = machine.clock.now()
    machine.wall -= 100
    assert machine.clock.advance(3600) == now + 3600
    machine.wall -= 100
    assert machine.wait(5) == now + 3605


def test_after_a_restart_it_goes_on_from_what_was_stored() -> None:
    """And from there at the pace of the machine."""
    machine = Machine()
    machine.clock.not_before(START + 1200)
    assert machine.clock.now() == START + 1200
    assert machine.wait(60) == START + 1260


def test_what_is_written_down_has_the_time_of_the_wall() -> None:
    """A moment is shown where the wall has it now; a moved clock stays moved."""
    machine = Machine()
    machine.clock.advance(3600)
    published = machine.clock.now()
    assert machine.clock.to_machine_time(published) == published
    machine.wall -= 1200
    machine.wait(30)
    assert machine.clock.to_machine_time(published) == START + 3600 - 1200
