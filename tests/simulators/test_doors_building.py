"""People at doors, by plain values and a `now`: what the locks let them do, and what the board's inputs then say."""

import random
from dataclasses import replace

import pytest

from secd.model.facts import InputState
from simulators.door_controller.board import DoorBoard
from simulators.door_controller.building import Building, DoorWiring, wire_doors

CONTACT, REX, RELAY = 1, 2, 1
STRIKE = wire_doors(1)["1"]
MAGLOCK = replace(STRIKE, energise_to_unlock=False)


def at_door(wiring: DoorWiring = STRIKE, now: float = 0.0) -> tuple[DoorBoard, Building]:
    board = DoorBoard(now, chance=random.Random(1))
    return board, Building({"1": wiring}, board, now)


def test_doors_are_wired_two_inputs_a_door_and_a_closed_leaf_reads_active() -> None:
    board = DoorBoard(0.0)
    Building(wire_doors(4), board, 0.0)
    assert [one.state for one in board.inputs] == [InputState.ACTIVE, InputState.NORMAL] * 4
    assert [one.activations for one in board.inputs] == [0] * 8
    assert wire_doors(4)["4"] == DoorWiring(reader=4, relay=4, contact_input=7, rex_input=8)


def test_a_contact_wired_the_other_way_reads_normal_when_closed() -> None:
    board, building = at_door(replace(STRIKE, contact_closed_is=False))
    assert board.inputs[0].state is InputState.NORMAL
    building.door("1").force(1.0)
    assert board.inputs[0].state is InputState.ACTIVE


def test_a_locked_door_lets_nobody_through_and_its_contact_does_not_move() -> None:
    board, building = at_door()
    assert not building.door("1").walk_through(1.0, open_s=1.0)
    assert not building.door("1").hold(1.0)
    assert board.inputs[0].state is InputState.ACTIVE


def test_a_released_strike_lets_a_person_through_and_the_door_closes_behind() -> None:
    board, building = at_door()
    board.relay(RELAY).start_pulse(50, 0.0, energise=True)
    board.changed()
    assert building.door("1").walk_through(1.0, open_s=2.0)
    assert board.inputs[0].state is InputState.NORMAL
    board.settle(2.9)
    assert building.door("1").is_open
    board.settle(3.0)
    assert not building.door("1").is_open
    assert board.inputs[0].activations == 1


def test_a_maglock_holds_while_energised_and_lets_go_without_supply() -> None:
    board, building = at_door(MAGLOCK)
    door = building.door("1")
    assert door.unlocked
    board.relay(RELAY).hold(energised=True)
    assert not door.unlocked
    board.set_cabinet(lock_supply_failed=True)
    assert door.unlocked


def test_a_strike_without_supply_stays_locked_even_when_released() -> None:
    board, building = at_door()
    board.relay(RELAY).hold(energised=True)
    assert building.door("1").unlocked
    board.set_cabinet(lock_supply_failed=True)
    assert not building.door("1").unlocked


def test_a_welded_relay_unlocks_the_door_although_the_board_believes_it_locked() -> None:
    board, building = at_door()
    board.relay(RELAY).stuck = True
    assert building.door("1").unlocked
    assert not board.relay(RELAY).coil


def test_from_inside_the_lever_always_works_and_rex_comes_before_the_opening() -> None:
    board, building = at_door()
    building.door("1").open_from_inside(10.0, lever_s=0.1, open_s=1.0)
    assert (board.inputs[1].state, building.door("1").is_open) == (InputState.ACTIVE, False)
    board.settle(10.1)
    assert (board.inputs[1].state, building.door("1").is_open) == (InputState.ACTIVE, True)
    board.settle(10.6)
    assert board.inputs[1].state is InputState.NORMAL
    board.settle(11.2)
    assert not building.door("1").is_open


def test_rex_and_opening_can_come_in_the_same_moment() -> None:
    board, building = at_door()
    building.door("1").open_from_inside(10.0, lever_s=0.0, open_s=0.0)
    assert not building.door("1").is_open
    assert board.inputs[1].activations == board.inputs[0].activations == 1


def test_a_forced_door_stays_open_until_somebody_closes_it() -> None:
    board, building = at_door()
    building.door("1").force(1.0)
    board.settle(1000.0)
    assert building.door("1").is_open
    building.door("1").close(1001.0)
    assert not building.door("1").is_open


def test_a_held_door_does_not_close_behind_the_one_who_walked_through() -> None:
    board, building = at_door()
    board.relay(RELAY).hold(energised=True)
    door = building.door("1")
    assert door.walk_through(1.0, open_s=1.0)
    assert door.hold(1.5)
    board.settle(1000.0)
    assert door.is_open
    assert door.walk_through(1001.0, open_s=1.0), "anybody passes an open door"


def test_a_monitored_bolt_follows_relay_and_leaf() -> None:
    board, building = at_door(replace(STRIKE, bolt_input=3))
    bolt = board.inputs[2]
    assert bolt.state is InputState.ACTIVE
    board.relay(RELAY).hold(energised=True)
    building.follow_locks(1.0)
    assert bolt.state is InputState.NORMAL
    building.door("1").hold(2.0)
    board.relay(RELAY).hold(energised=False)
    building.follow_locks(3.0)
    assert bolt.state is InputState.NORMAL, "an open leaf cannot be bolted"
    building.door("1").close(4.0)
    assert bolt.state is InputState.ACTIVE


def test_a_cut_wire_hides_the_contact_and_mending_it_shows_where_the_leaf_is() -> None:
    board, building = at_door()
    board.set_wire(CONTACT, 1.0, InputState.CUT)
    building.door("1").force(2.0)
    assert board.inputs[0].state is InputState.CUT
    building.door("1").close(3.0)
    assert board.inputs[0].activations == 0
    board.set_wire(CONTACT, 4.0, None)
    assert (board.inputs[0].state, board.inputs[0].activations) == (InputState.ACTIVE, 1)


def test_a_bouncing_contact_is_counted_each_time_and_rests_where_it_was() -> None:
    board, _ = at_door()
    board.bounce(REX, 1.0, times=3, gap_s=0.01)
    board.settle(1.05)
    assert (board.inputs[1].state, board.inputs[1].activations) == (InputState.NORMAL, 3)
    board.bounce(CONTACT, 2.0, times=2, gap_s=0.01)
    board.settle(3.0)
    assert (board.inputs[0].state, board.inputs[0].activations) == (InputState.ACTIVE, 2)


def test_what_is_not_there_is_refused_by_name() -> None:
    board, building = at_door()
    with pytest.raises(ValueError, match="no door '7' here; there are: 1"):
        building.door("7")
    with pytest.raises(ValueError, match="no input 9"):
        board.input(9)
    with pytest.raises(ValueError, match="no relay 0"):
        board.relay(0)
