"""Who decides a door's mode, threat levels, overrides, and what waits for a clock that may be believed."""

from datetime import timedelta

import pytest
from builders import Scene, acts, court_tables, instant, kinds, local, site_values

from secd.model.doors import DoorMode, Layer
from secd.model.facts import LevelChanged, ModeChanged
from secd.model.order import DesiredLock, ReleaseDoor, RelockDoor, SignalReader
from secd.policies.views import level_views, override_views

LOCKDOWN = {"level": "lockdown", "area": "courthouse"}


@pytest.fixture
def scene() -> Scene:
    return Scene().start()


@pytest.fixture
def early() -> Scene:
    """Before the doors are unlocked in the morning."""
    return Scene(at=instant(local("2026-11-23 06:50"))).start()


def standing(scene: Scene, door: str) -> tuple[str | None, str]:
    return scene.door(door).mode, scene.door(door).layer


def lock_down(scene: Scene) -> None:
    assert scene.command("level.set", "courthouse", **LOCKDOWN).done


def end_lockdown(scene: Scene) -> None:
    assert scene.command("level.end", "courthouse", by="captain", **LOCKDOWN).code == "second_operator_required"
    assert scene.command("level.end", "courthouse", by="lieutenant", **LOCKDOWN).done


def test_the_schedule_unlocks_and_locks_on_the_minute(early: Scene) -> None:
    assert standing(early, "front") == ("locked", "locked")
    verdicts = early.pass_until(local("2026-11-23 07:00"))
    desired = [desired for verdict in verdicts for desired in verdict.desired]
    assert desired == [
        DesiredLock(door="front", mode=DoorMode.UNLOCKED, layer=Layer.SCHEDULE, cause=early.events[-1].id)
    ]
    assert "door.mode_changed" in kinds(*verdicts)
    early.pass_until(local("2026-11-23 18:30"))
    assert standing(early, "front") == ("locked", "locked")


def test_nothing_is_desired_that_is_desired_already(early: Scene) -> None:
    early.pass_until(local("2026-11-23 06:59"))
    verdict = early.activate(early.tables)
    assert verdict.desired == ()


def test_every_door_is_desired_locked_when_it_is_first_judged() -> None:
    scene = Scene(at=instant(local("2026-11-22 12:00")))
    verdict = scene.activate(scene.tables)
    assert {desired.door: desired.mode for desired in verdict.desired} == dict.fromkeys(scene.tables.doors, "locked")
    assert kinds(verdict) == []


def test_an_unlock_waits_for_the_first_card_where_it_says_so(early: Scene) -> None:
    early.pass_until(local("2026-11-23 07:05"))
    assert standing(early, "annex") == ("locked", "locked")
    early.card("annex", "lindqvist")
    early.open("annex")
    early.shut("annex")
    assert standing(early, "annex") == ("locked", "locked")  # a deputy is not one of the groups
    early.card("annex", "rivera")
    assert standing(early, "annex") == ("locked", "locked")  # granted is not entered
    early.open("annex")
    assert standing(early, "annex") == ("unlocked", "schedule")
    early.pass_until(local("2026-11-23 18:31"))
    early.pass_until(local("2026-11-24 07:05"))
    assert standing(early, "annex") == ("locked", "locked")


# --- S2 ----------------------------------------------------------------------------------------------------------------


def test_s02_lockdown_stands_above_override_above_level_above_schedule(scene: Scene) -> None:
    assert standing(scene, "front") == ("unlocked", "schedule")
    scene.command("level.set", "lobby", level="elevated", area="lobby")
    assert standing(scene, "front") == ("locked", "threat_level")
    scene.command("door.unlock", "front", until=scene.at.utc + timedelta(hours=1))
    assert standing(scene, "front") == ("unlocked", "override")
    lock_down(scene)
    assert standing(scene, "front") == ("locked", "lockdown")
    end_lockdown(scene)
    assert standing(scene, "front") == ("unlocked", "override")
    scene.command("door.lock", "front")
    assert standing(scene, "front") == ("locked", "threat_level")
    scene.command("level.end", "lobby", level="elevated", area="lobby")
    assert standing(scene, "front") == ("unlocked", "schedule")


