"""Whether the boards of a site can do what its doors and panic points ask of them.

In: the checked settings. Out: for each Modbus device what it is used for, what it cannot guarantee in that use, and the
same as findings at the door, point or device they are about. What counts as a mistake is said in
`secd.drivers.modbus_io.fit`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secd.config.types import Finding, point_device, point_number
from secd.drivers.modbus_io import ModbusIoSettings
from secd.drivers.modbus_io.fit import LockUse, Shortfall, Use, fit
from secd.drivers.modbus_io.line import SerialPlace, parse_line
from secd.drivers.modbus_io.settings import missing_outputs

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """One device: what its profile is, what it does not guarantee, and where each of its points is used."""

    device: str
    profile: str
    shortfalls: tuple[Shortfall, ...]
    places: Mapping[str, Path]


def fittings(values: Mapping[str, Any]) -> tuple[Fitting, ...]:
    """Every Modbus device whose profile is known, by name."""
    found = []
    for name, settings in sorted(values["devices"].items()):
        if isinstance(settings, ModbusIoSettings) and settings.board is not None:
            use, places = _use_of(name, settings, values)
            found.append(
                Fitting(device=name, profile=settings.profile, shortfalls=fit(settings.board, use), places=places)
            )
    return tuple(found)


def check_fit(values: Mapping[str, Any]) -> Iterator[Finding]:
    """What the boards cannot guarantee, where a person wrote that they should."""
    for name, settings in values["devices"].items():
        if isinstance(settings, ModbusIoSettings) and settings.board is not None:
            for output in missing_outputs(settings):
                yield Finding(
                    path=("devices", name, "safe_outputs"),
                    message=f"{settings.profile} has {settings.outputs} relays, so there is no output {output}",
                    expected=f"1 to {settings.outputs}" if settings.outputs else "no safe_outputs",
                    code="no_such_output",
                )
    yield from _speeds(values["devices"])
    for one in fittings(values):
        for short in one.shortfalls:
            rule = f" ({short.rule})" if short.rule else ""
            yield Finding(
                path=one.places.get(short.point, ("devices", one.device, "profile")),
                message=f"{one.device} {short.point}: {short.what}{rule}" if short.point else f"{short.what}{rule}",
                expected=short.remedy,
                code=short.code,
                severity=short.severity,
            )


def _speeds(devices: Mapping[str, Any]) -> Iterator[Finding]:
    """Two devices on one serial line that are to speak at different speeds."""
    first: dict[str, tuple[str, SerialPlace]] = {}
    for name, settings in devices.items():
        place = parse_line(settings.address) if isinstance(settings, ModbusIoSettings) else None
        if isinstance(place, SerialPlace):
            other, known = first.setdefault(place.path, (name, place))
            if known != place:
                yield Finding(
                    path=("devices", name, "address"),
                    message=f"{other} is on the same line at another speed or parity",
                    expected=f"?baud={known.baud}&parity={known.parity}&stop={known.stop} for both",
                    code="serial_speed",
                )


def _use_of(name: str, settings: ModbusIoSettings, values: Mapping[str, Any]) -> tuple[Use, dict[str, Path]]:
    places: dict[str, Path] = {}
    locks: list[LockUse] = []
    inputs: dict[str, list[int]] = {"rex": [], "panic": [], "reader": [], "latched": [], "end_of_line": []}

    def used(reference: str | None, kind: str, path: Path) -> int | None:
        if reference is None or point_device(reference) != name:
            return None
        places[f"{kind}/{point_number(reference)}"] = path
        return point_number(reference)

    for door, written in values["doors"].items():
        wiring = written.wiring
        lock = used(wiring.lock, "output", ("doors", door, "wiring", "lock"))
        if lock is not None:
            locks.append(_lock_use(lock, door, written))
        for key, kind, of in (
            ("rex", "input", "rex"),
            ("reader", "reader", "reader"),
            ("exit_reader", "reader", "reader"),
        ):
            number = used(getattr(wiring, key, None), kind, ("doors", door, "wiring", key))
            if number is not None:
                inputs[of].append(number)
    for point, written in values["panic_points"].items():
        number = used(written.input, "input", ("panic_points", point, "input"))
        if number is None:
            continue
        inputs["panic"].append(number)
        if written.latched_by == "button":
            inputs["latched"].append(number)
        if written.supervised is not None and written.supervised.kind == "end_of_line":
            inputs["end_of_line"].append(number)
    use = Use(
        locks=tuple(locks),
        panic_inputs=tuple(inputs["panic"]),
        latched_outside=frozenset(inputs["latched"]),
        end_of_line=frozenset(inputs["end_of_line"]),
        rex_inputs=tuple(inputs["rex"]),
        readers=tuple(inputs["reader"]),
        watchdog_s=settings.watchdog,
    )
    return use, places


def _lock_use(output: int, door: str, written: Any) -> LockUse:
    return LockUse(
        output=output,
        door=door,
        energise_to_unlock=written.relay == "energise_to_unlock",
        release_s=max(written.release, written.release_extended),
        accepted=written.relay_loss is not None,
    )
