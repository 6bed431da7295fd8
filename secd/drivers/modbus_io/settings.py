"""What an administrator writes about one Modbus board in `devices:`."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from secd.config.types import DeviceSettings, Seconds, Whole
from secd.drivers.modbus_io.profiles import PROFILES

PORT_DEFAULT = 502


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of `tcp://host[:port]`; ValueError says how to write it."""
    if not re.fullmatch(r"tcp://[^/?#@\s]+", address):
        raise ValueError("an address is tcp://HOST or tcp://HOST:PORT")
    parts = urlsplit(address)
    try:
        port = PORT_DEFAULT if parts.port is None else parts.port
    except ValueError as error:
        raise ValueError("a port is a number from 1 to 65535") from error
    if not parts.hostname or port == 0:
        raise ValueError("an address is tcp://HOST:PORT, with a port from 1 to 65535")
    return parts.hostname, port


def _checked_address(address: str) -> str:
    parse_address(address)
    return address


class ModbusIoSettings(DeviceSettings):
    """One board that speaks a register map of ours over Modbus TCP."""

    driver: Literal["modbus_io"]
    profile: Literal["secd-door-controller", "secd-panic-panel"]
    """Which register map it speaks: docs/register-map.md."""
    address: Annotated[str, AfterValidator(_checked_address)]
    """`tcp://HOST:PORT`; 502 where no port is written."""
    unit: Annotated[Whole, Field(ge=1, le=247)] = 1
    """Its Modbus unit id."""
    poll: Annotated[Seconds, Field(ge=0.02, le=1.0)] = 0.1
    """How often it is asked. IEC 60839-11-1 wants inputs active for 400 ms seen: 100 ms leaves room for a lost answer."""
    timeout: Annotated[Seconds, Field(ge=0.1, le=1.0)] = 0.3
    """How long one answer may take."""
    watchdog: Annotated[Seconds, Field(ge=5.0, le=600.0)] = 30.0
    """How long after our last request its relays go to their safe states. Longer than a restart of secd takes."""
    safe_outputs: dict[Whole, Literal["energised", "de-energised"]] = Field(default_factory=dict)
    """The locked state of each relay: energised where a lock is wired energise_to_lock, de-energised unless said."""

    @model_validator(mode="after")
    def _outputs_exist(self) -> "ModbusIoSettings":
        relays = PROFILES[self.profile].relays
        for output in self.safe_outputs:
            if not 1 <= output <= relays:
                raise ValueError(f"safe_outputs: {self.profile} has {relays} relays, so there is no output {output}")
        return self

    @property
    def safe_energised(self) -> tuple[bool, ...]:
        """The safe state of every relay of the board."""
        relays = PROFILES[self.profile].relays
        return tuple(self.safe_outputs.get(output) == "energised" for output in range(1, relays + 1))
