"""A fire alarm: what it does at doors, what it does not, and how it ends."""

import pytest
from builders import Scene, acts, court_tables, kinds
from fitted import yard, yard_values

from secd.model.doors import DoorMode, Layer
from secd.model.entry import Verdict
from secd.model.event import Event
from secd.model.facts import DoorFinding, FireEnded, Mustered, Trouble
from secd.model.order import ReleaseDoor, RelockDoor
from secd.policies.views import fire_views

ZONE = "ground-floor"
LOCKDOWN = {"level": "lockdown", "area": "grounds"}


@pytest.fixture
def scene() -> Scene:
    return yard()


@pytest.fixture
def fire(scene: Scene) -> Scene:
    scene.panel(ZONE, "activated")
    return scene


def standing(scene: Scene, door: str) -> tuple[DoorMode | None, Layer]:
    return scene.door(door).mode, scene.door(door).layer


def desired(*verdicts: Verdict) -> dict[str, str]:
    """What is written to locks; a locked mode of the fire's own layer is written to none."""
    told = [one for verdict in verdicts for one in verdict.desired]
    return {one.door: one.mode.value for one in told if (one.mode, one.layer) != (DoorMode.LOCKED, Layer.FIRE)}


def suppressed(*verdicts: Verdict) -> list[str]:
    return [
        f.kind for v in verdicts for f in v.findings if isinstance(f.fact, DoorFinding) and f.fact.suppressed
    ]  # fmt: skip


def restore(scene: Scene) -> None:
    scene.panel(ZONE, "cleared")
    assert scene.command("fire.restore", ZONE, reason="the fire brigade left").done


def found(verdict: Verdict, kind: str) -> Event:
    return next(finding for finding in verdict.findings if finding.kind == kind)


def test_s16_a_fire_alarm_goes_to_the_station_with_priority_one_without_any_rule(fire: Scene) -> None:
    alarm = fire.alarm("built-in")
    assert (alarm.kind, alarm.point, alarm.priority, alarm.silent, alarm.latched) == (
        "fire.activated", ZONE, 1, False, True,
    )  # fmt: skip


def test_s16_a_fault_is_trouble_and_not_fire(scene: Scene) -> None:
    verdict = scene.panel(ZONE, "faulted")
    assert [alarm.priority for alarm in verdict.alarms] == [2]
    assert scene.door("magnet").fire == ""
    scene.panel(ZONE, "cleared")
    assert scene.alarm("built-in").condition == "cleared"


def test_s16_only_doors_that_say_so_are_unlocked(fire: Scene) -> None:
    assert desired(fire.last) == {"smoke-door": "unlocked"}
    assert standing(fire, "smoke-door") == (DoorMode.UNLOCKED, Layer.FIRE)
    assert standing(fire, "double") == (DoorMode.LOCKED, Layer.LOCKED)
    assert standing(fire, "magnet") == (DoorMode.LOCKED, Layer.FIRE)


def test_s16_a_lockdown_writes_to_no_door_that_fire_released_by_hardware(fire: Scene) -> None:
    fire.rex("magnet")
    fire.command("level.set", "grounds", **LOCKDOWN)
    assert "magnet" not in desired(fire.last)
    assert "smoke-door" not in desired(fire.last)
    assert desired(fire.last)["double"] == "locked"
    assert RelockDoor(door="magnet") not in acts(fire.last)
    assert fire.command("door.lock", "magnet").code == "fire"


def test_s16_no_release_is_cut_short_where_fire_released_by_hardware(fire: Scene) -> None:
    fire.card("magnet", "rivera")
    fire.open("magnet")
    assert acts(fire.shut("magnet")) == []


def test_s16_a_pulled_station_does_not_end_a_lockdown(scene: Scene) -> None:
    scene.command("level.set", "grounds", **LOCKDOWN)
    scene.panel(ZONE, "activated")
    assert standing(scene, "double") == (DoorMode.LOCKED, Layer.LOCKDOWN)
    assert kinds(scene.card("double", "rivera"))[0] == "access.denied"
    assert desired(scene.last) == {}
    restore(scene)
    assert standing(scene, "smoke-door") == (DoorMode.LOCKED, Layer.LOCKDOWN)
    assert standing(scene, "magnet") == (DoorMode.LOCKED, Layer.LOCKDOWN)


def test_s16_forced_and_held_are_on_record_and_no_alarm(fire: Scene) -> None:
    fire.open("magnet")
    verdicts = fire.pass_time(60)
    assert suppressed(*verdicts) == ["door.forced_open"]
    fire.card("double", "rivera")
    fire.contact("double", opened=True, source="e")
    assert suppressed(*fire.pass_time(60)) == ["door.held_warned", "door.held_open"]
    assert fire.rules() == ["built-in"]


def test_s16_elsewhere_forced_is_an_alarm_as_ever(fire: Scene) -> None:
    fire.open("far")
    fire.pass_time(1)
    assert fire.alarm("forced").point == "far"


def test_s16_what_is_still_so_when_the_fire_is_over_becomes_an_alarm(fire: Scene) -> None:
    fire.open("magnet")
    fire.pass_time(60)
    fire.relay("magnet", unlocked=True)
    fire.pass_time(2)
    restore(fire)
    assert fire.rules() == ["built-in", "forced", "outside"]
    assert fire.alarm("built-in").condition == "cleared"


