"""From settings to `Wiring`: where every device's point sits in the building."""

from collections.abc import Mapping
from typing import Any

from secd.config.types import point_device, point_name, point_number
from secd.model.doors import Role
from secd.model.facts import PressKind
from secd.model.names import AreaId, DeviceId
from secd.model.wiring import LockWiring, Placement, Wiring

DEVICE_POINTS = {
    "tamper/1": Role.TAMPER,
    "power/ac": Role.POWER,
    "power/battery": Role.POWER,
    "power/lock": Role.POWER,
    "": Role.DEVICE,
}
CABINET_POINTS = {
    "ac": Role.POWER,
    "battery": Role.POWER,
    "lock_supply": Role.POWER,
    "ups": Role.POWER,
    "tamper": Role.TAMPER,
}
Points = dict[tuple[DeviceId, str], Placement]


def build_wiring(values: Mapping[str, Any]) -> Wiring:
    """The whole site's wiring from its checked settings."""
    points: Points = {}
    readers: dict[str, tuple[DeviceId, int]] = {}
    exit_readers: dict[str, tuple[DeviceId, int]] = {}
    locks: dict[str, LockWiring] = {}
    for name, settings in values["devices"].items():
        _place_device(points, name, settings)
    for name, door in values["doors"].items():
        _place_door(points, name, door)
        for reader, known in ((door.wiring.reader, readers), (door.wiring.exit_reader, exit_readers)):
            if reader is not None:
                known[name] = (DeviceId(point_device(reader)), point_number(reader))
        locks[name] = LockWiring(
            device=DeviceId(point_device(door.wiring.lock)),
            output=point_number(door.wiring.lock),
            energise_to_unlock=door.relay == "energise_to_unlock",
            release_s=door.release,
        )
    for name, point in values["panic_points"].items():
        _place_panic(points, name, point)
    for name, zone in values["fire_zones"].items():
        _place_fire(points, name, zone)
    for name, cabinet in values.get("cabinets", {}).items():
        _place_cabinet(points, name, cabinet)
    dead_man = values.get("dead_man")
    if dead_man is not None:
        key = (DeviceId(point_device(dead_man.output)), f"output/{point_number(dead_man.output)}")
        points[key] = Placement(role=Role.DEAD_MAN, subject="output")
    cameras = {
        name: DeviceId(name) for name, settings in values["devices"].items() if settings.driver == "onvif_camera"
    }
    return Wiring(points=points, locks=locks, readers=readers, exit_readers=exit_readers, cameras=cameras)


def _place_device(points: Points, name: str, settings: Any) -> None:
    device = DeviceId(name)
    camera = settings.driver == "onvif_camera"
    for address, role in DEVICE_POINTS.items():
        points[device, address] = Placement(role=Role.CAMERA if camera and address == "" else role, subject=name)


def _place_door(points: Points, name: str, door: Any) -> None:
    area = AreaId(door.to)
    wiring = door.wiring

    def place(kind: str, reference: str | None, role: Role, *, inverted: bool = False) -> None:
        if reference is not None:
            key = (DeviceId(point_device(reference)), f"{kind}/{point_number(reference)}")
            points[key] = Placement(role=role, subject=name, area=area, inverted=inverted)

    place("reader", wiring.reader, Role.READER)
    place("reader", wiring.exit_reader, Role.READER)
    place("output", wiring.lock, Role.LOCK)
    for contact in wiring.every_contact:
        place("input", contact.input, Role.CONTACT, inverted=contact.closed_is == 1)
    place("input", wiring.rex, Role.REX)
    place("input", wiring.bolt, Role.BOLT)
    for tamper in (wiring.reader_tamper, wiring.exit_reader_tamper):
        place("input", tamper, Role.READER_TAMPER)


def _place_cabinet(points: Points, name: str, cabinet: Any) -> None:
    area = AreaId(cabinet.area) if cabinet.area is not None else None
    for key, role in CABINET_POINTS.items():
        reference = getattr(cabinet, key)
        if reference is not None:
            place = (DeviceId(point_device(reference)), f"input/{point_number(reference)}")
            points[place] = Placement(role=role, subject=name, area=area)


def _place_panic(points: Points, name: str, point: Any) -> None:
    reference = point.input or point.button
    address = f"input/{point_number(reference)}" if point.input else f"button/{point_name(reference)}"
    press = PressKind.LOCKDOWN if point.press == "lockdown" else PressKind.HELP
    points[DeviceId(point_device(reference)), address] = Placement(
        role=Role.PANIC, subject=name, area=AreaId(point.area), press=press
    )


def _place_fire(points: Points, name: str, zone: Any) -> None:
    points[DeviceId(point_device(zone.input)), f"input/{point_number(zone.input)}"] = Placement(
        role=Role.FIRE, subject=name, area=AreaId(zone.areas[0]), inverted=zone.fire_is == 0
    )
