"""A board's own settings kept as they have to be: watchdog, safe and power-up states, counters that run, flags that are
told.

In: what was read of them. Out: writes, only where something differs, and what to tell. Refuses to write what the
maker's tool sets. What the board declines is told once as `limited`: a board that cannot be set right still guards its
inputs.
"""

from collections.abc import Iterator

from secd.config.modbus.format import PerOutput, Profile
from secd.config.modbus.places import Place, Table
from secd.drivers.modbus_io.connection import Declined
from secd.drivers.modbus_io.line import Line
from secd.drivers.modbus_io.requests import COIL_ON, Request, check_echo, write_many_request, write_request
from secd.drivers.modbus_io.scan import Run, Scan
from secd.drivers.modbus_io.translate import Sight
from secd.model.facts import DeviceTold
from secd.model.observation import Observation

FEEDS_PER_WATCHDOG = 4


class Upkeep:
    """The settings of one board. `safe` is the locked state of every output (S4)."""

    def __init__(self, profile: Profile, *, watchdog_s: float, safe: tuple[bool, ...]) -> None:
        self._profile = profile
        self._limits = profile.limits
        outputs = profile.outputs
        watchdog = self._watchdog = None if outputs is None else outputs.watchdog
        at_rest = [None if watchdog is None else watchdog.safe, None if outputs is None else outputs.power_up]
        polarity = outputs is None or outputs.energised_is == "1"
        bits = [one is polarity for one in safe]
        self._wanted: list[tuple[Place, list[bool]]] = [
            (profile.place(one.place), bits) for one in at_rest if isinstance(one, PerOutput)
        ]
        latch = None if profile.inputs is None else profile.inputs.latch
        if profile.inputs is not None and latch is not None and latch.run is not None:
            self._wanted.append((profile.place(latch.run), [True] * profile.inputs.count))
        self._time: tuple[Place, int] | None = None
        if watchdog is not None and watchdog.place is not None:
            units = min(max(round(watchdog_s / watchdog.unit), watchdog.units_min), watchdog.units_max)
            self._time = (profile.place(watchdog.place), units)
        self._tripped = None if watchdog is None or watchdog.tripped is None else profile.place(watchdog.tripped)
        self._boot = None if profile.boot is None else profile.place(profile.boot.place)
        self._feed_s = watchdog_s / FEEDS_PER_WATCHDOG
        self._fed_s: float | None = None
        self._was_tripped = False
        self._armed = False
        self._number: int | None = None
        self._declined: set[Place] = set()

    @property
    def runs(self) -> Iterator[Run]:
        """What every poll has to read."""
        if self._tripped is not None:
            yield Run(self._tripped)
        if self._boot is not None and self._profile.boot is not None:
            yield Run(self._boot, self._profile.boot.words)

    @property
    def seldom(self) -> Iterator[Run]:
        """What has to be read at the start, after a restart and now and then."""
        if self._time is not None:
            yield Run(self._time[0])
        for place, bits in self._wanted:
            yield Run(place, len(bits) if place.table.bits else -(-len(bits) // 16))

    def restarted(self, scan: Scan) -> bool:
        """Whether the board says that it started anew since it was asked last."""
        boot = self._profile.boot
        if boot is None or self._boot is None:
            return False
        shown = scan.number(self._boot, boot.words, high_first=True)
        before, self._number = self._number, shown
        if boot.shows == "flag":
            return bool(shown) and not before
        return before is not None and shown != before

    def tell(self, scan: Scan, sight: Sight) -> Iterator[Observation]:
        """That the watchdog went off, once."""
        self._armed = self._armed and not sight.initial
        if self._tripped is None:
            return
        tripped = bool(scan[self._tripped])
        if tripped and (not self._was_tripped or sight.initial):
            detail = "it heard nobody for too long: its relays took their safe states"
            yield sight.tell(DeviceTold(what="watchdog_tripped", detail=detail))
        self._was_tripped = tripped

    async def clear_flags(self, line: Line, scan: Scan) -> list[str]:
        """Clear what was told: the watchdog's trip, the restart. Returns what the board declined."""
        said = []
        watchdog, boot = self._watchdog, self._profile.boot
        if self._was_tripped and watchdog is not None and watchdog.clear is not None:
            said += await self._write(line, self._profile.place(watchdog.clear), watchdog.clear_write)
        if boot is not None and boot.shows == "flag" and self._boot is not None and scan[self._boot]:
            said += await self._write(line, self._boot, 0)
            self._number = 0
        return said

    async def set_right(self, line: Line, scan: Scan) -> list[str]:
        """Write what differs from what has to be. Returns what the board declined."""
        said = []
        for place, bits in self._wanted:
            if [bool(scan.bit(place, at)) for at in range(len(bits))] != bits:
                said += await self._write_bits(line, place, bits, scan)
        if self._time is not None and (scan[self._time[0]] != self._time[1] or self._has_to_be_armed):
            said += await self._write(line, *self._time)
            self._armed = True
        return said

    async def feed(self, line: Line, now_s: float) -> list[str]:
        """Write the watchdog's time again where only writing holds it off."""
        if self._time is None or self._watchdog is None or self._watchdog.fed_by != "write":
            return []
        if self._fed_s is not None and now_s < self._fed_s + self._feed_s:
            return []
        self._fed_s = now_s
        return await self._write(line, *self._time)

    @property
    def _has_to_be_armed(self) -> bool:
        """Whether the watchdog waits for its first write, even of what it has."""
        return self._watchdog is not None and self._watchdog.armed_by == "first_write" and not self._armed

    async def _write(self, line: Line, place: Place, value: int) -> list[str]:
        raw = (COIL_ON if value else 0) if place.table is Table.COIL else value
        return await self._send(line, place, [write_request(place, raw)])

    async def _write_bits(self, line: Line, place: Place, bits: list[bool], scan: Scan) -> list[str]:
        if place.table is Table.HOLDING:
            words = [scan[place + at] for at in range(-(-len(bits) // 16))]
            for at, bit in enumerate(bits):
                mask = 1 << at % 16
                words[at // 16] = words[at // 16] | mask if bit else words[at // 16] & ~mask
            return await self._send(line, place, [write_request(place + at, word) for at, word in enumerate(words)])
        if self._limits.write_many:
            return await self._send(line, place, [write_many_request(place, bits)])
        return await self._send(
            line, place, [write_request(place + at, COIL_ON if bit else 0) for at, bit in enumerate(bits)]
        )

    async def _send(self, line: Line, place: Place, requests: list[Request]) -> list[str]:
        try:
            for request in requests:
                check_echo(request, await line.ask(request.pdu, request.length))
        except Declined as answer:
            if place in self._declined:
                return []
            self._declined.add(place)
            return [f"it declined to have {place} set: {answer}"]
        self._declined.discard(place)
        return []
