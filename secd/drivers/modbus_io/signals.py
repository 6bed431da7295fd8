"""LED and beep of a reader that has a profile: shown for a while, then dark again.

In: a decision. Out: writes. The reader tells nothing back, so what the echo says is all that is known.
"""

from secd.config.modbus.format import Profile, Signals, Write
from secd.config.modbus.places import Table
from secd.drivers.modbus_io.line import Line
from secd.drivers.modbus_io.requests import COIL_ON, check_echo, write_request


class ReaderSignals:
    """One reader's LED and buzzer."""

    def __init__(self, profile: Profile, signals: Signals) -> None:
        self._profile = profile
        self._signals = signals
        self._dark_s: float | None = None

    async def show(self, line: Line, *, granted: bool, now_s: float) -> str:
        """Show a decision; the caller holds the turn."""
        if self._signals.dark:
            self._dark_s = now_s + self._signals.lasts
            await self._write(line, self._signals.dark)
        await self._write(line, self._signals.granted if granted else self._signals.denied)
        return ""

    async def darken(self, line: Line, now_s: float) -> None:
        """End what was shown long enough; the caller holds the turn."""
        if self._dark_s is not None and now_s >= self._dark_s:
            await self._write(line, self._signals.dark)
            self._dark_s = None

    async def _write(self, line: Line, writes: list[Write]) -> None:
        for one in writes:
            place = self._profile.place(one.place)
            value = (COIL_ON if one.value else 0) if place.table is Table.COIL else one.value
            request = write_request(place, value)
            check_echo(request, await line.ask(request.pdu, request.length))
