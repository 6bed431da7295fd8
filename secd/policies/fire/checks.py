"""What `check` refuses of fire zones (S16).

In: the site's settings by section. Out: findings, those of the section alone before those that ask for another. Refused: a
line whose cut would look quiet, an input used twice, a door that waits for a fire alarm nobody tells of.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from secd.config.types import Finding, Section, point_device
from secd.policies.access.settings import inside
from secd.policies.doors.checks import Use, door_inputs, used_twice
from secd.policies.fire.settings import FireZoneSettings

BOARDS_FOR_FIRE = frozenset({"secd-panic-panel", "secd-door-controller"})
"""Boards that tell a cut or shorted line from a quiet one."""


def check_fire_zones(values: Mapping[str, Any]) -> Iterator[Finding]:
    """A fire alarm must be seen, and a fault told from it."""
    zones = values.get("fire_zones", {})
    for name, zone in zones.items():
        yield from _supervised(name, zone)
    inputs: list[Use] = [(("fire_zones", name, "input"), zone.input) for name, zone in zones.items()]
    yield from used_twice(inputs, "input")
    doors = values.get("doors", {})
    yield from _shared_with_doors(inputs, doors)
    yield from _unheard_doors(zones, doors, values.get("areas", {}))
    points = values.get("panic_points", {})
    of_panic: list[Use] = [
        (("panic_points", name, "input"), point.input) for name, point in points.items() if point.input
    ]
    for finding in used_twice([*inputs, *of_panic], "input"):
        if finding.path[0] == "panic_points" and finding not in list(used_twice(of_panic, "input")):
            yield finding
    for name, zone in zones.items():
        yield from _board(name, zone, values.get("devices", {}))


def _supervised(name: str, zone: FireZoneSettings) -> Iterator[Finding]:
    path = ("fire_zones", name, "supervised")
    if zone.supervised.kind == "none":
        yield Finding(
            path=path,
            message="a cut line from the fire panel would look quiet (S16)",
            expected="supervised: {kind: end_of_line, ohms: 2200}",
            code="fire_not_supervised",
        )
    elif zone.supervised.ohms is None:
        yield Finding(
            path=path, message="the resistor's value is missing", expected="ohms: 2200", code="end_of_line_ohms"
        )


def _shared_with_doors(inputs: list[Use], doors: Mapping[str, Any]) -> Iterator[Finding]:
    known = list(used_twice(inputs, "input"))
    for finding in used_twice([*door_inputs(doors), *inputs], "input"):
        if finding.path[0] == "fire_zones" and finding.path not in [one.path for one in known]:
            yield finding


def _unheard_doors(zones: Mapping[str, Any], doors: Mapping[str, Any], areas: Mapping[str, Any]) -> Iterator[Finding]:
    covered: frozenset[str] = frozenset()
    for zone in zones.values():
        covered |= inside(zone.areas, areas, restricted=True)
    for name, door in doors.items():
        if door.on_fire == "unlock" and not covered & {door.from_, door.to}:
            yield Finding(
                path=("doors", name, "on_fire"),
                message="no fire zone covers an area that this door leads into or out of",
                expected=f"fire_zones: {{main: {{..., areas: [{door.to}]}}}}",
                code="on_fire_without_zone",
            )


def _board(name: str, zone: FireZoneSettings, devices: Mapping[str, Any]) -> Iterator[Finding]:
    device = devices.get(point_device(zone.input))
    if device is not None and getattr(device, "profile", None) not in BOARDS_FOR_FIRE:
        yield Finding(
            path=("fire_zones", name, "input"),
            message="this board is not known to supervise its inputs, so the resistor tells nothing (S16)",
            expected=f"a board with supervised inputs: {', '.join(sorted(BOARDS_FOR_FIRE))}",
            code="input_not_supervised",
        )


SECTIONS = (Section(key="fire_zones", model=FireZoneSettings, check=check_fire_zones),)
