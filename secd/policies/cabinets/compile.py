"""From checked settings to `Supply`: who hangs on what, spread out; what each device's absence takes away."""

from collections.abc import Mapping
from typing import Any, Literal

from secd.config.types import point_device, point_number
from secd.model.names import AreaId
from secd.policies.cabinets.checks import above
from secd.policies.cabinets.settings import POINTS
from secd.policies.cabinets.supply import SHARED_MIN, CabinetTable, Cause, Dependents, Supply

CAMERA = "onvif_camera"
_WHAT = {"lock_supply": "lock"}


def compile_supply(values: Mapping[str, Any]) -> Supply:
    """The whole site's."""
    devices, switches = values.get("devices", {}), values.get("switches", {})
    cabinets = values.get("cabinets", {})
    nodes = {**switches, **devices}
    members: dict[str, set[str]] = {}
    for device in devices:
        for name in above(device, nodes):
            members.setdefault(name, {name} if name in devices else set()).add(device)
    causes = {
        name: _cause(name, frozenset(behind), values)
        for name, behind in sorted(members.items())
        if len(behind) >= SHARED_MIN
    }
    return Supply(
        causes=causes,
        causes_of={
            device: tuple(name for name, cause in causes.items() if device in cause.members)
            for device in sorted(devices)
        },
        dependents=_dependents(values),
        devices=frozenset(devices),
        cabinets={name: _cabinet(name, cabinet) for name, cabinet in cabinets.items()},
        cabinet_of={
            device: min(housed)
            for device in devices
            if (housed := sorted({getattr(devices[device], "powered_by", None)} & cabinets.keys()))
        },
        points={
            (point_device(point), f"input/{point_number(point)}"): (name, _WHAT.get(key, key))
            for name, cabinet in cabinets.items()
            for key in POINTS
            if (point := getattr(cabinet, key)) is not None
        },
    )


def _cause(name: str, members: frozenset[str], values: Mapping[str, Any]) -> Cause:
    kind: Literal["cabinet", "switch", "device"] = "device"
    settings = values.get("devices", {}).get(name)
    if name in values.get("cabinets", {}):
        kind, settings = "cabinet", values["cabinets"][name]
    elif name in values.get("switches", {}):
        kind, settings = "switch", values["switches"][name]
    area = getattr(settings, "area", None)
    return Cause(
        name=name,
        label=getattr(settings, "label", None) or name,
        kind=kind,
        area=AreaId(area) if area is not None else None,
        members=members,
    )


def _cabinet(name: str, cabinet: Any) -> CabinetTable:
    area = AreaId(cabinet.area) if cabinet.area is not None else None
    return CabinetTable(name=name, label=cabinet.label or name, area=area)


def _dependents(values: Mapping[str, Any]) -> dict[str, Dependents]:
    devices = values.get("devices", {})
    doors: dict[str, set[str]] = {}
    points: dict[str, set[str]] = {}
    for name, door in values.get("doors", {}).items():
        for device in _devices_in(door.wiring.model_dump()) & devices.keys():
            doors.setdefault(device, set()).add(name)
    for name, panic in values.get("panic_points", {}).items():
        points.setdefault(point_device(panic.input or panic.button), set()).add(name)
    cameras = {name for name, settings in devices.items() if getattr(settings, "driver", "") == CAMERA}
    return {
        device: Dependents(
            panic_points=tuple(sorted(points.get(device, ()))),
            doors=tuple(sorted(doors.get(device, ()))),
            cameras=(device,) if device in cameras else (),
        )
        for device in sorted({*doors, *points, *cameras})
    }


def _devices_in(wired: Any) -> set[str]:
    """The devices of every point that is written somewhere in a door's wiring."""
    match wired:
        case str():
            return {point_device(wired)}
        case Mapping():
            return {device for part in wired.values() for device in _devices_in(part)}
        case list() | tuple():
            return {device for part in wired for device in _devices_in(part)}
        case _:
            return set()
