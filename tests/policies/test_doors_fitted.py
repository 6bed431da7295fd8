"""Doors fitted in every way: motors, maglocks, several contacts, readers on the inside, boards with an open cabinet."""

import pytest
from builders import Scene, acts, kinds
from fitted import yard

from secd.model.doors import Achieved, DoorMode, LockState, PhysicalState
from secd.model.facts import AccessDecided, DoorFinding, Passage
from secd.model.names import DeviceId
from secd.model.order import ReleaseDoor, RelockDoor, SignalReader
from secd.policies.doors.machine import Phase
from secd.policies.views import door_views


@pytest.fixture
def scene() -> Scene:
    return yard()


def passages(scene: Scene) -> list[str]:
    return [f.fact.how for f in scene.last.findings if isinstance(f.fact, Passage)]


def of(scene: Scene, kind: str) -> list[str]:
    return [one for one in kinds(*scene.verdicts) if one == kind]


def leaf(scene: Scene, door: str, number: int, *, opened: bool) -> list[str]:
    device = scene.tables.doors[door].contact_device
    return kinds(scene.contact(door, opened=opened, point=f"input/{number}", source=DeviceId(device)))


# --- motor locks, bolts and maglocks ---------------------------------------------------------------------------------------


def test_s07_a_motor_that_still_throws_its_bolt_leaves_a_door_that_may_be_opened(scene: Scene) -> None:
    scene.card("motor", "rivera")
    scene.open("motor")
    scene.shut("motor")  # relocks: the bolt travels for two seconds
    scene.pass_time(1.9)
    scene.open("motor")
    assert of(scene, "door.forced_open") == []
    assert not {"door.forced_open"} & set(kinds(*scene.pass_time(1)))


def test_s07_a_motor_door_opened_after_its_bolt_was_thrown_is_forced(scene: Scene) -> None:
    scene.card("motor", "rivera")
    scene.open("motor")
    scene.shut("motor")
    scene.pass_time(2.1)
    scene.open("motor")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s07_a_motor_door_whose_mode_locks_is_free_while_its_bolt_travels(scene: Scene) -> None:
    scene.command("door.unlock", "motor", until=scene.at.utc.replace(hour=23))
    scene.pass_time(60)
    scene.command("door.lock", "motor")
    scene.pass_time(1)
    scene.open("motor")
    assert "door.forced_open" not in kinds(*scene.pass_time(1))


def test_s07_a_motors_bolt_has_its_travel_time_to_follow_and_no_longer(scene: Scene) -> None:
    scene.bolt("motor", thrown=False)
    scene.card("motor", "rivera")
    scene.open("motor")
    scene.shut("motor")
    assert kinds(*scene.pass_time(2.9)) == []
    assert kinds(*scene.pass_time(0.2)) == ["door.not_secured", "alarm.raised"]
    assert kinds(scene.bolt("motor", thrown=True)) == ["door.secured", "alarm.cleared"]


def test_s07_a_bolt_that_slides_back_at_a_shut_door_is_not_secured(scene: Scene) -> None:
    scene.bolt("vehicle-gate", thrown=False)
    assert kinds(*scene.pass_time(3)) == ["door.not_secured", "alarm.raised"]


def test_s07_a_bolt_withdrawn_by_our_release_is_no_finding(scene: Scene) -> None:
    scene.card("vehicle-gate", "rivera")
    scene.bolt("vehicle-gate", thrown=False)
    scene.pass_time(5)
    scene.bolt("vehicle-gate", thrown=True)
    assert "door.not_secured" not in kinds(*scene.verdicts, *scene.pass_time(60))


def test_s07_a_door_that_is_to_be_unlocked_needs_no_bolt(scene: Scene) -> None:
    scene.bolt("vehicle-gate", thrown=False)
    scene.pass_time(3)
    scene.command("door.unlock", "vehicle-gate", until=scene.at.utc.replace(hour=23))
    assert scene.alarm("bolt").condition == "cleared"
    assert not scene.door("vehicle-gate").not_secured


