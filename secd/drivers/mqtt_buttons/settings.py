"""A gateway of wireless buttons, as it is written in YAML."""

from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from secd.config.types import DeviceSettings, Name, ScalarError, SecretRef, Settings, Text
from secd.runtime.mqtt import BrokerAddress


def _broker(text: str) -> str:
    try:
        return str(BrokerAddress.parse(text))
    except ValueError as error:
        raise ScalarError(str(error)) from error


class ButtonsLogin(Settings):
    """Who secd is at the broker. Only the gateway's own login may write its topic (S15)."""

    username: Name
    password: SecretRef


class MqttButtonsSettings(DeviceSettings):
    """One gateway: everything below `topic` at one broker."""

    driver: Literal["mqtt_buttons"]
    broker: Annotated[str, AfterValidator(_broker)]
    """mqtt://host:port, or mqtts://host:port for TLS."""
    topic: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}(/[A-Za-z0-9_.-]{1,64}){0,7}$")]
    """TOPIC/BUTTON/press and TOPIC/BUTTON/state are below it."""
    login: ButtonsLogin | None = None
    ca: Text | None = None
    """File of the CA that signed the broker's certificate; without it the host's own CAs."""
    client_id: Name | None = None
    """Unique at the broker, and kept: the broker queues presses for it. Made of device and topic where not given."""