def test_s02_the_morning_unlock_never_acts_through_a_lockdown(early: Scene) -> None:
    lock_down(early)
    verdicts = early.pass_until(local("2026-11-23 09:00"))
    assert [desired for verdict in verdicts for desired in verdict.desired] == []
    end_lockdown(early)
    assert standing(early, "front") == ("unlocked", "schedule")


def test_s02_what_lies_below_is_evaluated_as_of_now_when_a_higher_layer_ends(scene: Scene) -> None:
    lock_down(scene)
    scene.pass_until(local("2026-11-23 20:00"))
    end_lockdown(scene)
    assert standing(scene, "front") == ("locked", "locked")


def test_s02_upper_layers_are_restored_before_anything_is_desired(early: Scene) -> None:
    lock_down(early)
    early.pass_until(local("2026-11-23 08:00"))
    restarted = Scene(tables=early.tables, at=early.at, state=early.state, restarts=True, number=900)
    restarted.start()
    assert [desired for verdict in restarted.verdicts for desired in verdict.desired] == []
    assert standing(restarted, "front") == ("locked", "lockdown")


# --- S3 ----------------------------------------------------------------------------------------------------------------


def test_s03_a_lockdown_locks_the_doors_of_its_areas_including_restricted_ones(scene: Scene) -> None:
    lock_down(scene)
    verdict = scene.last
    changed = next(f.fact for f in verdict.findings if isinstance(f.fact, LevelChanged))
    assert changed.doors == ("annex", "blind", "east", "evidence-door", "front", "side")
    assert changed.admit == ("deputies",)
    assert {scene.door(door).layer for door in changed.doors} == {"lockdown"}
    assert [d.door for d in verdict.desired if d.mode == "locked"] == list(changed.doors)


def test_s03_only_admitted_groups_are_released_in_a_lockdown(scene: Scene) -> None:
    lock_down(scene)
    assert kinds(scene.card("east", "rivera")) == ["access.denied"]
    assert acts(scene.last) == [SignalReader(door="east", granted=False)]
    assert ReleaseDoor(door="east", duration_s=5.0) in acts(scene.card("east", "lindqvist"))
    assert ReleaseDoor(door="evidence-door", duration_s=5.0) in acts(scene.card("evidence-door", "lindqvist"))
    assert kinds(scene.card("evidence-door", "abebe")) == ["access.denied"]


def test_s03_a_lockdown_pre_empts_the_release_under_way(scene: Scene) -> None:
    scene.card("east", "rivera")
    lock_down(scene)
    assert RelockDoor(door="east") in acts(scene.last)
    assert next(order for order in scene.last.orders if order.act == RelockDoor(door="east")).urgent
    assert "access.not_taken" in kinds(scene.last)
    scene.open("east")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s03_a_door_standing_open_is_not_achieved(scene: Scene) -> None:
    scene.open("front")
    lock_down(scene)
    for door in scene.tables.doors:
        scene.relay(door, unlocked=False)
    (view,) = level_views(scene.tables, scene.state)
    assert view.not_achieved == ("front",)
    scene.shut("front")
    assert level_views(scene.tables, scene.state)[0].not_achieved == ()


def test_s03_ending_a_lockdown_needs_two_different_operators(scene: Scene) -> None:
    lock_down(scene)
    for _ in range(2):
        answer = scene.command("level.end", "courthouse", by="captain", **LOCKDOWN)
        assert (answer.done, answer.code) == (False, "second_operator_required")
    assert scene.command("level.end", "courthouse", by="lieutenant", **LOCKDOWN).done
    assert not scene.state.levels


def test_s03_the_first_operators_word_stands_for_ten_minutes(scene: Scene) -> None:
    lock_down(scene)
    scene.command("level.end", "courthouse", by="captain", **LOCKDOWN)
    scene.pass_time(601)
    assert scene.command("level.end", "courthouse", by="lieutenant", **LOCKDOWN).code == "second_operator_required"
    assert scene.state.levels
    assert scene.command("level.end", "courthouse", by="captain", **LOCKDOWN).done


