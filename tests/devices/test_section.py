"""The devices section: every family under one key, and what only the whole of it shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from secd.devices.families import DRIVERS
from secd.devices.section import SECTIONS, check_devices, check_points
from secd.model.doors import Role
from secd.model.names import DeviceId
from secd.model.wiring import Placement, Wiring

EXAMPLE = Path(__file__).parents[2] / "config" / "devices.yaml"
(SECTION,) = SECTIONS
DEVICES = TypeAdapter(dict[str, SECTION.model])


def devices(text: str) -> dict[str, Any]:
    return DEVICES.validate_python(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 -- every scalar stays text


def test_example_site_uses_every_family_and_has_no_finding() -> None:
    values = devices(EXAMPLE.read_text().partition("devices:")[2])
    assert {settings.driver for settings in values.values()} == set(DRIVERS)
    assert check_devices({"devices": values}) == []


def test_every_family_is_named_in_its_settings_as_in_the_table() -> None:
    for name, family in DRIVERS.items():
        assert family.name == name
        assert family.settings.model_json_schema()["properties"]["driver"]["const"] == name


def test_unknown_driver_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ValidationError, match="modbus_io") as refused:
        devices("board: {driver: modbus-io, address: tcp://10.0.0.1}")
    assert refused.value.errors()[0]["type"] == "union_tag_invalid"


BOARD = "{driver: modbus_io, profile: secd-door-controller, address: "


@pytest.mark.parametrize("second", ["tcp://10.0.0.1:502}", "tcp://10.0.0.1, unit: 1}"])
def test_two_devices_at_one_address_and_unit_are_found(second: str) -> None:
    values = devices(f"a: {BOARD}tcp://10.0.0.1}}\nb: {BOARD}{second}")
    (finding,) = check_devices({"devices": values})
    assert finding.path == ("devices", "b")
    assert "same place as a" in finding.message


def test_two_units_behind_one_address_are_two_devices() -> None:
    values = devices(f"a: {BOARD}tcp://10.0.0.1}}\nb: {BOARD}tcp://10.0.0.1, unit: 2}}")
    assert check_devices({"devices": values}) == []


def test_two_devices_under_one_label_are_found() -> None:
    values = devices(f"a: {BOARD}tcp://10.0.0.1, label: ACP-1}}\nb: {BOARD}tcp://10.0.0.2, label: ACP-1}}")
    assert [finding.message for finding in check_devices({"devices": values})] == ["has the same label as a: ACP-1"]


def test_door_wired_to_a_point_its_board_does_not_have_is_found_with_those_it_has() -> None:
    values = devices(f"board: {BOARD}tcp://10.0.0.1}}")
    points = {
        (DeviceId("board"), "output/1"): Placement(role=Role.LOCK, subject="east"),
        (DeviceId("board"), "input/99"): Placement(role=Role.CONTACT, subject="east"),
        (DeviceId("board"), "button/badge-1"): Placement(role=Role.PANIC, subject="badge-1"),
        (DeviceId("board"), "power/battery"): Placement(role=Role.POWER, subject="board"),
    }
    contact, button = check_points(Wiring(points=points), values)
    assert contact.path == ("doors", "east")
    assert contact.message == "board has no input/99"
    assert "input/1" in contact.expected
    assert button.path == ("panic_points", "badge-1")
    assert button.expected == "a device that has buttons"


def test_points_that_only_the_device_knows_are_not_questioned() -> None:
    values = devices(EXAMPLE.read_text().partition("devices:")[2])
    points = {(DeviceId("wireless-buttons"), "button/badge-77"): Placement(role=Role.PANIC, subject="badge-77")}
    assert check_points(Wiring(points=points), values) == []
