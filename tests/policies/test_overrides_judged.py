"""Overrides (S19) and panic points out of service (S13): each has an end, a reason, an author, and is told when it ends."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import Scene, acts, court_tables, kinds, site_values

from secd.model.alarm import Alarm
from secd.model.entry import Verdict
from secd.model.facts import AccessDecided, HandedOver, InputState, OverrideMoved, PointChanged
from secd.model.order import ReleaseDoor
from secd.policies.overrides.standing import standing_now

LOCKDOWN = {"level": "lockdown", "area": "courthouse"}
ALARMED = {"door.forced_open", "door.held_open", "door.held_warned", "panic.activated"}


@pytest.fixture
def scene() -> Scene:
    return Scene().start()


def until(scene: Scene, seconds: float) -> datetime:
    return scene.at.utc + timedelta(seconds=seconds)


def alarms(scene: Scene) -> list[tuple[str, str]]:
    return sorted((alarm.kind, alarm.point) for alarm in scene.state.open_alarms())


def permit(scene: Scene, verb: str, target: str, seconds: float = 3600.0, **more: Any) -> str:
    return scene.command(verb, target, until=until(scene, seconds), **more).code


def out_of_service(scene: Scene, point: str, seconds: float = 3600.0) -> None:
    assert permit(scene, "point.out_of_service", point, seconds, work_order="WO-7") == "second_operator_required"
    assert permit(scene, "point.out_of_service", point, seconds, by="lieutenant", work_order="WO-7") == "ok"


def raised(*verdicts: Verdict) -> list[Alarm]:
    return [alarm for verdict in verdicts for alarm in verdict.alarms]


def force(scene: Scene, door: str) -> list[Verdict]:
    return [scene.open(door), *scene.pass_time(1.0)]


def keys(scene: Scene) -> list[str]:
    return [one.key for one in standing_now(scene.state)]


# --- an end, a reason, an author -----------------------------------------------------------------------------------------

VERBS = [
    ("door.hold", "east", {}), ("door.shunt", "east", {}), ("reader.disable", "east", {}),
    ("point.out_of_service", "desk", {"work_order": "WO-7"}),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "target", "args"), VERBS)
def test_s19_no_override_without_an_end_a_reason_and_a_target(
    scene: Scene, verb: str, target: str, args: dict[str, str]
) -> None:
    assert scene.command(verb, target, **args).code == "until_required"
    assert scene.command(verb, target, until=until(scene, -1), **args).code == "until_past"
    assert scene.command(verb, target, until=until(scene, 60 * 86400), **args).code == "until_too_far"
    assert scene.command(verb, target, until=until(scene, 60), reason=" ", **args).code == "reason_required"
    assert scene.command(verb, "nothing", until=until(scene, 60), **args).code == "unknown_target"
    assert keys(scene) == []


@pytest.mark.parametrize(
    ("verb", "what"), [("door.hold", "hold"), ("door.shunt", "shunt"), ("reader.disable", "reader_disabled")]
)
def test_s19_an_override_is_listed_ends_by_itself_and_both_are_events(scene: Scene, verb: str, what: str) -> None:
    assert permit(scene, verb, "east", 600.0, reason="the painters") == "ok"
    (told,) = scene.last.findings
    assert told.kind == "override.set"
    assert told.fact == OverrideMoved(
        what=what, target="east", until=until(scene, 600.0), by="captain", reason="the painters"
    )
    (one,) = standing_now(scene.state)
    assert (one.key, one.author, one.reason, one.in_effect) == (f"{what}/east", "captain", "the painters", True)
    findings = [finding for verdict in scene.pass_time(600.0) for finding in verdict.findings]
    assert [(f.kind, f.fact.ended) for f in findings if isinstance(f.fact, OverrideMoved)] == [
        ("override.ended", "expired")
    ]
    assert keys(scene) == []


@pytest.mark.parametrize("verb", ["door.unlock", "door.lock"])
def test_s19_a_mode_of_an_operator_is_an_event_when_it_begins_and_when_it_ends(scene: Scene, verb: str) -> None:
    assert permit(scene, verb, "east", 600.0) == "ok"
    assert "override.set" in kinds(scene.last)
    assert keys(scene) == [f"{verb.removeprefix('door.')}/east"]
    assert "override.ended" in kinds(*scene.pass_time(600.0))
    assert permit(scene, verb, "east", 600.0) == "ok"
    assert scene.command("override.end", keys(scene)[0]).code == "ok"
    assert "override.ended" in kinds(scene.last)
    assert keys(scene) == []


def test_s19_overrides_survive_a_restart_and_end_on_time() -> None:
    scene = Scene(restarts=True).start()
    permit(scene, "door.shunt", "east", 600.0)
    out_of_service(scene, "desk", 600.0)
    for row in scene.state.to_rows():
        assert json.loads(json.dumps(row.value)) == row.value
    scene.start()
    assert keys(scene) == ["out_of_service/desk", "shunt/east"]
    force(scene, "east")
    assert alarms(scene) == [("panic.taken_out_of_service", "desk")]
    scene.pass_time(600.0)
    assert keys(scene) == []
    assert ("door.forced_open", "east") in alarms(scene)


def test_s19_a_second_override_takes_the_place_of_the_first(scene: Scene) -> None:
    permit(scene, "door.shunt", "east", 60.0)
    permit(scene, "door.shunt", "east", 600.0, by="lieutenant")
    assert kinds(scene.last) == ["override.ended", "override.set"]
    scene.pass_time(120.0)
    (one,) = standing_now(scene.state)
    assert one.author == "lieutenant"


def test_s19_an_operator_ends_an_override_before_its_end(scene: Scene) -> None:
    permit(scene, "door.shunt", "east")
    assert scene.command("override.end", "shunt/west").code == "unknown_target"
    assert scene.command("override.end", "shunt/east").code == "ok"
    assert keys(scene) == []


def test_s19_an_override_of_a_door_that_is_removed_ends(scene: Scene) -> None:
    permit(scene, "door.shunt", "east")
    doors = "{front: {wiring: {reader: board/1, lock: board/1}}}"
    values = site_values(doors=doors, door_modes="{}")
    verdict = scene.activate(court_tables(values))
    assert [f.fact.ended for f in verdict.findings if isinstance(f.fact, OverrideMoved)] == ["removed"]


# --- hold and shunt -------------------------------------------------------------------------------------------------------


def test_s19_a_door_held_by_permission_raises_no_held_alarm_but_a_forced_one(scene: Scene) -> None:
    permit(scene, "door.hold", "east")
    scene.card("east", "rivera")
    scene.open("east")
    told = scene.pass_time(60.0)
    assert "door.held_open" in kinds(*told)  # on record all the same
    assert alarms(scene) == []
    scene.shut("east")
    force(scene, "east")
    assert alarms(scene) == [("door.forced_open", "east")]


def test_s19_a_door_still_held_when_its_permission_ends_is_an_alarm_then(scene: Scene) -> None:
    permit(scene, "door.hold", "east", 120.0)
    scene.card("east", "rivera")
    scene.open("east")
    scene.pass_time(119.0)
    assert alarms(scene) == []
    scene.pass_time(1.0)
    assert alarms(scene) == [("door.held_open", "east")]
    assert "still so when the hold ended" in scene.alarm("held").reason


def test_s19_a_shunted_door_is_neither_forced_nor_held_and_is_never_released(scene: Scene) -> None:
    permit(scene, "door.shunt", "east")
    assert acts(scene.last) == []
    verdicts = force(scene, "east")
    assert "door.forced_open" in kinds(*verdicts)
    scene.pass_time(60.0)
    assert alarms(scene) == []
    assert not [act for act in acts(*scene.verdicts) if isinstance(act, ReleaseDoor)]
    assert scene.door("east").mode == "locked"


def test_s19_a_door_still_forced_when_its_shunt_ends_is_an_alarm_then(scene: Scene) -> None:
    permit(scene, "door.shunt", "east", 60.0)
    force(scene, "east")
    scene.pass_time(60.0)
    assert alarms(scene) == [("door.forced_open", "east")]


def test_s19_a_forced_door_whose_board_went_away_is_an_alarm_when_its_shunt_ends(scene: Scene) -> None:
    permit(scene, "door.shunt", "east", 60.0)
    force(scene, "east")
    scene.link("board", up=False)
    scene.pass_time(60.0)
    assert ("door.forced_open", "east") in alarms(scene)


def test_s19_a_shunt_says_nothing_of_another_door_nor_of_other_alarms(scene: Scene) -> None:
    permit(scene, "door.shunt", "east")
    scene.relay("east", unlocked=True)
    scene.pass_time(2.0)
    assert ("door.released_outside_secd", "east") in alarms(scene)
    scene.open("annex") if scene.door("annex").mode == "locked" else scene.open("evidence-door")
    scene.pass_time(2.0)
    assert any(kind == "door.forced_open" and point != "east" for kind, point in alarms(scene))


@pytest.mark.parametrize("verb", ["door.hold", "door.shunt"])
def test_s02_a_lockdown_ends_what_was_permitted_and_what_stands_open_is_an_alarm(scene: Scene, verb: str) -> None:
    permit(scene, verb, "east")
    scene.card("east", "rivera")
    scene.open("east")
    scene.pass_time(60.0)
    assert alarms(scene) == []
    scene.command("level.set", "courthouse", **LOCKDOWN)
    assert alarms(scene) == [("door.held_open", "east")]
    assert [one.in_effect for one in standing_now(scene.state) if one.target == "east"] == [False]


def test_s02_a_shunt_counts_again_when_the_lockdown_is_over(scene: Scene) -> None:
    permit(scene, "door.shunt", "east")
    scene.command("level.set", "courthouse", **LOCKDOWN)
    for operator in ("captain", "lieutenant"):
        scene.command("level.end", "courthouse", by=operator, **LOCKDOWN)
    force(scene, "east")
    assert alarms(scene) == []


# --- readers --------------------------------------------------------------------------------------------------------------


def reason(verdict: Verdict) -> str:
    (decided,) = [finding.fact for finding in verdict.findings if isinstance(finding.fact, AccessDecided)]
    return decided.reason


def test_s19_a_disabled_reader_lets_nobody_in_and_leaving_is_free(scene: Scene) -> None:
    permit(scene, "reader.disable", "east", 600.0)
    assert reason(scene.card("east", "rivera")) == "reader_disabled"
    assert reason(scene.card("east", "nobody")) == "unknown_credential"
    assert not [act for act in acts(*scene.verdicts) if isinstance(act, ReleaseDoor)]
    scene.rex("east")
    assert "door.exited" in kinds(scene.open("east"))
    scene.shut("east")
    permit(scene, "reader.disable", "side")
    assert [type(act) for act in acts(scene.rex("side"))] == [ReleaseDoor]
    scene.pass_time(600.0)
    assert reason(scene.card("east", "rivera")) == ""


def test_s19_a_reader_is_enabled_again_by_an_operator(scene: Scene) -> None:
    permit(scene, "reader.disable", "east")
    assert scene.command("reader.enable", "east").code == "ok"
    assert reason(scene.card("east", "rivera")) == ""
    assert scene.command("reader.enable", "east").code == "unknown_target"


def test_s03_responders_pass_a_disabled_reader_during_a_lockdown(scene: Scene) -> None:
    permit(scene, "reader.disable", "east")
    scene.command("level.set", "courthouse", **LOCKDOWN)
    assert reason(scene.card("east", "lindqvist")) == ""
    assert reason(scene.card("east", "rivera")) == "threat_level"


# --- panic points ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["door.hold", "door.shunt", "reader.disable"])
def test_s13_a_panic_point_is_never_masked(scene: Scene, verb: str) -> None:
    assert permit(scene, verb, "desk") == "panic_never_masked"
    scene.press("desk")
    assert ("panic.activated", "desk") in alarms(scene)


def test_s13_out_of_service_takes_two_people_and_one_work_order(scene: Scene) -> None:
    assert permit(scene, "point.out_of_service", "desk") == "work_order_required"
    assert permit(scene, "point.out_of_service", "desk", work_order="WO-7") == "second_operator_required"
    assert permit(scene, "point.out_of_service", "desk", work_order="WO-7") == "second_operator_required"
    assert (
        permit(scene, "point.out_of_service", "desk", by="lieutenant", work_order="WO-8") == "second_operator_required"
    )
    assert keys(scene) == []
    assert permit(scene, "point.out_of_service", "desk", work_order="WO-8") == "ok"
    (one,) = standing_now(scene.state)
    assert (one.author, one.second, one.work_order) == ("lieutenant", "captain", "WO-8")
    assert alarms(scene) == [("panic.taken_out_of_service", "desk")]
    assert "WO-8" in scene.alarm("built-in").reason


def test_s13_the_first_operators_word_lapses_after_ten_minutes(scene: Scene) -> None:
    permit(scene, "point.out_of_service", "desk", work_order="WO-7")
    assert not {"override.set", "override.ended"} & set(kinds(*scene.pass_time(601.0)))
    assert (
        permit(scene, "point.out_of_service", "desk", by="lieutenant", work_order="WO-7") == "second_operator_required"
    )


def test_s13_it_ends_by_itself_at_the_earlier_of_the_two_ends(scene: Scene) -> None:
    permit(scene, "point.out_of_service", "desk", 600.0, work_order="WO-7")
    permit(scene, "point.out_of_service", "desk", 3600.0, by="lieutenant", work_order="WO-7")
    scene.pass_time(599.0)
    told = scene.pass_time(1.0)
    assert kinds(*told) == ["override.ended", "panic.returned_to_service", "alarm.cleared"]
    scene.press("desk")
    assert ("panic.activated", "desk") in alarms(scene)


def test_s13_a_press_while_out_of_service_is_seen_at_the_alarm_that_stands(scene: Scene) -> None:
    out_of_service(scene, "security")
    scene.command("alarm.acknowledge", scene.alarm("built-in").id, rev="1")
    assert kinds(scene.press("security")) == ["alarm.repeated"]
    assert (scene.alarm("built-in").ack, scene.alarm("built-in").occurrences) == ("re-alarm", 2)
    assert not scene.state.levels  # no lockdown by a button that somebody works on
    scene.fault("security")
    assert [alarm.kind for alarm in scene.state.open_alarms()] == ["panic.taken_out_of_service"]


def test_s13_another_point_is_heard_as_ever(scene: Scene) -> None:
    out_of_service(scene, "security")
    scene.press("desk")
    assert ("panic.activated", "desk") in alarms(scene)


@pytest.mark.parametrize(("state", "kind"), [("active", "panic.activated"), ("cut", "panic.faulted")])
def test_s13_what_a_point_says_when_it_returns_to_service_counts(scene: Scene, state: str, kind: str) -> None:
    out_of_service(scene, "desk", 600.0)
    if state == "active":
        scene.press("desk")
    else:
        scene.fault("desk")
    scene.pass_time(600.0)
    assert (kind, "desk") in alarms(scene)
    scene.tell("panic.restored", "desk", PointChanged(point="input/2", state=InputState.NORMAL))
    assert {alarm.condition for alarm in scene.state.open_alarms() if alarm.kind == kind} == {"cleared"}


def test_s13_a_wireless_button_that_fell_silent_out_of_service_is_an_alarm_when_it_returns(scene: Scene) -> None:
    out_of_service(scene, "badge", 600.0)
    scene.pass_time(599.0)
    assert alarms(scene) == [("panic.taken_out_of_service", "badge")]
    scene.pass_time(1.0)
    assert ("panic.went_silent", "badge") in alarms(scene)


def test_s12_the_alarm_of_a_silent_point_out_of_service_is_silent(scene: Scene) -> None:
    out_of_service(scene, "bench")
    scene.press("bench")
    assert [alarm.silent for alarm in scene.state.open_alarms()] == [True]


def test_s13_out_of_service_stands_while_its_board_is_away(scene: Scene) -> None:
    out_of_service(scene, "desk")
    scene.link("panel", up=False)
    assert scene.alarm("built-in").condition == "active"


# --- hand-over -------------------------------------------------------------------------------------------------------------


def test_s19_a_shift_is_handed_over_with_everything_that_stands_and_when_it_ends(scene: Scene) -> None:
    permit(scene, "door.shunt", "east", 600.0, reason="the painters")
    permit(scene, "door.unlock", "annex", 300.0)
    out_of_service(scene, "desk", 900.0)
    scene.command("level.set", "courthouse", **LOCKDOWN)
    assert scene.command("overrides.hand_over", "overrides", reason=" ").code == "reason_required"
    assert scene.command("overrides.hand_over", "overrides", reason="end of shift", to="lieutenant").done
    (told,) = scene.last.findings
    assert (told.kind, told.author) == ("overrides.handed_over", "captain")
    assert isinstance(told.fact, HandedOver)
    assert told.fact.to == "lieutenant"
    assert [line.split(" until")[0] for line in told.fact.standing] == [
        "unlock annex", "shunt east", "out_of_service desk", "lockdown courthouse",
    ]  # fmt: skip
    assert all("captain" in line for line in told.fact.standing)
    assert "work order WO-7" in told.fact.standing[2]
