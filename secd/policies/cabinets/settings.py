"""What an administrator writes about cabinets and switches (S17).

In: validated YAML. Out: settings classes. Which device hangs on what is written at the device: `powered_by`, `connected_to`.
"""

from secd.config.types import ConnectedTo as Connection
from secd.config.types import DevicePoint, PoweredBy, Settings, Text
from secd.policies.access.settings import AreaName

POINTS = ("ac", "battery", "lock_supply", "ups", "tamper")


class CabinetSettings(Settings):
    """A cabinet with its supply. Its points are inputs of boards; an active input is the trouble."""

    area: AreaName | None = None
    ac: DevicePoint | None = None
    """The mains failed."""
    battery: DevicePoint | None = None
    """The battery is low or missing."""
    lock_supply: DevicePoint | None = None
    """The supply of the locks failed."""
    ups: DevicePoint | None = None
    """The uninterruptible supply is in trouble or runs on its battery."""
    tamper: DevicePoint | None = None
    """The cabinet is open."""
    label: Text | None = None


class SwitchSettings(Settings):
    """A switch, a router, an injector: not watched itself, but by the devices behind it."""

    area: AreaName | None = None
    powered_by: PoweredBy | None = None
    connected_to: Connection | None = None
    label: Text | None = None