def test_s16_a_door_left_open_in_the_evacuation_has_its_full_time_after_it(fire: Scene) -> None:
    fire.open("smoke-door")
    fire.pass_time(600)
    restore(fire)
    assert kinds(*fire.pass_time(19)) == []
    assert "door.held_open" in kinds(*fire.pass_time(12))


def test_s16_it_stands_until_the_panel_has_reset_and_an_operator_restores(fire: Scene) -> None:
    assert fire.command("fire.restore", ZONE).code == "still_active"
    fire.panel(ZONE, "faulted")
    assert fire.command("fire.restore", ZONE).code == "not_reset"
    fire.panel(ZONE, "cleared")
    fire.pass_time(86400)
    assert fire.door("magnet").fire == ZONE
    assert fire.command("fire.restore", ZONE, reason=" ").code == "reason_required"
    restore(fire)
    assert fire.door("magnet").fire == ""
    ended = found(fire.last, "fire.restored").fact
    assert isinstance(ended, FireEnded)
    assert (ended.zone, ended.why) == (ZONE, "the fire brigade left")
    assert fire.command("fire.restore", ZONE).code == "not_active"
    assert fire.command("fire.restore", "moon").code == "unknown_target"


def test_s16_every_door_is_evaluated_as_of_now_when_it_is_over(fire: Scene) -> None:
    fire.command("level.set", "grounds", **LOCKDOWN)
    restore(fire)
    assert desired(fire.last) == {"magnet": "locked", "smoke-door": "locked"}
    assert standing(fire, "magnet") == (DoorMode.LOCKED, Layer.LOCKDOWN)


def test_s16_silence_is_neither_fire_nor_its_end(fire: Scene) -> None:
    fire.link("fire", up=False)
    assert fire.alarm("built-in").condition == "unknown"
    assert fire.door("magnet").fire == ZONE
    assert fire.command("fire.restore", ZONE).code == "not_reset"
    fire.panel(ZONE, "activated", initial=True)
    assert fire.alarm("built-in").condition == "active"
    assert fire.alarm("built-in").occurrences == 1


def test_s16_a_restart_remembers_the_fire_and_writes_no_lock(fire: Scene) -> None:
    fire.restarts = True
    verdicts = [fire.tell("secd.started", "secd", Trouble(what="started")), fire.activate(fire.tables)]
    assert desired(*verdicts) == {}
    assert standing(fire, "smoke-door") == (DoorMode.UNLOCKED, Layer.FIRE)
    assert fire_views(fire.tables, fire.state)[0].told == "unknown"


def test_s16_an_edit_of_the_policy_ends_no_fire_and_its_end_can_still_be_told(fire: Scene) -> None:
    fire.activate(court_tables(yard_values(fire_zones="{}")))
    assert fire.door("magnet").fire == ZONE
    assert fire.command("fire.restore", ZONE).done
    assert fire.door("magnet").fire == ""


def test_s16_fire_found_at_the_start_is_fire() -> None:
    scene = yard()
    scene.panel(ZONE, "activated", initial=True)
    assert scene.alarm("built-in").condition == "active"
    assert scene.door("smoke-door").mode is DoorMode.UNLOCKED


def test_s16_a_muster_names_whom_the_last_known_passage_led_inside(scene: Scene) -> None:
    scene.card("double", "lindqvist")
    scene.contact("double", opened=True, source="e")
    scene.card("both-sides", "rivera")
    scene.open("both-sides")
    scene.shut("both-sides")
    scene.pass_time(60)
    scene.leave("both-sides", "rivera")
    scene.open("both-sides")
    scene.panel(ZONE, "activated")
    muster = found(scene.last, "fire.muster").fact
    assert isinstance(muster, Mustered)
    assert muster == Mustered(zone=ZONE, areas=muster.areas, inside=muster.inside)
    assert (muster.areas, muster.inside) == (("yard",), ("lindqvist",))
    scene.panel(ZONE, "cleared")
    assert "fire.muster" in kinds(scene.panel(ZONE, "activated"))
    assert "fire.muster" not in kinds(scene.panel(ZONE, "activated"))


def test_s16_an_operator_may_still_unlock_a_door_in_a_fire(fire: Scene) -> None:
    assert fire.command("door.unlock", "magnet", until=fire.at.utc.replace(hour=23)).done
    assert desired(fire.last) == {"magnet": "unlocked"}
    fire.pass_until(fire.at.utc.replace(hour=23))
    assert standing(fire, "magnet") == (DoorMode.UNLOCKED, Layer.FIRE)  # nothing is told to lock
    restore(fire)
    assert standing(fire, "magnet") == (DoorMode.LOCKED, Layer.LOCKED)


def test_s05_an_interlock_is_off_while_fire_stands_over_it(scene: Scene) -> None:
    scene.open("sally-outer")
    scene.panel(ZONE, "activated")
    assert scene.door("sally-inner").fire == ZONE
    assert ReleaseDoor(door="sally-inner", duration_s=5.0) in acts(scene.card("sally-inner", "rivera"))
