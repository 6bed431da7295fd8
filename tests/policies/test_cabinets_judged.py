"""Power and network behind the devices (S17): one alarm for a common cause, none of it silent, none of it late."""

import json
from typing import Any

import pytest
from builders import Scene, court_tables, kinds, site_values
from pydantic import TypeAdapter

from secd.devices.section import SECTIONS
from secd.model.alarm import Alarm
from secd.model.facts import InputState, LossFound, PointChanged
from secd.policies.cabinets.losses import WINDOW_S
from secd.policies.tables import Tables

DEVICES: dict[str, Any] = {
    "board": {"driver": "modbus_io", "profile": "secd-door-controller", "address": "tcp://127.0.0.1:1", "powered_by": "riser"},
    "wing": {"driver": "modbus_io", "profile": "secd-door-controller", "address": "tcp://127.0.0.1:2", "powered_by": "riser"},
    "panel": {"driver": "modbus_io", "profile": "secd-panic-panel", "address": "tcp://127.0.0.1:3", "connected_to": "core"},
    "radio": {"driver": "mqtt_buttons", "broker": "mqtt://127.0.0.1:4", "topic": "buttons", "connected_to": "core"},
    "front-cam": {"driver": "onvif_camera", "address": "http://127.0.0.1:5", "connected_to": "core"},
    "alone": {"driver": "modbus_io", "profile": "secd-panic-panel", "address": "tcp://127.0.0.1:6"},
}  # fmt: skip
SUPPLY = {
    "cabinets": """{riser: {label: East riser, area: lobby, ac: board/7, battery: board/8, lock_supply: wing/7,
        ups: wing/8, tamper: wing/6}}""",
    "switches": "{core: {label: Core switch, powered_by: riser}}",
}


def supplied(**changed: str) -> Tables:
    values = site_values(**{**SUPPLY, **changed})
    (section,) = [one for one in SECTIONS if one.key == "devices"]
    login = {"login": {"username": "secd", "password": {"file": "x"}}}
    written = {name: one | (login if one["driver"] == "onvif_camera" else {}) for name, one in DEVICES.items()}
    values["devices"] = TypeAdapter(dict[str, section.model]).validate_python(written)  # type: ignore[name-defined]
    return court_tables(values)


@pytest.fixture
def scene() -> Scene:
    return Scene(tables=supplied()).start()


def alarms(scene: Scene) -> list[tuple[str, str]]:
    return sorted((alarm.kind, alarm.point) for alarm in scene.state.open_alarms())


def only(scene: Scene) -> Alarm:
    (alarm,) = scene.state.open_alarms()
    return alarm


def power(scene: Scene, device: str, subject: str, point: str, *, failed: bool, tamper: bool = False) -> None:
    fact = PointChanged(point=point, state=InputState.ACTIVE if failed else InputState.NORMAL)
    kind = ("device.tampered", "device.tamper_restored") if tamper else ("power.failed", "power.restored")
    scene.tell(kind[not failed], subject, fact, source=device)


# --- a common cause -----------------------------------------------------------------------------------------------------


def test_s17_devices_behind_one_cabinet_that_go_away_together_are_one_alarm_with_the_doors_by_name(
    scene: Scene,
) -> None:
    scene.link("board", up=False)
    scene.pass_time(1.2)
    scene.link("wing", up=False)
    assert alarms(scene) == []
    verdicts = scene.pass_time(WINDOW_S)
    assert kinds(*verdicts) == ["cabinet.power_lost", "alarm.raised"]
    alarm = only(scene)
    assert (alarm.kind, alarm.point, alarm.label, alarm.area) == ("cabinet.power_lost", "riser", "East riser", "lobby")
    for door in scene.tables.doors:
        assert door in alarm.reason
    assert "2 of 5 devices board, wing" in alarm.reason


def test_s17_what_is_lost_with_a_switch_names_panic_points_and_is_at_least_priority_two(scene: Scene) -> None:
    for device in ("panel", "radio", "front-cam"):
        scene.link(device, up=False)
    scene.pass_time(WINDOW_S)
    alarm = only(scene)
    assert (alarm.kind, alarm.point, alarm.priority) == ("infrastructure.lost", "core", 2)
    assert "panic points badge, bench, desk, security, unheard" in alarm.reason
    assert "cameras front-cam" in alarm.reason


