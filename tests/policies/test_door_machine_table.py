"""The door machine's table: every (phase, input) is written down here a second time, by hand."""

from itertools import product
from pathlib import Path

import pytest

from secd.policies.doors.diagram import EFFECTS, PHASES, door_machine_page
from secd.policies.doors.effects import _LEAVES
from secd.policies.doors.machine import TABLE, DoorInput, Effect, Phase

# One letter a phase; "." changes nothing, "=" stays but does something.
LETTERS = {
    "?": Phase.UNKNOWN, "s": Phase.LOST_SHUT, "o": Phase.LOST_OPEN, "f": Phase.LOST_FORCED, "h": Phase.LOST_HELD,
    "C": Phase.CLOSED, "R": Phase.RELEASED, "U": Phase.UNEXPLAINED, "V": Phase.UNEXPLAINED_SHUT,
    "O": Phase.OPEN, "W": Phase.WARNED, "H": Phase.HELD, "F": Phase.FORCED,
}  # fmt: skip
COLUMNS = [
    DoorInput.GRANTED, DoorInput.OPENED, DoorInput.OPENED_ON_GRANT, DoorInput.OPENED_FOR_EXIT, DoorInput.OPENED_FREELY,
    DoorInput.CLOSED, DoorInput.READ_OPEN, DoorInput.READ_CLOSED, DoorInput.CONTACT_LOST, DoorInput.EXIT_REQUESTED,
    DoorInput.RELEASE_OVER, DoorInput.GRACE_OVER, DoorInput.WARN_DUE, DoorInput.ALARM_DUE, DoorInput.MODE_LOCKED,
    DoorInput.MODE_UNLOCKED, DoorInput.LOCKDOWN, DoorInput.FIRE_OVER,
]  # fmt: skip
GRID = """
? = O O O O C O C . . = . . . . . = .
s = O O O O C O C . . = . . . . . = .
o = O O O O C O C . . = . . . . = = .
f = F F F F C F C . . = . . . . . = =
h = H H H H C H C . . = . . . . o = =
C R U O O O . O . s . = . . . . . = .
R = O O O O . O . s . C . . . . . C .
U = . = . . V . V f O . F . . . . = .
V R U U U U . U . f C . C . . . . = .
O = . = . . C . C o . . . W H = = = =
W = . = . . C . C o . . . . H . O = O
H = . = . . C . C h . . . . . . O = =
F = . = . . C . C f . . . . . . . = =
"""
ROWS = {LETTERS[line[0]]: line.split()[1:] for line in GRID.strip().splitlines()}
OPENINGS = (
    DoorInput.OPENED, DoorInput.OPENED_ON_GRANT, DoorInput.OPENED_FOR_EXIT, DoorInput.OPENED_FREELY, DoorInput.READ_OPEN
)  # fmt: skip


@pytest.mark.parametrize(("phase", "happened"), list(product(Phase, DoorInput)))
def test_s07_every_phase_and_input_goes_where_the_grid_says(phase: Phase, happened: DoorInput) -> None:
    said = ROWS[phase][COLUMNS.index(happened)]
    transition = TABLE[phase, happened]
    if said in {".", "="}:
        assert transition.to is phase
        assert bool(transition.effects) is (said == "=")
    else:
        assert transition.to is LETTERS[said]


def test_grid_and_table_have_the_same_size() -> None:
    assert sorted(COLUMNS) == sorted(DoorInput)
    assert set(ROWS) == set(Phase)
    assert len(TABLE) == len(Phase) * len(DoorInput)


def test_every_effect_has_one_leaf_and_is_used() -> None:
    assert set(_LEAVES) == set(Effect) == set(EFFECTS)
    assert {effect for transition in TABLE.values() for effect in transition.effects} == set(Effect)


def test_s06_only_an_opening_without_a_reason_can_become_forced() -> None:
    into = {key for key, transition in TABLE.items() if Effect.FORCED in transition.effects}
    into -= {(phase, DoorInput.FIRE_OVER) for phase in (Phase.FORCED, Phase.LOST_FORCED)}  # told when it may be
    assert {phase for phase, _ in into} == {Phase.UNEXPLAINED, Phase.UNEXPLAINED_SHUT}
    assert [
        key for key, transition in TABLE.items() if transition.to is Phase.UNEXPLAINED and key[0] is Phase.CLOSED
    ] == [(Phase.CLOSED, DoorInput.OPENED)]


def test_s07_no_phase_stays_shut_when_the_contact_opens_nor_open_when_it_shuts() -> None:
    shut = {Phase.CLOSED, Phase.RELEASED, Phase.UNEXPLAINED_SHUT, Phase.LOST_SHUT}
    for phase in Phase:
        for opening in OPENINGS:
            assert TABLE[phase, opening].to not in shut
        for closing in (DoorInput.CLOSED, DoorInput.READ_CLOSED):
            assert TABLE[phase, closing].to in {Phase.CLOSED, Phase.RELEASED, Phase.UNEXPLAINED_SHUT}


def test_a_contact_that_is_lost_is_never_taken_for_shut() -> None:
    for phase in Phase:
        assert TABLE[phase, DoorInput.CONTACT_LOST].to.value.startswith(("lost_", "unknown"))


def test_s03_a_lockdown_leaves_nobody_waiting_to_pass() -> None:
    for phase in Phase:
        transition = TABLE[phase, DoorInput.LOCKDOWN]
        assert transition.to is not Phase.RELEASED
        assert Effect.CUT in transition.effects


def test_the_drawn_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "door-machine.md"
    assert page.read_text(encoding="utf-8") == door_machine_page()
    assert set(PHASES) == set(Phase)
