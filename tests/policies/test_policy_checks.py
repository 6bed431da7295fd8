"""What `secd check` refuses of doors, panic points, alarms and times, each by its code, with a way out."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from builders import STRIKE, site_values
from fitted import yard_values
from pydantic import TypeAdapter, ValidationError

from secd.config.types import Finding
from secd.policies.doors import settings as doors_settings
from secd.policies.doors.checks import check_doors
from secd.policies.doors.tested import check_tested
from secd.policies.settings import SECTIONS

HEARD = "{unheard-too: {when: {panic: [unheard]}, priority: 1}}"
EXAMPLE = Path(__file__).parents[2] / "config"


def findings(values: dict[str, Any]) -> list[Finding]:
    return [finding for section in SECTIONS if section.check is not None for finding in section.check(values)]


def codes(**changed: str) -> set[str]:
    return {finding.code for finding in findings(site_values(**changed))}


def door_codes(change: str) -> set[str]:
    """The codes of one door that is a correct strike but for `change`."""
    door = yaml.load(STRIKE, Loader=yaml.BaseLoader) | {  # noqa: S506 (text only)
        "wiring": {"reader": "board/1", "lock": "board/1", "contact": {"input": "board/1", "closed_is": "1"}}
    }
    door |= yaml.load(change, Loader=yaml.BaseLoader)  # noqa: S506 (text only)
    return codes(doors=yaml.safe_dump({"only": door}), door_modes="{}", panic_points="{}", alarms="{}")


def panic_codes(point: str, alarms: str = "{a: {when: {panic: [p], press: any}, priority: 1}}") -> set[str]:
    return codes(panic_points=f"{{p: {point}}}", alarms=alarms)


def alarm_codes(alarm: str) -> set[str]:
    return codes(panic_points="{}", alarms=f"{{a: {alarm}}}")


def test_every_finding_has_a_code_a_message_and_a_way_out() -> None:
    values = site_values(
        doors="{a: {lock: maglock, egress: none, to: outside, wiring: {lock: b/1}}, b: {rex: releases, wiring: {lock: b/1}}}",
        panic_points="{p: {area: lobby}, q: {area: lobby, input: b/1}}",
        alarms="{x: {when: {event: door.exploded}, priority: 1, silent: true, do: [{record: {cameras: of_the_door}}]}}",
        door_modes="{nowhere: [{mode: unlocked, when: always}]}",
    )
    found = findings(values)
    assert len(found) > 12
    for finding in found:
        assert finding.code
        assert finding.message
        assert finding.expected
        assert finding.path[0] in {section.key for section in SECTIONS}


def test_the_example_site_is_accepted_as_it_is() -> None:
    raw: dict[str, Any] = {}
    for path in sorted(EXAMPLE.glob("*.yaml")):
        raw |= yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 (text only)
    values = {
        section.key: TypeAdapter(dict[str, section.model]).validate_python(raw.get(section.key) or {})  # type: ignore[name-defined]
        for section in SECTIONS
    }
    assert findings(values) == []


def test_the_court_of_these_tests_has_one_fault_and_it_is_meant() -> None:
    assert codes() == {"panic_without_listener"}


# --- S1, S4, S6, S7: doors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("egress: none", "egress_none"),
        ("egress: sensor_and_button", "egress_only_through_secd"),
        ("{egress: sensor_and_button, exit_release: not_needed}", "egress_only_through_secd"),
        ("lock: maglock", "maglock_locked_without_power"),
        ("{lock: maglock, without_power: unlocked, fire_release: hardwired}", "maglock_without_exit_release"),
        ("{lock: maglock, without_power: unlocked, exit_release: hardwired}", "maglock_without_fire_release"),
    ],
)
def test_s01_a_door_that_could_not_be_left_is_refused(change: str, code: str) -> None:
    assert code in door_codes(change)


def test_s01_a_maglock_with_both_releases_hardwired_is_accepted() -> None:
    change = (
        "{lock: maglock, without_power: unlocked, egress: sensor_and_button, exit_release: hardwired, "
        "fire_release: hardwired, relock: on_close}"
    )
    assert door_codes(change) == set()


def test_s04_a_relay_that_unlocks_when_its_board_dies_is_refused_or_accepted_by_name() -> None:
    assert door_codes("relay: energise_to_lock") == {"relay_contradicts_lock"}
    assert door_codes("{relay: energise_to_lock, without_power: unlocked}") == {"relay_loss_unlocks"}
    accepted = "relay_loss: {accepted_by: fire marshal, why: a public lobby}"
    assert door_codes(f"{{relay: energise_to_lock, without_power: unlocked, {accepted}}}") == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("to: outside", "door_leads_outside"),
        ("from: lobby", "door_leads_nowhere"),
        ("rex: releases", "rex_not_wired"),
        ("rex_grace: 600ms", "rex_grace_length"),
        ("held_open: {warn: 30s, alarm: 30s}", "held_open_order"),
        ("release: 0s", "release_length"),
        ("release_extended: 2s", "release_extended_shorter"),
        ("{relock: on_close, release: 40s, release_extended: 40s}", "release_longer_than_held_open"),
        ("lock: bolt", "relock_unfit"),
    ],
)
def test_a_door_that_could_not_work_is_refused(change: str, code: str) -> None:
    assert code in door_codes(change)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("{lock: motor, relock: on_close}", "motor_travel"),
        ("{lock: motor, relock: on_close, travel: 2m}", "motor_travel"),
        ("{lock: motor, relock: on_close, travel: 2s}", "motor_without_bolt"),
        ("{lock: motor, relock: on_close, travel: 6s}", "release_shorter_than_travel"),
        ("{lock: motor, travel: 2s}", "relock_unfit"),
        ("travel: 2s", "travel_without_motor"),
        ("rex_release: 5s", "rex_release_length"),
        ("rex_ignored_after_closing: 11s", "rex_ignored_length"),
        ("wiring: {lock: b/1, contacts: [{input: b/1, closed_is: 1}], contacts_are: leaves}", "contacts_count"),
        ("wiring: {lock: b/1, contacts_are: leaves}", "contacts_unclear"),
        ("wiring: {lock: b/1, exit_reader_tamper: b/2}", "tamper_without_reader"),
    ],
)
def test_s07_what_could_not_be_seen_or_would_be_in_the_way_is_refused(change: str, code: str) -> None:
    assert code in door_codes(change)


def test_the_yard_of_these_tests_has_no_fault() -> None:
    assert {finding.code for finding in findings(yard_values())} == set()


@pytest.mark.parametrize("relay", ["energise_to_unlock", "energise_to_lock"])
def test_s04_a_board_whose_safe_state_unlocks_is_refused_for_both_polarities(relay: str) -> None:
    lock = f"{{a: {{relay: {relay}, without_power: unlocked, relay_loss: {{accepted_by: a, why: b}}, wiring: {{lock: b/2}}}}}}"
    values = site_values(doors=lock, door_modes="{}", panic_points="{}", alarms="{}")
    locked = relay == "energise_to_lock"
    for safe, expected in (((locked, locked), set()), ((locked, not locked), {"safe_state_unlocks"})):
        values["devices"] = {"b": SimpleNamespace(safe_energised=safe)}
        assert {finding.code for finding in check_doors(values)} == expected


def test_s01_what_nobody_tried_within_a_year_is_a_warning() -> None:
    magnet = yard_values()["doors"]["magnet"]
    for tested, told in (
        ({}, ["never_tested"] * 3),
        (dict.fromkeys(("egress", "exit_release", "fire_release"), date(2026, 1, 1)), []),
        ({"egress": date(2025, 6, 1), "exit_release": date(2026, 12, 1), "fire_release": date(2026, 6, 1)},
         ["test_too_old", "tested_in_future"]),
    ):  # fmt: skip
        door = magnet.model_copy(update={"tested": doors_settings.Tested(**tested)})
        found = list(check_tested({"magnet": door}, date(2026, 11, 23)))
        assert [finding.code for finding in found] == told
        assert {finding.severity for finding in found} <= {"warning"}


def test_s01_a_strike_with_a_lever_has_only_its_lever_to_be_tried() -> None:
    found = list(check_tested({"far": yard_values()["doors"]["far"]}, date(2026, 11, 23)))
    assert [finding.message for finding in found] == ["egress was never tested, as far as is written (S1)"]


def test_two_doors_on_one_relay_or_reader_and_one_input_used_twice_are_refused() -> None:
    two = (
        "{a: {wiring: {reader: b/1, lock: b, contact: {input: b/1, closed_is: 1}}}, "
        "b: {wiring: {reader: b/1, lock: b/1, rex: b/1}}}"
    )
    assert codes(doors=two, door_modes="{}", panic_points="{}", alarms="{}") == {
        "relay_used_twice", "reader_used_twice", "input_used_twice",
    }  # fmt: skip


def test_a_panic_point_on_a_doors_input_is_refused_once() -> None:
    point = "{area: lobby, input: board/1, latched_by: board, supervised: {kind: none}}"
    values = site_values(panic_points=f"{{p: {point}}}", alarms="{a: {when: {panic: [p]}, priority: 1}}")
    assert [(finding.code, finding.path[:2]) for finding in findings(values)] == [
        ("input_used_twice", ("panic_points", "p"))
    ]


# --- S9: times, areas, levels ----------------------------------------------------------------------------------------------


def test_s09_an_unlock_must_say_whether_it_waits_for_the_first_card() -> None:
    assert "after_first_card_missing" in codes(door_modes="{front: [{mode: unlocked, when: always}]}")


@pytest.mark.parametrize(
    ("section", "text", "code"),
    [
        ("schedules", '{always: {mon: ["07:00-08:00"], holidays: closed}}', "built_in_name"),
        ("schedules", "{never: {holidays: closed}}", "empty_schedule"),
        ("schedules", '{a: {mon: ["07:00-08:00"], holidays: {moonday: closed}}}', "unknown_holiday_type"),
        ("areas", "{outside: {}}", "built_in_name"),
        ("areas", "{a: {within: b}, b: {within: a}}", "area_within_itself"),
        ("door_modes", "{nowhere: [{mode: locked, when: always}]}", "unknown_door"),
    ],
)
def test_times_and_areas_that_make_no_sense_are_refused(section: str, text: str, code: str) -> None:
    assert code in codes(**{section: text})


@pytest.mark.parametrize(
    ("level", "code"),
    [
        ("{admit: [deputies], close: {areas: [courthouse]}, end_needs: 1 operator}", "lockdown_ended_by_one"),
        ("{admit: [deputies], close: {areas: [cellar]}, end_needs: 2 operators}", "level_closes_nothing"),
    ],
)
def test_s03_a_level_that_one_could_end_or_that_closes_nothing_is_refused(level: str, code: str) -> None:
    assert code in codes(
        threat_levels=f"{{x: {level}}}", areas="{courthouse: {}, lobby: {within: courthouse}, cellar: {}}"
    )


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("rules", "{r: {who: [clerks], enter: [lobby]}}"),
        ("rules", "{r: {who: [], enter: [lobby], when: always}}"),
        ("rules", "{r: {who: [clerks], enter: [lobby], when: always, with: card+pin}}"),
        ("holidays", "{h: {from: 2026-11-26}}"),
        ("holidays", "{h: {from: 2026-11-26, to: 2026-11-20}}"),
        ("holidays", "{h: {}}"),
        ("threat_levels", "{l: {admit: [], close: {areas: [lobby]}, end_needs: 2 operators}}"),
        ("threat_levels", "{l: {admit: [deputies], close: {areas: []}, end_needs: 2 operators}}"),
        ("alarms", "{a: {when: {event: door.opened}, priority: 5}}"),
    ],
)
def test_s09_what_is_left_out_where_it_matters_is_refused(section: str, text: str) -> None:
    with pytest.raises(ValidationError):
        site_values(**{section: text})


# --- S11, S13: panic points ------------------------------------------------------------------------------------------------

GOOD = "area: lobby, input: panel/1, latched_by: board, supervised: {kind: end_of_line, ohms: 2200}"


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("{area: lobby, input: panel/1, supervised: {kind: none}}", "panic_not_latched"),
        ("{area: lobby, input: panel/1, latched_by: board}", "panic_not_supervised"),
        ("{area: lobby, input: panel/1, latched_by: board, supervised: {kind: end_of_line}}", "end_of_line_ohms"),
        ("{area: lobby}", "panic_point_place"),
        ("{area: lobby, input: panel/1, button: radio/b}", "panic_point_place"),
        (f"{{{GOOD}, check_in: 60s}}", "check_in_of_wired"),
        ("{area: lobby, button: radio/b}", "check_in_missing"),
        ("{area: lobby, button: radio/b, check_in: 60s, latched_by: board}", "wired_key_of_wireless"),
    ],
)
def test_s11_a_press_that_could_be_missed_is_refused(point: str, code: str) -> None:
    assert code in panic_codes(point)


def test_s11_a_board_that_is_not_known_to_supervise_and_latch_is_refused() -> None:
    values = site_values(panic_points=f"{{p: {{{GOOD}}}}}", alarms="{a: {when: {panic: [p]}, priority: 1}}")
    for profile, expected in (
        ("adam-6060", {"input_not_supervised", "board_does_not_latch"}),
        ("secd-panic-panel", set()),
    ):
        values["devices"] = {"panel": SimpleNamespace(profile=profile)}
        assert {finding.code for finding in findings(values)} == expected


def test_s13_a_panic_point_that_no_alarm_listens_to_is_refused() -> None:
    assert "panic_without_listener" in panic_codes(f"{{{GOOD}}}", "{}")
    assert "panic_without_listener" in panic_codes(
        f"{{{GOOD}}}", "{a: {when: {panic: [p], press: lockdown}, priority: 1}}"
    )
    assert panic_codes(f"{{{GOOD}}}") == set()


def test_s13_every_kind_of_press_of_a_wireless_button_needs_a_listener() -> None:
    button = "{area: lobby, button: radio/b, check_in: 60s}"
    assert panic_codes(button, "{a: {when: {panic: [p], press: help}, priority: 1}}") == {"press_without_listener"}
    assert panic_codes(button) == set()


# --- S12 and alarm rules -----------------------------------------------------------------------------------------------------


def test_s12_a_silent_alarm_with_a_visible_effect_is_refused_unless_somebody_accepted_it() -> None:
    level = "do: [{set_threat_level: {level: lockdown, in: courthouse}}]"
    silent = f"when: {{event: access.denied}}, priority: 1, silent: true, {level}"
    assert alarm_codes(f"{{{silent}}}") == {"silent_but_visible"}
    assert alarm_codes(f"{{{silent}, visible: {{accepted_by: sheriff, why: decided}}}}") == set()


def test_s12_a_point_with_a_silent_and_a_loud_alarm_is_refused() -> None:
    alarms = "{a: {when: {panic: [p]}, priority: 1, silent: true}, b: {when: {panic: [p]}, priority: 2}}"
    assert "silent_and_loud" in panic_codes(f"{{{GOOD}}}", alarms)


@pytest.mark.parametrize(
    ("alarm", "code"),
    [
        ("{when: {}, priority: 1}", "when_unclear"),
        ("{when: {event: door.opened, panic: [p]}, priority: 1}", "when_unclear"),
        ("{when: {event: door.exploded}, priority: 1}", "unknown_event"),
        ("{when: {event: alarm.raised}, priority: 1}", "unknown_event"),
        ("{when: {event: panic.activated}, priority: 1}", "panic_by_event"),
        ("{when: {event: door.opened, press: any}, priority: 1}", "press_without_panic"),
        ("{when: {panic: [p], areas: [lobby]}, priority: 1}", "filter_of_panic"),
        ("{when: {event: door.opened, doors: [east], cameras: [x]}, priority: 1}", "filters_exclude"),
        ("{when: {panic: [p]}, priority: 1, latching: false}", "panic_not_latching"),
        ("{when: {event: door.opened}, priority: 1, do: [{}]}", "action_unclear"),
        ("{when: {event: door.opened}, priority: 1, do: [{record: {cameras: of_the_door}}]}", "record_not_available"),
        ("{when: {event: store.degraded}, priority: 1, do: [{snapshot: {cameras: of_the_door}}]}", "no_door_here"),
        ("{when: {event: door.opened}, priority: 1, visible: {accepted_by: a, why: b}}", "visible_not_silent"),
    ],
)
def test_an_alarm_rule_that_could_not_work_is_refused(alarm: str, code: str) -> None:
    assert code in alarm_codes(alarm)


def test_recording_is_refused_in_plain_words() -> None:
    values = site_values(
        alarms="{a: {when: {event: door.opened}, priority: 1, do: [{record: {cameras: of_the_door, before: 20s}}]}}"
    )
    (finding,) = [one for one in findings(values) if one.code == "record_not_available"]
    assert finding.message == "recording is not available yet"
    assert finding.path == ("alarms", "a", "do", 0, "record")


def test_a_level_set_where_it_closes_nothing_is_refused() -> None:
    alarms = "{a: {when: {event: door.opened}, priority: 1, do: [{set_threat_level: {level: elevated, in: cellar}}]}}"
    areas = "{courthouse: {}, lobby: {within: courthouse}, courtroom: {}, evidence: {}, cellar: {}}"
    assert "level_closes_nothing" in codes(alarms=alarms, areas=areas, panic_points="{}")


def test_a_check_says_what_it_knows_before_it_asks_for_another_section() -> None:
    class OneFile(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            if key not in self:
                raise LookupError(key)
            return self[key]

    values = site_values(panic_points="{p: {area: lobby, input: panel/1}}")
    alone = OneFile(panic_points=values["panic_points"])
    (section,) = [section for section in SECTIONS if section.key == "panic_points"]
    assert section.check is not None
    told: list[str] = []
    with pytest.raises(LookupError, match="alarms"):
        told.extend(finding.code for finding in section.check(alone))
    assert told == ["panic_not_latched", "panic_not_supervised"]