def test_s17_when_everything_behind_a_cabinet_is_lost_the_cabinet_is_blamed_and_not_its_switch(scene: Scene) -> None:
    for device in ("front-cam", "radio", "panel", "wing", "board"):
        scene.link(device, up=False)
    scene.pass_time(WINDOW_S)
    assert alarms(scene) == [("cabinet.power_lost", "riser")]
    assert only(scene).priority == 2


def test_s17_a_single_loss_stays_a_single_alarm_under_its_own_id_and_waits_no_longer_than_the_window(
    scene: Scene,
) -> None:
    lost = scene.link("board", up=False)
    went = scene.events[-1]
    assert lost.alarms == ()
    scene.pass_time(WINDOW_S)
    alarm = only(scene)
    assert (alarm.kind, alarm.point, alarm.rule) == ("device.went_offline", "board", "lost")
    assert str(alarm.id) == str(went.id)
    assert alarm.occurred == went.occurred
    assert (alarm.detected - alarm.occurred).total_seconds() == pytest.approx(WINDOW_S)
    assert "no answer; lost: doors annex, east, front" in alarm.reason


def test_s17_a_device_with_nothing_in_common_alarms_at_once(scene: Scene) -> None:
    assert kinds(scene.link("alone", up=False)) == ["alarm.raised"]


def test_s17_losses_in_the_window_do_not_prolong_it(scene: Scene) -> None:
    scene.link("board", up=False)
    for device in ("front-cam", "radio"):
        scene.pass_time(WINDOW_S / 2 - 0.1)
        scene.link(device, up=False)
    scene.pass_time(0.2)
    assert ("infrastructure.lost", "core") in alarms(scene)


