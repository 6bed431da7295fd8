"""What the log says of a target, and what moves of points say of its wiring: pure."""

from datetime import UTC, datetime, timedelta

import pytest

from secd.commission.records import COMPLETED, Records
from secd.commission.seen import Seen, Waiting, Wrong, recognise
from secd.commission.steps import Await, Plan, Step
from secd.devices.points import Move
from secd.model.doors import Role
from secd.model.facts import CommissionTold
from secd.model.names import DeviceId
from secd.model.wiring import Placement

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
YEAR, DAY = timedelta(days=365), timedelta(days=1)
BOARD = DeviceId("board")
CONTACT, REX, RELAY, OTHER = (BOARD, "input/1"), (BOARD, "input/2"), (BOARD, "output/1"), (BOARD, "input/7")
PLACES = {CONTACT: Placement(role=Role.CONTACT, subject="door"), REX: Placement(role=Role.REX, subject="door")}
OPENS = Step(id="contact_opens", says="", awaits=(Await(point=CONTACT, level="active", name="contact"),))
LEAVES = Step(id="egress", says="", awaits=OPENS.awaits, stays=RELAY)


def told(step: str = "", *, wiring: str = "as drawn", skipped: tuple[str, ...] = ()) -> CommissionTold:
    """What is put on record of the door."""
    return CommissionTold(target="door", step=step, technician="R. Fitter", wiring=wiring, skipped=skipped)


def completed(at: datetime, *, skipped: tuple[str, ...] = ()) -> Records:
    """A door that was commissioned at `at`."""
    records = Records()
    records.note(COMPLETED, told(skipped=skipped), at, "demonstrator")
    return records


@pytest.mark.parametrize(
    ("age", "wiring", "state"),
    [
        (DAY, "as drawn", "commissioned"),
        (YEAR, "as drawn", "commissioned"),
        (YEAR + DAY, "as drawn", "retest due"),
        (DAY, "otherwise", "wired anew"),
    ],
)
def test_a_target_is_commissioned_until_it_is_due_or_wired_anew(age: timedelta, wiring: str, state: str) -> None:
    assert completed(NOW - age).standing("door", wiring, NOW, YEAR).state == state


def test_what_was_skipped_stays_visible_in_what_is_said() -> None:
    standing = completed(NOW, skipped=("fire_release",)).standing("door", "as drawn", NOW, YEAR)
    assert standing.line == "2026-11-23 by R. Fitter, without fire_release"
    assert Records().standing("door", "as drawn", NOW, YEAR).state == "not commissioned"


def test_steps_count_for_a_week_and_only_as_the_door_was_wired_then() -> None:
    records = Records()
    records.note("commission.step_passed", told("reader"), NOW, "demonstrator")
    assert records.steps("door", "as drawn", NOW + 7 * DAY)["reader"].result == "passed"
    assert records.steps("door", "as drawn", NOW + 8 * DAY) == {}
    assert records.steps("door", "otherwise", NOW) == {}
    records.note(COMPLETED, told(), NOW, "demonstrator")
    assert records.steps("door", "as drawn", NOW) == {}


def move(address: tuple[DeviceId, str], before: str, level: str) -> Move:
    """One change of a point."""
    device, point = address
    return Move(number=1, device=device, address=point, before=before, level=level, raw=level, at=NOW, mono_s=0.0)


def recognised(step: Step, *moves: Move) -> Seen | Wrong | Waiting:
    """What the moves mean."""
    plan = Plan(target="door", kind="door", wiring="as drawn", steps=(step,))
    return recognise(step, moves, lambda _: "", PLACES.get, plan)


def test_what_was_awaited_is_seen_and_a_loop_that_breaks_meanwhile_is_said() -> None:
    assert recognised(OPENS, move(CONTACT, "normal", "active")) == Seen(said="board input/1 open")
    broken = recognised(OPENS, move(CONTACT, "normal", "cut"))
    assert broken == Wrong(said="board input/1 reads cut: its loop is broken or its resistors are wrong")


def test_another_input_that_moves_is_named_and_a_request_to_exit_before_the_contact_is_no_mistake() -> None:
    stray = recognised(OPENS, move(OTHER, "normal", "active"))
    assert stray == Waiting(
        missing="board input/1 is not open",
        stray="board input/7, which nothing names, changed when board input/1, the contact, should have",
    )
    assert isinstance(recognised(OPENS, move(REX, "normal", "active"), move(CONTACT, "normal", "active")), Seen)


def test_s01_a_way_out_that_moves_the_lock_relay_is_no_free_way_out() -> None:
    seen = recognised(LEAVES, move(RELAY, "de-energised", "energised"), move(CONTACT, "normal", "active"))
    assert seen == Wrong(said="the lock relay moved: this way out needs secd, and must not")