def test_s03_operators_neither_release_nor_unlock_through_a_lockdown(scene: Scene) -> None:
    lock_down(scene)
    until = scene.at.utc + timedelta(hours=1)
    assert scene.command("door.release", "east").code == "lockdown"
    assert scene.command("door.unlock", "east", until=until).code == "lockdown"
    assert scene.last.orders == ()


def test_s03_a_level_in_one_area_leaves_the_others_alone(scene: Scene) -> None:
    scene.command("level.set", "courtroom", level="lockdown", area="courtroom")
    assert standing(scene, "side") == ("locked", "lockdown")
    assert standing(scene, "front") == ("unlocked", "schedule")
    assert kinds(scene.card("east", "rivera")) == ["access.granted"]


def test_s03_an_edit_of_the_policy_ends_no_lockdown(scene: Scene) -> None:
    lock_down(scene)
    without = court_tables(site_values(threat_levels="{}", alarms="{}"))
    scene.activate(without)
    assert standing(scene, "front") == ("locked", "lockdown")
    assert kinds(scene.card("east", "rivera"))[0] == "access.denied"


def test_setting_a_level_twice_changes_nothing(scene: Scene) -> None:
    lock_down(scene)
    lock_down(scene)
    assert scene.last.findings == ()


def test_s09_a_level_always_names_its_area(scene: Scene) -> None:
    assert scene.command("level.set", "", level="lockdown").code == "area_required"
    assert scene.command("level.set", "moon", level="lockdown", area="moon").code == "unknown_target"
    assert scene.command("level.set", "lobby", level="purple", area="lobby").code == "unknown_target"


# --- S19 ---------------------------------------------------------------------------------------------------------------


def test_s19_an_unlock_without_an_end_is_refused(scene: Scene) -> None:
    answer = scene.command("door.unlock", "east")
    assert (answer.done, answer.code) == (False, "until_required")


@pytest.mark.parametrize(("hours", "code"), [(-1, "until_past"), (24 * 40, "until_too_far")])
def test_s19_an_end_that_has_passed_or_never_comes_is_refused(scene: Scene, hours: int, code: str) -> None:
    assert scene.command("door.unlock", "east", until=scene.at.utc + timedelta(hours=hours)).code == code


@pytest.mark.parametrize("verb", ["door.release", "door.unlock", "door.lock", "level.set", "level.end"])
def test_s19_every_door_command_takes_a_reason(scene: Scene, verb: str) -> None:
    assert scene.command(verb, "east", reason=" ").code == "reason_required"


def test_s19_an_override_ends_by_itself_and_says_so(scene: Scene) -> None:
    scene.command("door.unlock", "east", until=scene.at.utc + timedelta(minutes=30))
    assert standing(scene, "east") == ("unlocked", "override")
    (view,) = override_views(scene.tables, scene.state, scene.at)
    assert (view.door, view.author, view.reason, view.left_s) == ("east", "captain", "a drill", 1800)
    verdicts = scene.pass_time(1800)
    changed = [f.fact for v in verdicts for f in v.findings if isinstance(f.fact, ModeChanged)]
    assert [(one.mode, one.layer) for one in changed] == [("locked", "locked")]
    assert override_views(scene.tables, scene.state, scene.at) == ()


def test_s19_an_override_that_ended_while_secd_was_down_unlocks_nothing(scene: Scene) -> None:
    scene.command("door.unlock", "east", until=scene.at.utc + timedelta(minutes=30))
    lock_down(scene)
    scene.at = instant(scene.at.utc + timedelta(hours=1))
    scene.tell("secd.started", "secd", scene.events[0].fact)
    assert scene.command("level.end", "courthouse", by="captain", **LOCKDOWN).code == "second_operator_required"
    assert scene.command("level.end", "courthouse", by="lieutenant", **LOCKDOWN).done
    assert "east" not in {one.door for one in scene.last.desired if one.mode is DoorMode.UNLOCKED}


def test_s19_a_later_end_replaces_the_earlier(scene: Scene) -> None:
    scene.command("door.unlock", "east", until=scene.at.utc + timedelta(minutes=30))
    scene.command("door.unlock", "east", until=scene.at.utc + timedelta(minutes=60))
    scene.pass_time(1801)
    assert standing(scene, "east") == ("unlocked", "override")
    scene.pass_time(1800)
    assert standing(scene, "east") == ("locked", "locked")


