"""What a driver is: it reads, reports and carries out; it never decides, retries or logs a card number.

Each family's package exports `FAMILY`, one `Family`; secd.devices.families gathers them in the DRIVERS table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, Protocol, TypeAlias, TypeVar

from secd.config.types import SecretRef, Settings
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor, Observation
from secd.model.order import DeviceOrder, Outcome
from secd.model.secret import Secret
from secd.runtime.clock import Clock

S = TypeVar("S", bound=Settings)

Report: TypeAlias = Callable[[Observation], None]
"""Takes one observation. Never blocks, never raises."""

Resume: TypeAlias = Callable[[], DeviceCursor | None]
"""The newest cursor of this device that is committed in the store, asked anew at each poll; None if none ever was."""

ResolveSecret: TypeAlias = Callable[[SecretRef], Secret]
"""The text behind a secret's name. Raises ConfigError where it cannot be read."""


class Driver(Protocol):
    """One device. Built by its family's `build`; owned by one supervised link."""

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        """Connect, read everything (reported with `initial=True`), report LinkChanged(up=True) once that is done, then
        keep reading. Ends only by cancellation or by raising LinkLost, Refused or PeerViolation.
        """

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Carry out one order on the live link before its deadline, or refuse it as late. Raises LinkLost when down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(Generic[S]):
    """One device family: a row of the DRIVERS table.

    `name` is what `driver:` says in YAML (a Literal in `settings`). `build` makes one driver and touches no network.
    `place` names where the device is on the wire, address and unit in one normal spelling, so that two devices at one
    place are found. `points` lists a device's point addresses: "input/3", "reader/1", "output/2", "" for itself;
    None where only the device knows (the buttons of a radio gateway).
    """

    name: str
    settings: type[S]
    build: Callable[[DeviceId, S, Clock, ResolveSecret], Driver]
    place: Callable[[S], str]
    points: Callable[[S], frozenset[str] | None]
    complete: Callable[[S, Mapping[str, Any]], S] | None = None
    """Gives settings what they refer to elsewhere in the site."""
