"""What an administrator writes about one Modbus board in `devices:`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from secd.config.modbus.format import Profile
from secd.config.modbus.load import KEY, SHIPPED, find_profile
from secd.config.types import DeviceSettings, Name, Ref, Seconds, Whole
from secd.drivers.modbus_io.line import PORT_DEFAULT, SerialPlace, TcpPlace, parse_line
from secd.drivers.modbus_io.profiles import PROFILES

__all__ = ["PORT_DEFAULT", "ModbusIoSettings", "complete", "parse_address"]


def parse_address(address: str) -> tuple[str, int]:
    """Host and port of `tcp://host[:port]`; ValueError says how to write it."""
    place = parse_line(address)
    if not isinstance(place, TcpPlace):
        raise ValueError("an address is tcp://HOST or tcp://HOST:PORT")  # noqa: TRY004 -- a wrong text, told to a person
    return place.host, place.port


def _checked_address(address: str) -> str:
    parse_line(address)
    return address


class ModbusIoSettings(DeviceSettings):
    """One board or reader that speaks Modbus, over TCP or a serial line."""

    driver: Literal["modbus_io"]
    profile: Annotated[Name, Ref(KEY, extra=SHIPPED)]
    """What its registers mean: a profile that comes with secd, or one of the site's `modbus_profiles`: docs/modbus-profiles.md."""
    address: Annotated[str, AfterValidator(_checked_address)]
    """`tcp://HOST:PORT` (502 where no port is written), or `serial:///dev/ttyUSB0?baud=9600&parity=N&stop=1`."""
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
    _of_site: Profile | None = PrivateAttr(default=None)

    @property
    def board(self) -> Profile | None:
        """The profile itself; None for one of the site's while the site is not known."""
        return find_profile(self.profile, {} if self._of_site is None else {self.profile: self._of_site})

    @property
    def outputs(self) -> int:
        """How many relays the board has; none while its profile is not known."""
        board = self.board
        return 0 if board is None or board.outputs is None else board.outputs.count

    @model_validator(mode="after")
    def _outputs_exist(self) -> "ModbusIoSettings":
        if self.profile in PROFILES and isinstance(parse_line(self.address), SerialPlace):
            raise ValueError(f"a {self.profile} speaks Modbus TCP: tcp://HOST")
        if self.profile in SHIPPED:
            for output in missing_outputs(self):
                raise ValueError(
                    f"safe_outputs: {self.profile} has {self.outputs} relays, so there is no output {output}"
                )
        return self

    @property
    def safe_energised(self) -> tuple[bool, ...]:
        """The safe state of every relay of the board."""
        return tuple(self.safe_outputs.get(output) == "energised" for output in range(1, self.outputs + 1))


def missing_outputs(settings: ModbusIoSettings) -> list[int]:
    """The relays of `safe_outputs` that the board does not have."""
    return [output for output in settings.safe_outputs if not 1 <= output <= settings.outputs]


def complete(settings: ModbusIoSettings, values: Mapping[str, Any]) -> ModbusIoSettings:
    """The settings with the site's own profile, if they name one: a changed profile makes changed settings."""
    if settings.profile in SHIPPED:
        return settings
    whole = settings.model_copy()
    whole._of_site = find_profile(settings.profile, values.get(KEY, {}))  # noqa: SLF001 -- ours
    return whole