def test_a_door_with_a_bolt_is_achieved_when_relay_and_bolt_say_so(scene: Scene) -> None:
    def achieved() -> Achieved:
        return next(view.achieved for view in door_views(scene.tables, scene.state, scene.at) if view.door == "motor")

    assert achieved() is Achieved.ACHIEVED
    scene.bolt("motor", thrown=False)
    assert achieved() is Achieved.PENDING
    scene.pass_time(4)
    assert achieved() is Achieved.FAILED


def test_s04_a_relay_that_must_be_energised_to_lock_is_read_the_other_way_round(scene: Scene) -> None:
    assert scene.door("magnet").lock is LockState.LOCKED
    scene.pass_time(60)
    verdict = scene.relay("magnet", unlocked=True)
    assert scene.events[-1].kind == "door.lock_deenergised"
    assert kinds(verdict) == ["door.released_outside_secd", "alarm.raised"]


def test_s06_a_request_to_exit_releases_for_its_own_time_and_explains_its_opening(scene: Scene) -> None:
    assert acts(scene.rex("magnet")) == [ReleaseDoor(door="magnet", duration_s=8.0)]
    scene.pass_time(7.5)
    assert kinds(scene.open("magnet")) == ["door.exited"]
    assert acts(scene.shut("magnet")) == [RelockDoor(door="magnet")]


# --- without a contact -----------------------------------------------------------------------------------------------------


def test_s07_a_door_without_a_contact_never_says_forced_held_or_taken(scene: Scene) -> None:
    scene.card("bare", "rivera")
    assert kinds(*scene.pass_time(600)) == ["access.not_known"]
    assert [f.fact.how for f in scene.last.findings if isinstance(f.fact, Passage)] == ["not_known"]


def test_s07_the_bond_of_a_door_without_a_contact_is_watched_all_the_same(scene: Scene) -> None:
    scene.bolt("bare", thrown=False)
    assert "door.not_secured" in kinds(*scene.pass_time(3))


def test_s07_a_grant_at_a_contact_that_cannot_be_read_ends_as_not_known(scene: Scene) -> None:
    scene.cut("both-sides")
    scene.card("both-sides", "rivera")
    assert kinds(*scene.pass_time(10)) == ["access.not_known"]


# --- several contacts ------------------------------------------------------------------------------------------------------


def test_s07_a_wide_door_is_open_with_its_first_leaf_and_shut_with_its_last(scene: Scene) -> None:
    scene.card("double", "rivera")
    assert leaf(scene, "double", 1, opened=True) == ["access.taken"]
    assert leaf(scene, "double", 2, opened=True) == []
    assert leaf(scene, "double", 1, opened=False) == []
    assert scene.door("double").physical is PhysicalState.OPEN
    leaf(scene, "double", 2, opened=False)
    assert scene.door("double").phase is Phase.CLOSED


def test_s06_either_leaf_of_a_wide_door_can_be_forced(scene: Scene) -> None:
    leaf(scene, "double", 2, opened=True)
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s07_a_pair_of_contacts_that_opens_together_is_an_opening(scene: Scene) -> None:
    scene.card("pair", "rivera")
    assert leaf(scene, "pair", 1, opened=True) == []
    assert leaf(scene, "pair", 2, opened=True) == ["access.taken"]
    assert leaf(scene, "pair", 2, opened=False) == []
    leaf(scene, "pair", 1, opened=False)
    assert scene.door("pair").phase is Phase.CLOSED
    assert of(scene, "door.contact_faulted") == []


