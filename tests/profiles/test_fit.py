"""What a profile cannot guarantee: pure, and the same in `secd check` and `secd devices fit`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from secd.cli.check import check
from secd.cli.devices import devices
from secd.config.modbus.load import load_profiles, shipped_profile
from secd.drivers.modbus_io.fit import LockUse, Use, fit

GOOD = Path(__file__).parents[1] / "config" / "good_site"
QUIRKS = load_profiles(Path(__file__).parent / "quirks.yaml")
DOOR = """
devices:
  wave: {driver: modbus_io, profile: waveshare-relay-8di8ro, address: "tcp://127.0.0.1:1502"}
doors:
  shed:
    from: outside
    to: lobby
    lock: strike
    without_power: locked
    relay: energise_to_unlock
    egress: lever
    fire_release: not_needed
    relock: on_open
    held_open: {warn: 20s, alarm: 30s}
    wiring: {lock: wave/1, contact: {input: wave/1, closed_is: 1}, rex: wave/2}
"""


def severities(name: str, use: Use) -> dict[str, str]:
    profile = QUIRKS[name] if name in QUIRKS else shipped_profile(name)
    return {short.code: short.severity for short in fit(profile, use)}


def test_our_own_boards_fall_short_of_nothing() -> None:
    use = Use(
        locks=(LockUse(output=1), LockUse(output=2, energise_to_unlock=False)),
        panic_inputs=(1, 2),
        end_of_line=frozenset({1}),
        rex_inputs=(3,),
        readers=(1,),
    )
    assert fit(shipped_profile("secd-door-controller"), use) == ()
    assert fit(shipped_profile("secd-panic-panel"), use) == ()


def test_s04_a_lock_on_a_board_without_watchdog_is_an_error_until_somebody_accepts_it() -> None:
    assert severities("waveshare-relay-8di8ro", Use(locks=(LockUse(output=1),)))["no_watchdog"] == "error"
    accepted = severities("waveshare-relay-8di8ro", Use(locks=(LockUse(output=1, accepted=True),)))
    assert accepted["no_watchdog"] == "warning"
    assert "error" not in accepted.values()


@pytest.mark.parametrize("name", ["advantech-adam-6060", "moxa-iologik-e1214"])
def test_s04_a_safe_state_that_only_the_maker_s_tool_knows_has_to_be_accepted(name: str) -> None:
    found = severities(name, Use(locks=(LockUse(output=1),)))
    assert found["watchdog_by_tool"] == "error"
    assert found["power_up_unknown"] == "error"
    assert found["release_held_by_secd"] == "warning"


def test_s04_a_power_up_state_that_unlocks_this_door_is_an_error() -> None:
    assert "power_up_unlocked" not in severities("fed-board", Use(locks=(LockUse(output=1),)))
    held = severities("fed-board", Use(locks=(LockUse(output=1, energise_to_unlock=False),)))
    assert held["power_up_unlocked"] == "error"


def test_s04_a_watchdog_shorter_than_asked_for_is_said() -> None:
    assert (
        severities("locking-board", Use(locks=(LockUse(output=1),), watchdog_s=61))["watchdog_too_short"] == "warning"
    )
    assert "watchdog_too_short" not in severities("locking-board", Use(locks=(LockUse(output=1),), watchdog_s=60))


def test_s11_a_polled_panic_input_without_latch_is_an_error_unless_the_button_stays_in() -> None:
    assert severities("waveshare-relay-8di8ro", Use(panic_inputs=(1,)))["input_not_latched"] == "error"
    kept = Use(panic_inputs=(1,), latched_outside=frozenset({1}))
    assert "input_not_latched" not in severities("waveshare-relay-8di8ro", kept)


def test_s11_an_end_of_line_resistor_on_a_board_that_measures_nothing_is_an_error() -> None:
    use = Use(panic_inputs=(1,), latched_outside=frozenset({1}), end_of_line=frozenset({1}))
    assert severities("icpdas-et-2260", use)["input_not_supervised"] == "error"
    assert "input_not_supervised" not in severities("waveshare-analog-8ch-b", use)


def test_s11_what_a_latch_cannot_tell_is_a_warning() -> None:
    edges = severities("icpdas-et-2260", Use(panic_inputs=(1,)))
    assert edges["presses_not_counted"] == edges["clears_all"] == "warning"
    assert severities("moxa-iologik-e1214", Use(panic_inputs=(1,)))["presses_unknown_at_start"] == "warning"


def test_a_release_that_the_board_cannot_time_is_an_error() -> None:
    assert severities("fed-board", Use(locks=(LockUse(output=1, release_s=61.0),)))["release_length"] == "error"


def test_readers_with_one_card_and_no_ages_are_said() -> None:
    assert severities("rfideas-modbus-tcp", Use(readers=(1,)))["one_card"] == "warning"
    assert severities("rfideas-modbus-tcp", Use(readers=(1,)))["no_card_age"] == "warning"


def _site(directory: Path, more: str) -> Path:
    for path in GOOD.glob("*.yaml"):
        (directory / path.name).write_text(path.read_text())
    (directory / "more.yaml").write_text(more)
    return directory


def test_s04_check_refuses_at_the_door_what_fit_tells_in_a_table(tmp_path: Path) -> None:
    site = _site(tmp_path, DOOR)
    checked = CliRunner().invoke(check, ["--json", str(site)])
    assert checked.exit_code == 3
    errors = [problem for problem in json.loads(checked.output)["problems"] if problem["severity"] == "error"]
    assert {problem["code"] for problem in errors} == {"no_watchdog", "power_up_unknown"}
    assert {problem["line"] for problem in errors} == {15}
    table = CliRunner().invoke(devices, ["fit", "wave", "--site", str(site)])
    assert table.exit_code == 3
    assert "it has no watchdog" in table.output
    told = json.loads(CliRunner().invoke(devices, ["fit", "--json", "--site", str(site)]).output)
    assert told["devices"]["wave"] == "waveshare-relay-8di8ro"
    assert {short["code"] for short in told["shortfalls"] if short["severity"] == "error"} == {
        "no_watchdog",
        "power_up_unknown",
    }


def test_s04_what_somebody_accepts_in_writing_is_a_warning(tmp_path: Path) -> None:
    accepted = "relay_loss: {accepted_by: fire marshal, why: a tool shed}\n    wiring:"
    site = _site(tmp_path, DOOR.replace("wiring:", accepted))
    assert CliRunner().invoke(check, [str(site)]).exit_code == 0
    assert CliRunner().invoke(devices, ["fit", "--site", str(site)]).exit_code == 0


def test_fit_of_a_device_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    assert CliRunner().invoke(devices, ["fit", "cam", "--site", str(_site(tmp_path, DOOR))]).exit_code == 2
