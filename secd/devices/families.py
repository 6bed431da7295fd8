"""The DRIVERS table: every device family there is. To add one: its folder under secd.drivers, and one line here."""

from typing import Any

from secd.drivers import modbus_io, mqtt_buttons, onvif_camera
from secd.drivers.protocol import Family

DRIVERS: dict[str, Family[Any]] = {
    family.name: family for family in (modbus_io.FAMILY, mqtt_buttons.FAMILY, onvif_camera.FAMILY)
}
