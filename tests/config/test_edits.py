"""Two configurations compared, and the edits that need a second approver (S18)."""

from pathlib import Path

import pytest
from court_site import ALARMS, DOORS, court

from secd.config.edits import Edit, compare_sites, dangerous_edits

BENCH = "  bench: {input: panel/1, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: lobby}\n"
FORCED = ALARMS[ALARMS.index("  forced:") :]
DURESS = ALARMS[ALARMS.index("  duress:") : ALARMS.index("  lockdown:")]
DOOR = DOORS[DOORS.index("  front:") :]


def test_the_same_site_twice_has_no_edits(tmp_path: Path) -> None:
    assert compare_sites(court(tmp_path / "a"), court(tmp_path / "b")) == ()
    assert dangerous_edits(court(tmp_path / "a"), court(tmp_path / "b")) == ()


def test_edits_say_what_was_added_removed_and_changed_and_by_which_keys(tmp_path: Path) -> None:
    old = court(tmp_path / "a")
    new = court(
        tmp_path / "b",
        ("groups: {clerks: {}}", "groups: {clerks: {label: Clerks}, judges: {}}"),
        ("operators: {captain: {uid: 1000, roles: [operator]}}", "operators: {chief: {uid: 1000, roles: [operator]}}"),
        ("label: Court,", "label: Court house,"),
    )
    assert compare_sites(old, new) == (
        Edit(section="groups", name="clerks", what="changed", keys=("label",)),
        Edit(section="groups", name="judges", what="added"),
        Edit(section="operators", name="captain", what="removed"),
        Edit(section="operators", name="chief", what="added"),
        Edit(section="site", name="", what="changed", keys=("label",)),
    )


def test_a_comment_or_an_order_of_keys_is_no_edit(tmp_path: Path) -> None:
    new = court(tmp_path / "b", ("area: lobby, press: lockdown}", "press: lockdown, area: lobby}  # the desk"))
    assert compare_sites(court(tmp_path / "a"), new) == ()


DANGEROUS = {
    "a_panic_point_removed": (
        [(BENCH, ""), (DURESS, "")],
        [("alarms", "duress", "removed", ()), ("panic_points", "bench", "removed", ())],
    ),
    "a_panic_point_renamed": (
        [("  bench:", "  dais:"), ("panic: [bench]", "panic: [dais]")],
        [("alarms", "duress", "changed", ("when",)), ("panic_points", "bench", "removed", ())],
    ),
    "a_panic_point_moved_to_another_input": (
        [("input: panel/1,", "input: panel/9,")],
        [("panic_points", "bench", "changed", ("input",))],
    ),
    "an_alarm_of_a_panic_point_replaced_by_another": (
        [("  duress:\n", "  whisper:\n")],
        [("alarms", "duress", "removed", ())],
    ),
    "a_door_removed": (
        [("doors:\n" + DOOR, "doors:\n" + DOOR.replace("  front:", "  back:"))],
        [("doors", "front", "removed", ())],
    ),
    "a_station_removed": ([(", mayor: {receipt: none}", "")], [("mqtt", "stations/mayor", "removed", ())]),
    "a_station_that_need_no_longer_answer": (
        [("receipt: station", "receipt: none")],
        [("mqtt", "stations/sheriff", "changed", ("receipt",))],
    ),
    "another_broker": ([("127.0.0.1:1883", "127.0.0.1:1884")], [("mqtt", "", "changed", ("broker",))]),
    "a_camera_action_removed": (
        [("    do: [{snapshot: {cameras: [cam, yard]}}]\n", "")],
        [("alarms", "duress", "changed", ("do",))],
    ),
    "one_camera_of_an_action_removed": (
        [("cameras: [cam, yard]", "cameras: [cam]")],
        [("alarms", "duress", "changed", ("do",))],
    ),
    "the_door_s_cameras_no_longer_asked": (
        [("    do: [{snapshot: {cameras: of_the_door}}]\n", "")],
        [("alarms", "forced", "changed", ("do",))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", DANGEROUS)
def test_s18_needs_a_second_approver(tmp_path: Path, edit: str) -> None:
    texts, expected = DANGEROUS[edit]
    found = dangerous_edits(court(tmp_path / "a"), court(tmp_path / "b", *texts))
    assert [(one.section, one.name, one.what, one.keys) for one in found] == expected


def test_s18_retargeting_an_alarm_away_from_a_press_is_dangerous(tmp_path: Path) -> None:
    old = court(
        tmp_path / "a", ("input: panel/1, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board,", WIRELESS)
    )
    new = court(
        tmp_path / "b", (BENCH, BENCH.replace(WIRED, WIRELESS)), (DURESS, DURESS.replace("any", "help") + ONLY_LOCKDOWN)
    )
    assert [(edit.section, edit.name) for edit in dangerous_edits(old, new)] == [("alarms", "duress")]


def test_s18_a_panic_point_left_without_any_alarm_is_named(tmp_path: Path) -> None:
    new = court(tmp_path / "b", ("panic: [bench]", "panic: [desk]"), checked=False)
    assert [(edit.section, edit.name, edit.keys) for edit in dangerous_edits(court(tmp_path / "a"), new)] == [
        ("alarms", "duress", ("when",)),
        ("panic_points", "bench", ("alarm",)),
    ]


WIRED = "input: panel/1, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board,"
WIRELESS = "button: buttons/badge, check_in: 60s,"
ONLY_LOCKDOWN = "  shut:\n    when: {panic: [bench], press: lockdown}\n    priority: 1\n    silent: true\n"


SAFE = {
    "an_alarm_that_no_panic_point_uses_removed": [(FORCED, "")],
    "a_panic_point_added": [
        (BENCH, BENCH + BENCH.replace("bench", "clerk").replace("panel/1", "panel/3")),
        ("panic: [bench]", "panic: [bench, clerk]"),
    ],
    "a_station_added": [("mayor: {receipt: none}", "mayor: {receipt: none}, fire: {receipt: station}")],
    "a_station_that_must_answer_now": [("mayor: {receipt: none}", "mayor: {receipt: station}")],
    "a_camera_added": [("cameras: of_the_door", "cameras: of_the_door}}, {snapshot: {cameras: [yard]")],
    "a_door_s_times_changed": [("{warn: 20s, alarm: 30s}", "{warn: 10s, alarm: 15s}")],
    "a_rule_removed": [
        ("rules: {staff: {who: [clerks], enter: [courthouse, lobby], when: office, with: card}}", "rules: {}")
    ],
}


@pytest.mark.parametrize("edit", SAFE)
def test_s18_leaves_to_one_person(tmp_path: Path, edit: str) -> None:
    old, new = court(tmp_path / "a"), court(tmp_path / "b", *SAFE[edit])
    assert compare_sites(old, new) != ()
    assert dangerous_edits(old, new) == ()
