"""Wireless panic buttons behind a gateway that publishes over MQTT 5. README.md says what it was tried against.

In: messages of one gateway's topic. Out: presses, check-ins and what is wrong with them, as observations. Refuses to
carry anything out: a button has no output. `FAMILY` is what `devices` needs to know.
"""

from secd.drivers.mqtt_buttons.driver import MqttButtonsDriver
from secd.drivers.mqtt_buttons.settings import MqttButtonsSettings
from secd.drivers.protocol import Family, ResolveSecret
from secd.model.names import DeviceId
from secd.runtime.clock import Clock

__all__ = ["FAMILY", "MqttButtonsSettings", "build"]


def build(device: DeviceId, settings: MqttButtonsSettings, clock: Clock, resolve: ResolveSecret) -> MqttButtonsDriver:
    """One driver; touches no network."""
    password = resolve(settings.login.password) if settings.login is not None else None
    return MqttButtonsDriver(device, settings, clock, password)


FAMILY = Family(
    name="mqtt_buttons",
    settings=MqttButtonsSettings,
    build=build,
    place=lambda settings: f"{settings.broker}/{settings.topic}",
    points=lambda settings: None,
)
