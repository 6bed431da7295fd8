"""The `devices` section: every family's settings under one key, told apart by `driver`, and what only the whole shows.

In: validated settings of all devices, and the wiring made of the site. Out: findings: two devices at one place on the
wire, two with one label, a door or panic point wired to a point its device does not have.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union

from pydantic import Field

from secd.config.types import Finding, Section
from secd.devices.families import DRIVERS
from secd.model.doors import Role
from secd.model.wiring import Wiring

# What a board may have is placed for every device; only what a person wired by number is checked.
_WIRED_BY_NUMBER = {
    Role.CONTACT: "doors", Role.REX: "doors", Role.BOLT: "doors", Role.LOCK: "doors", Role.READER: "doors",
    Role.READER_TAMPER: "doors", Role.FIRE: "fire_zones", Role.PANIC: "panic_points", Role.DEAD_MAN: "dead_man",
}  # fmt: skip


def check_devices(values: Mapping[str, Any]) -> list[Finding]:
    """Two devices at one address and unit, or under one label."""
    devices: Mapping[str, Any] = values.get("devices", {})
    places = {name: DRIVERS[settings.driver].place(settings) for name, settings in devices.items()}
    labels = {name: label for name, settings in devices.items() if (label := getattr(settings, "label", None))}
    return [*_twice(places, "is at the same place"), *_twice(labels, "has the same label")]


def check_points(wiring: Wiring, devices: Mapping[str, Any]) -> list[Finding]:
    """Doors and panic points wired to a point that their device does not have."""
    found = []
    for (device, address), placement in wiring.points.items():
        section = _WIRED_BY_NUMBER.get(placement.role)
        if section is None and address.startswith("input/"):
            section = "cabinets"
        if section is None or device not in devices:
            continue
        points = DRIVERS[devices[device].driver].points(devices[device])
        if points is not None and address not in points:
            kind = address.partition("/")[0]
            has = sorted(point for point in points if point.startswith(f"{kind}/"))
            found.append(
                Finding(
                    path=(section, placement.subject),
                    message=f"{device} has no {address}",
                    expected=f"one of {', '.join(has)}" if has else f"a device that has {kind}s",
                    code="no_such_point",
                )
            )
    return found


def complete_device(settings: Any, values: Mapping[str, Any]) -> Any:
    """A device's settings with what its family has them refer to."""
    complete = DRIVERS[settings.driver].complete
    return settings if complete is None else complete(settings, values)


def _twice(values: Mapping[str, str], what: str) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for name, value in values.items():
        other = first.setdefault(value, name)
        if other != name:
            yield Finding(
                path=("devices", name), message=f"{what} as {other}: {value}", expected="each its own", code="twice"
            )


SECTIONS = (
    Section(
        key="devices",
        model=Annotated[
            Union[tuple(family.settings for family in DRIVERS.values())],  # noqa: UP007 -- the union is made of the table
            Field(discriminator="driver"),
        ],
        check=check_devices,
        complete=complete_device,
    ),
)
