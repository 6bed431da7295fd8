"""What a driver is (design contract): it reads, reports and carries out; it never decides, retries or logs a card number."""

from collections.abc import Callable
from typing import NoReturn, Protocol, TypeAlias

from secd.model.observation import DeviceCursor, Observation
from secd.model.order import DeviceOrder, Outcome

Report: TypeAlias = Callable[[Observation], None]
"""Takes one observation. Never blocks, never raises."""

Resume: TypeAlias = Callable[[], DeviceCursor | None]
"""The newest cursor of this device that is committed in the store, asked anew at each poll; None if none ever was."""


class Driver(Protocol):
    """One device. Built by its family's `build(settings, clock)`; owned by one supervised link."""

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        """Connect, read everything (reported with `initial=True`), report LinkChanged(up=True) once that is done, then
        keep reading. Ends only by cancellation or by raising LinkLost, Refused or PeerViolation.
        """

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Carry out one order on the live link before its deadline; a late one is refused. Raises LinkLost when down."""