def test_s06_a_pair_of_contacts_that_opens_without_a_reason_is_forced(scene: Scene) -> None:
    leaf(scene, "pair", 1, opened=True)
    leaf(scene, "pair", 2, opened=True)
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s07_a_pair_of_which_one_says_open_and_one_closed_is_faulted_and_not_forced(scene: Scene) -> None:
    leaf(scene, "pair", 1, opened=True)
    assert kinds(*scene.pass_time(60)) == ["door.contact_faulted", "alarm.raised"]
    assert scene.door("pair").physical is PhysicalState.FAULT
    assert of(scene, "door.forced_open") == []
    leaf(scene, "pair", 1, opened=False)
    assert scene.door("pair").physical is PhysicalState.CLOSED
    assert scene.alarm("faulted").condition == "cleared"


def test_s06_a_pair_that_blinks_within_the_grace_was_opened_and_shut(scene: Scene) -> None:
    for number in (1, 2):
        leaf(scene, "pair", number, opened=True)
        leaf(scene, "pair", number, opened=False)
    assert kinds(*scene.pass_time(1))[:2] == ["door.forced_open", "door.secured"]


def test_one_contact_that_blinks_alone_is_no_opening(scene: Scene) -> None:
    leaf(scene, "pair", 1, opened=True)
    leaf(scene, "pair", 1, opened=False)
    assert kinds(*scene.pass_time(60)) == []


def test_s07_a_wide_door_with_one_line_cut_is_not_known_to_be_shut(scene: Scene) -> None:
    scene.cut("double", point="input/2", source="e")
    assert scene.door("double").physical is PhysicalState.FAULT
    leaf(scene, "double", 1, opened=True)
    assert scene.door("double").physical is PhysicalState.OPEN
    assert scene.alarm("faulted").condition == "active"  # the other leaf's word says nothing of the cut line
    leaf(scene, "double", 1, opened=False)
    assert scene.door("double").physical is PhysicalState.FAULT
    leaf(scene, "double", 2, opened=False)
    assert scene.door("double").physical is PhysicalState.CLOSED
    assert scene.alarm("faulted").condition == "cleared"


def test_a_wide_door_whose_board_goes_is_unknown_until_each_leaf_was_read(scene: Scene) -> None:
    scene.link("e", up=False)
    assert scene.door("double").physical is PhysicalState.UNKNOWN
    scene.contact("double", opened=False, initial=True, point="input/1", source=DeviceId("e"))
    assert scene.door("double").physical is PhysicalState.UNKNOWN
    verdict = scene.contact("double", opened=True, initial=True, point="input/2", source=DeviceId("e"))
    assert kinds(verdict) == ["door.opened_while_away"]


# --- readers on the inside, requests to exit -------------------------------------------------------------------------------


def test_s05_whoever_shows_a_card_on_the_inside_is_let_out_and_counted_out(scene: Scene) -> None:
    verdict = scene.leave("both-sides", "rivera")
    assert kinds(verdict) == ["access.granted"]
    assert acts(verdict) == [
        ReleaseDoor(door="both-sides", duration_s=5.0),
        SignalReader(door="both-sides", granted=True, exit=True),
    ]
    scene.open("both-sides")
    (fact,) = [f.fact for f in scene.last.findings if isinstance(f.fact, Passage)]
    assert (fact.holder, fact.out) == ("rivera", True)


@pytest.mark.parametrize("holder", ["nobody", "stranger", "rivera"])
def test_s05_no_card_is_refused_on_the_inside_whatever_stands(scene: Scene, holder: str) -> None:
    scene.command("level.set", "grounds", level="lockdown", area="grounds")
    scene.store(failed=True)
    verdict = scene.leave("both-sides", holder)
    assert ReleaseDoor(door="both-sides", duration_s=5.0) in acts(verdict)
    assert "access.denied" not in kinds(verdict)


def test_s05_a_refused_exit_is_an_alarm_and_not_a_held_lock(scene: Scene) -> None:
    verdict = scene.leave("both-sides", "nobody")
    assert kinds(verdict) == ["exit.refused", "alarm.raised"]
    assert [f.fact.reason for f in verdict.findings if isinstance(f.fact, AccessDecided)] == ["unknown_credential"]
    assert scene.alarm("built-in").kind == "exit.refused"
    assert ReleaseDoor(door="both-sides", duration_s=5.0) in acts(verdict)


