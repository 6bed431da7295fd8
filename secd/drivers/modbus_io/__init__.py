"""Modbus TCP boards that speak a register map of ours: the secd door controller and the secd panic panel.

In: requests of the device's link. Out: card reads, inputs, relays and cabinet troubles as observations; relay pulses and
reader signals. Refuses a board of another make or map. `FAMILY` is what `devices` needs to know.
"""

from secd.drivers.modbus_io.driver import ModbusIoDriver
from secd.drivers.modbus_io.profiles import PROFILES
from secd.drivers.modbus_io.settings import ModbusIoSettings, parse_address
from secd.drivers.protocol import Family, ResolveSecret
from secd.model.names import DeviceId
from secd.runtime.clock import Clock

__all__ = ["FAMILY", "ModbusIoSettings", "build"]


def build(device: DeviceId, settings: ModbusIoSettings, clock: Clock, resolve: ResolveSecret) -> ModbusIoDriver:
    """One driver; touches no network. There is no secret: these boards ask nobody who they are."""
    del resolve
    return ModbusIoDriver(device, settings, clock)


def _place(settings: ModbusIoSettings) -> str:
    host, port = parse_address(settings.address)
    return f"modbus://{host}:{port}/{settings.unit}"


FAMILY = Family(
    name="modbus_io",
    settings=ModbusIoSettings,
    build=build,
    place=_place,
    points=lambda settings: PROFILES[settings.profile].points,
)
