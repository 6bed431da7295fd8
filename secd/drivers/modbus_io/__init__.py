"""Modbus boards and readers: the secd door controller and panic panel, and any other that a profile describes.

In: requests of the device's link. Out: card reads, inputs, relays and cabinet troubles as observations; relay pulses and
reader signals. Refuses a board of another make or map. `FAMILY` is what `devices` needs to know.
"""

from secd.drivers.modbus_io.driver import ModbusIoDriver
from secd.drivers.modbus_io.line import parse_line
from secd.drivers.modbus_io.profiled import ProfiledDriver
from secd.drivers.modbus_io.profiles import PROFILES
from secd.drivers.modbus_io.settings import ModbusIoSettings, complete
from secd.drivers.protocol import Driver, Family, ResolveSecret
from secd.model.errors import Refused
from secd.model.names import DeviceId
from secd.runtime.clock import Clock

__all__ = ["FAMILY", "ModbusIoSettings", "build"]


def build(device: DeviceId, settings: ModbusIoSettings, clock: Clock, resolve: ResolveSecret) -> Driver:
    """One driver; touches no network. There is no secret: these boards ask nobody who they are."""
    del resolve
    if settings.profile in PROFILES:
        return ModbusIoDriver(device, settings, clock)
    board = settings.board
    if board is None:
        raise Refused(f"there is no Modbus profile {settings.profile}")
    return ProfiledDriver(device, settings, board, clock)


def _place(settings: ModbusIoSettings) -> str:
    return f"{parse_line(settings.address)}/{settings.unit}"


def _points(settings: ModbusIoSettings) -> frozenset[str] | None:
    if settings.profile in PROFILES:
        return PROFILES[settings.profile].points
    return None if settings.board is None else settings.board.points


FAMILY = Family(
    name="modbus_io",
    settings=ModbusIoSettings,
    build=build,
    place=_place,
    points=_points,
    complete=complete,
)