def test_s17_a_press_in_the_window_is_an_alarm_at_once(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("radio", up=False)
    assert kinds(scene.press("desk")) == ["alarm.raised"]
    assert kinds(scene.fault("unheard")) == ["alarm.raised"]


def test_s17_what_goes_away_later_joins_the_alarm_that_stands(scene: Scene) -> None:
    scene.link("radio", up=False)
    scene.link("front-cam", up=False)
    scene.pass_time(WINDOW_S)
    before = only(scene)
    assert "panel" not in before.reason
    assert kinds(scene.link("panel", up=False)) == ["alarm.changed"]
    after = only(scene)
    assert (after.id, after.priority) == (before.id, 2)
    assert "desk" in after.reason


def test_s17_the_cause_is_gone_with_the_return_of_the_last_device(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("wing", up=False)
    scene.pass_time(WINDOW_S)
    assert kinds(scene.link("board", up=True)) == ["alarm.changed"]
    assert only(scene).condition == "active"
    assert "doors blind, evidence-door, side" in only(scene).reason
    assert kinds(scene.link("wing", up=True)) == ["cabinet.power_restored", "alarm.cleared"]
    assert only(scene).condition == "cleared"


def test_s17_a_return_within_the_window_says_at_once_what_was_lost(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("wing", up=False)
    verdict = scene.link("board", up=True)
    assert kinds(verdict)[:1] == ["cabinet.power_lost"]
    scene.link("wing", up=True)
    assert only(scene).condition == "cleared"


def test_s17_the_finding_holds_everything_that_is_lost(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("panel", up=False)
    (verdict,) = scene.pass_time(WINDOW_S)
    fact = verdict.findings[0].fact
    assert isinstance(fact, LossFound)
    assert (fact.cause, fact.devices) == ("riser", ("board", "panel"))
    assert fact.panic_points == ("bench", "desk", "security", "unheard")
    assert fact.doors == ("annex", "east", "front")


@pytest.mark.parametrize("raised", [False, True])
def test_s17_a_restart_within_or_after_the_window_changes_nothing(raised: bool) -> None:
    scene = Scene(tables=supplied(), restarts=True).start()
    scene.link("board", up=False)
    scene.link("wing", up=False)
    if raised:
        scene.pass_time(WINDOW_S)
    for row in scene.state.to_rows():
        assert json.loads(json.dumps(row.value)) == row.value
    scene.start()
    scene.link("board", up=False)
    scene.link("wing", up=False)
    scene.pass_time(WINDOW_S)
    assert alarms(scene) == [("cabinet.power_lost", "riser")]
    assert only(scene).occurrences == 1
    scene.link("board", up=True)
    scene.link("wing", up=True)
    assert only(scene).condition == "cleared"


def test_s17_a_device_that_is_removed_while_it_is_lost_is_lost_no_more(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("wing", up=False)
    scene.pass_time(WINDOW_S)
    scene.activate(court_tables())
    assert only(scene).condition == "cleared"


def test_s17_a_lost_device_or_cause_that_no_rule_names_is_an_alarm_all_the_same() -> None:
    scene = Scene(tables=supplied(alarms="{}")).start()
    scene.link("alone", up=False)
    scene.link("board", up=False)
    scene.link("wing", up=False)
    scene.pass_time(WINDOW_S)
    assert [(a.kind, a.rule) for a in scene.state.open_alarms()] == [
        ("device.went_offline", "built-in"), ("cabinet.power_lost", "built-in"),
    ]  # fmt: skip


def test_s17_a_rule_of_the_site_takes_the_place_of_the_built_in_alarm() -> None:
    rules = "{feed: {when: {event: cabinet.power_lost}, priority: 4}}"
    scene = Scene(tables=supplied(alarms=rules)).start()
    scene.link("board", up=False)
    scene.link("wing", up=False)
    scene.pass_time(WINDOW_S)
    assert (only(scene).rule, only(scene).priority) == ("feed", 3)  # doors are lost: never less than three


# --- the cabinet's own points ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told_by", "what", "words", "priority"),
    [
        ("board/7", "ac", "mains", 3), ("board/8", "battery", "battery", 2),
        ("wing/7", "lock", "lock supply", 2), ("wing/8", "ups", "UPS", 3),
    ],
)  # fmt: skip
def test_s17_every_supply_of_a_cabinet_is_an_alarm_that_names_it(
    scene: Scene, told_by: str, what: str, words: str, priority: int
) -> None:
    device, _, number = told_by.partition("/")
    power(scene, device, "riser", f"input/{number}", failed=True)
    alarm = only(scene)
    assert (alarm.rule, alarm.point, alarm.label, alarm.priority, alarm.area) == (
        "built-in", f"riser/{what}", f"East riser: {words}", priority, "lobby",
    )  # fmt: skip
    power(scene, device, "riser", f"input/{number}", failed=False)
    assert only(scene).condition == "cleared"


def test_s17_an_opened_cabinet_and_an_opened_board_are_alarms_without_a_rule(scene: Scene) -> None:
    power(scene, "wing", "riser", "input/6", failed=True, tamper=True)
    power(scene, "wing", "wing", "tamper/1", failed=True, tamper=True)
    assert alarms(scene) == [("device.tampered", "riser/tamper"), ("device.tampered", "wing/tamper")]
    assert {alarm.label for alarm in scene.state.open_alarms()} == {
        "East riser: enclosure", "East riser: enclosure, told by wing",
    }  # fmt: skip


def test_s17_the_mains_return_says_nothing_of_the_battery(scene: Scene) -> None:
    power(scene, "board", "board", "power/ac", failed=True)
    power(scene, "board", "board", "power/battery", failed=True)
    power(scene, "board", "board", "power/ac", failed=False)
    conditions = {alarm.point: alarm.condition.value for alarm in scene.state.open_alarms()}
    assert conditions == {"board/ac": "cleared", "board/battery": "active"}


def test_s17_a_supply_told_by_a_board_that_went_away_is_unknown_and_not_restored(scene: Scene) -> None:
    power(scene, "board", "riser", "input/7", failed=True)
    power(scene, "board", "board", "power/battery", failed=True)
    scene.link("board", up=False)
    assert {alarm.condition.value for alarm in scene.state.open_alarms()} == {"unknown"}


def test_s17_a_cut_line_to_a_supply_contact_is_an_alarm(scene: Scene) -> None:
    fact = PointChanged(point="input/7", state=InputState.CUT)
    scene.tell("power.input_faulted", "riser", fact, source="board")
    assert (only(scene).kind, only(scene).point, only(scene).reason) == ("power.input_faulted", "riser/ac", "cut")


def test_s17_a_board_in_no_cabinet_is_named_itself(scene: Scene) -> None:
    power(scene, "alone", "alone", "power/ac", failed=True)
    assert (only(scene).label, only(scene).point) == ("alone: mains", "alone/ac")