def test_a_door_held_locked_stays_so_against_its_schedule_until_the_end(scene: Scene) -> None:
    scene.command("door.lock", "front", until=scene.at.utc + timedelta(minutes=30))
    assert standing(scene, "front") == ("locked", "override")
    scene.pass_time(1800)
    assert standing(scene, "front") == ("unlocked", "schedule")


def test_a_lock_that_the_schedule_undoes_says_so(scene: Scene) -> None:
    answer = scene.command("door.lock", "front")
    assert (answer.done, answer.code) == (False, "still_unlocked")


def test_an_operators_lock_cuts_a_release_short(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.command("door.lock", "east")
    assert RelockDoor(door="east") in acts(scene.last)


def test_an_operators_release_lets_one_passage_through(scene: Scene) -> None:
    assert scene.command("door.release", "east").done
    assert acts(scene.last) == [ReleaseDoor(door="east", duration_s=5.0)]
    assert kinds(scene.open("east")) == ["access.taken"]


def test_an_operator_releases_nothing_that_may_not_be_recorded(scene: Scene) -> None:
    scene.store(failed=True)
    assert scene.command("door.release", "evidence-door").code == "store_unavailable"
    assert scene.command("door.release", "east").done


def test_commands_for_what_is_not_there_are_refused(scene: Scene) -> None:
    assert scene.command("door.release", "nowhere").code == "unknown_target"
    assert scene.command("door.explode", "east").code == "unknown_verb"
    assert scene.command("level.end", "courthouse", **LOCKDOWN).code == "unknown_target"
    assert scene.command("clock.accept", "clock").done


# --- S10 ---------------------------------------------------------------------------------------------------------------


def test_s10_an_unlock_waits_until_the_clock_is_trusted(early: Scene) -> None:
    early.distrust()
    early.pass_until(local("2026-11-23 08:00"))
    assert standing(early, "front") == ("locked", "locked")
    assert early.door("front").waits_for_clock
    verdict = early.trust()
    assert [(desired.door, desired.mode) for desired in verdict.desired] == [("front", "unlocked")]


def test_s10_a_lock_runs_whatever_the_clock_says(scene: Scene) -> None:
    scene.distrust()
    assert standing(scene, "front") == ("unlocked", "schedule")
    scene.pass_until(local("2026-11-23 18:30"))
    assert standing(scene, "front") == ("locked", "locked")


def test_s10_an_operator_may_unlock_while_the_clock_is_not_trusted(early: Scene) -> None:
    early.distrust()
    assert early.command("door.unlock", "front", until=early.at.utc + timedelta(hours=1)).done
    assert standing(early, "front") == ("unlocked", "override")


def test_s10_decisions_go_on_while_the_clock_is_not_trusted(scene: Scene) -> None:
    scene.distrust()
    assert kinds(scene.card("east", "rivera")) == ["access.granted"]


def test_s10_a_start_with_an_untrusted_clock_unlocks_nothing() -> None:
    scene = Scene(at=instant(local("2026-11-23 10:00"), trusted=False)).start()
    assert standing(scene, "front") == ("locked", "locked")


# --- other policies ------------------------------------------------------------------------------------------------------


def test_a_door_that_a_new_policy_does_not_know_is_forgotten_with_its_override(scene: Scene) -> None:
    scene.command("door.unlock", "east", until=scene.at.utc + timedelta(hours=1))
    scene.rex("east")
    values = site_values(alarms="{}")
    del values["doors"]["east"]
    scene.activate(court_tables(values))
    assert "east" not in scene.state.doors
    assert "east" not in scene.state.overrides
    assert scene.open("east").findings == ()
    assert all(not key.startswith(("door/east", "override/east")) for key in scene.state._due)


def test_a_door_follows_its_new_schedule_when_the_policy_changes(scene: Scene) -> None:
    scene.activate(court_tables(site_values(door_modes="{}")))
    assert standing(scene, "front") == ("locked", "locked")