def test_s08_a_late_card_on_the_inside_releases_nothing(scene: Scene) -> None:
    assert acts(scene.leave("both-sides", "rivera", late=True)) == []


def test_s06_a_request_while_the_door_is_open_or_just_shut_explains_no_later_opening(scene: Scene) -> None:
    scene.card("both-sides", "rivera")
    scene.open("both-sides")
    scene.rex("both-sides")  # the sensor inside sees whoever comes in
    scene.rex("both-sides", active=False)
    scene.shut("both-sides")
    scene.pass_time(2)
    scene.rex("both-sides")
    scene.rex("both-sides", active=False)
    scene.open("both-sides")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s06_a_request_in_the_scan_of_its_opening_is_never_ignored(scene: Scene) -> None:
    scene.open("both-sides")
    assert kinds(scene.rex("both-sides")) == ["door.exited"]


def test_s06_ignoring_touches_alarms_and_never_a_release() -> None:
    scene = yard(doors="{only: {to: yard, rex: releases, rex_ignored_after_closing: 10s, "
                 "wiring: {lock: b/1, contact: {input: b/1, closed_is: 1}, rex: b/2}}}",
                 areas="{yard: {}}", rules="{}", threat_levels="{}", door_modes="{}")  # fmt: skip
    scene.rex("only")
    scene.open("only")
    scene.shut("only")
    assert acts(scene.rex("only", activations=1)) == [ReleaseDoor(door="only", duration_s=5.0)]


def test_an_extended_holder_who_comes_while_the_door_is_open_gets_the_longer_time(scene: Scene) -> None:
    scene.card("far", "rivera")
    scene.open("far")
    scene.pass_time(15)
    scene.card("far", "slow")
    assert kinds(*scene.pass_time(14)) == []
    assert kinds(*scene.pass_time(2)) == ["door.held_warned"]


# --- tamper ----------------------------------------------------------------------------------------------------------------


def test_the_points_of_a_door_are_not_trusted_while_its_boards_cabinet_is_open(scene: Scene) -> None:
    verdict = scene.tamper("s", opened=True)
    told = [f.subject for f in verdict.findings if isinstance(f.fact, DoorFinding)]
    assert told == ["sally-inner", "sally-outer"]
    assert kinds(verdict)[:2] == ["door.points_untrusted"] * 2
    assert "door.points_untrusted" not in kinds(scene.tamper("s", opened=True))
    assert kinds(scene.tamper("s", opened=False))[:2] == ["door.points_trusted"] * 2
    assert {alarm.condition for alarm in scene.state.open_alarms() if alarm.rule == "untrusted"} == {"cleared"}


def test_a_reader_that_is_taken_off_its_wall_is_an_alarm_at_its_door(scene: Scene) -> None:
    scene.tell("reader.tampered", "both-sides", scene.tamper("x", opened=True) and scene.events[-1].fact)
    assert scene.alarm("reader").point == "both-sides"
    scene.tell("reader.tamper_restored", "both-sides", scene.events[-1].fact)
    assert scene.alarm("reader").condition == "cleared"


def test_s09_a_first_card_of_one_row_does_not_unlock_another() -> None:
    rows = (
        "{far: [{mode: unlocked, when: office-hours, after_first_card: [deputies]}, "
        "{mode: unlocked, when: always, after_first_card: [clerks]}]}"
    )
    scene = yard(door_modes=rows)
    scene.card("far", "rivera")
    scene.open("far")
    assert scene.door("far").mode is DoorMode.UNLOCKED
    assert scene.door("far").first_cards == ("always",)


def test_s09_leaving_is_no_first_card() -> None:
    scene = yard(door_modes="{both-sides: [{mode: unlocked, when: always, after_first_card: [clerks]}]}")
    scene.leave("both-sides", "rivera")
    scene.open("both-sides")
    assert scene.door("both-sides").mode is DoorMode.LOCKED
    assert passages(scene) == ["taken"]
