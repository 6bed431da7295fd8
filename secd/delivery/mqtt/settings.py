"""The `mqtt` section of a site: the broker, and the stations that listen there."""

from typing import Annotated, Literal

from annotated_types import Ge, Le, MinLen
from pydantic import AfterValidator

from secd.config.types import Name, ScalarError, Seconds, SecretRef, Section, Settings, Text
from secd.runtime.mqtt import BrokerAddress


def _broker(text: str) -> str:
    try:
        return str(BrokerAddress.parse(text))
    except ValueError as error:
        raise ScalarError(str(error)) from error


BrokerText = Annotated[str, AfterValidator(_broker)]


class MqttLogin(Settings):
    """Who we are at the broker. Its access lists must let this name write secd/1/INSTANCE and read the commands."""

    username: Name
    password: SecretRef


class StationSettings(Settings):
    """One monitoring station, named as in its topics."""

    receipt: Literal["station", "dc09_ack", "none"]
    """Who says that an alarm was shown: the station itself, a DC-09 receiver, or nobody."""


class MqttSettings(Settings):
    """Where alarms and events are published."""

    broker: BrokerText
    """mqtt://host:port, or mqtts://host:port for TLS."""
    stations: Annotated[dict[Name, StationSettings], MinLen(1)]
    """Who listens. A panic needs a listener, so there is at least one."""
    login: MqttLogin | None = None
    ca: Text | None = None
    """File of the CA that signed the broker's certificate; without it the host's own CAs."""
    heartbeat: Annotated[Seconds, Ge(1), Le(60)] = 10.0
    hold_closed: Annotated[Seconds, Ge(0), Le(86_400)] = 60.0
    """How long a closed alarm's retained object stays before it is emptied."""
    people: Literal["withheld", "named"] = "withheld"
    """Whether events carry the names of holders (S21)."""


SECTIONS = (Section(key="mqtt", model=MqttSettings, many=False, required=True),)
