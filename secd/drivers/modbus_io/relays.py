"""The outputs of a board that has a profile: pulses in the board's own style or held by secd, and what is read back.

In: scans, orders. Out: OutputRead observations; "" for an order that is done and seen, else why not. Refuses a pulse
the board cannot time. A relay that secd itself holds for a pulse is let go on time, on the next link, or at the end of
the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from secd.config.modbus.format import Outputs, Profile, PulseCoil, TimeInCoil, TimeInRegister
from secd.config.modbus.places import Place, Table
from secd.drivers.modbus_io.line import Line
from secd.drivers.modbus_io.requests import COIL_ON, check_echo, read_request, read_values, write_request
from secd.drivers.modbus_io.scan import Run, Scan
from secd.drivers.modbus_io.translate import Sight
from secd.model.facts import OutputRead
from secd.model.observation import Observation
from secd.model.order import PulseOutput, SetOutput

LATE_S = 0.5
"""A pulse the board times may end so much later than ordered before it is called what it is: a relay left on."""


@dataclass(slots=True)
class _Pulse:
    """A pulse that runs: which way, until when, and what secd has to write then (None: the board ends it)."""

    energised: bool
    ends_mono_s: float
    rest: bool | None = None


class Relays:
    """All outputs of one board."""

    def __init__(self, profile: Profile, outputs: Outputs) -> None:
        self._profile = profile
        self._outputs = outputs
        self._at = profile.place(outputs.place)
        self._seen_at = profile.place(outputs.read_back) if outputs.read_back else None
        self._polarity = outputs.energised_is == "1"
        self._energised: list[bool | None] = [None] * outputs.count
        self._told: list[tuple[bool, bool] | None] = [None] * outputs.count
        self._pulses: dict[int, _Pulse] = {}
        self._touched: set[int] = set()

    @property
    def runs(self) -> Iterator[Run]:
        """What a poll has to read."""
        if self._seen_at is not None:
            count = self._outputs.count
            yield Run(self._seen_at, count if self._seen_at.table.bits else -(-count // 16))

    @property
    def next_due_s(self) -> float | None:
        """When secd has to let go of the next relay it holds for a pulse."""
        return min((pulse.ends_mono_s for pulse in self._pulses.values() if pulse.rest is not None), default=None)

    def tell(self, scan: Scan, sight: Sight) -> Iterator[Observation]:
        """What changed; everything known at an initial sight."""
        if self._seen_at is not None:
            for at in range(self._outputs.count):
                self._energised[at] = bool(scan.bit(self._seen_at, at)) is self._polarity
        now_s = sight.seen.mono_s
        for at, energised in enumerate(self._energised):
            pulse = self._pulses.get(at)
            if (
                pulse is not None
                and pulse.rest is None
                and (energised is not pulse.energised or now_s > pulse.ends_mono_s + LATE_S)
            ):
                del self._pulses[at]
                pulse = None
            if energised is None:
                continue
            told = (energised, pulse is not None and energised is pulse.energised)
            if sight.initial or at in self._touched or self._told[at] != told:
                yield sight.tell(OutputRead(output=at + 1, energised=told[0], pulsing=told[1], initial=sight.initial))
            self._told[at] = told
        self._touched.clear()

    async def pulse(self, line: Line, act: PulseOutput, now_s: float) -> str:
        """Energise or de-energise one relay for a while; the caller holds the turn."""
        if missing := self._missing(act.output):
            return missing
        at, style = act.output - 1, self._outputs.pulse
        self._touched.add(at)
        target = None if style is None else self._pulse_place(style, energise=act.energise)
        if style is None or target is None:
            return await self._hold_for(line, act, now_s)
        if isinstance(style, PulseCoil) and style.fixed is not None and abs(style.fixed - act.duration_s) > style.unit:
            return f"its pulses last {style.fixed:g} s, as the maker's tool set them, not {act.duration_s:g} s"
        units = max(1, round(act.duration_s / style.unit))
        if act.duration_s <= 0 or units > style.units_max:
            return f"the board cannot time that pulse: {act.duration_s:g} s is not up to {style.units_max * style.unit:g} s"
        if isinstance(style, PulseCoil):
            if style.width is not None:
                await _write(line, self._profile.place(style.width) + at, units)
            await _write(line, target + at, COIL_ON)
        else:
            await _write(line, target + at, units)
        self._pulses[at] = _Pulse(act.energise, now_s + units * style.unit)
        self._assume(at, act.energise)
        return await self._see(line, act.output, energised=act.energise)

    async def hold(self, line: Line, act: SetOutput) -> str:
        """Hold one relay; a pulse on it ends. The caller holds the turn."""
        if missing := self._missing(act.output):
            return missing
        self._touched.add(act.output - 1)
        await self._set(line, act.output - 1, energised=act.energised)
        self._pulses.pop(act.output - 1, None)
        return await self._see(line, act.output, energised=act.energised)

    async def let_go(self, line: Line, now_s: float) -> bool:
        """End the pulses that secd itself times and that are over; whether there were any. The caller holds the turn."""
        over = [at for at, pulse in self._pulses.items() if pulse.rest is not None and pulse.ends_mono_s <= now_s]
        for at in over:
            await self._set(line, at, energised=bool(self._pulses[at].rest))
            del self._pulses[at]
            self._touched.add(at)
        return bool(over)

    async def _hold_for(self, line: Line, act: PulseOutput, now_s: float) -> str:
        at = act.output - 1
        if act.duration_s <= 0:
            return f"a pulse lasts longer than {act.duration_s:g} s"
        running = self._pulses.get(at)
        if running is not None:
            rest = not running.energised if running.rest is None else running.rest
        elif self._seen_at is None and self._energised[at] is None:
            rest = not act.energise  # nobody knows what it does: a release ends locked
        else:
            rest = await self._read(line, at)
        self._pulses[at] = _Pulse(act.energise, now_s + act.duration_s, rest=rest)
        await self._set(line, at, energised=act.energise)
        return await self._see(line, act.output, energised=act.energise)

    async def _set(self, line: Line, at: int, *, energised: bool) -> None:
        raw = energised is self._polarity
        if self._at.table is Table.COIL:
            await _write(line, self._at + at, COIL_ON if raw else 0)
        else:
            word = self._at + at // 16
            request = read_request(word, 1)
            (value,) = read_values(request, await line.ask(request.pdu, request.length))
            mask = 1 << at % 16
            await _write(line, word, value | mask if raw else value & ~mask)
        self._assume(at, energised)

    async def _read(self, line: Line, at: int) -> bool:
        """What the relay does; where the board cannot say, what it was told last, and de-energised where nothing was."""
        if self._seen_at is None:
            return bool(self._energised[at])
        place = self._seen_at + (at if self._seen_at.table.bits else at // 16)
        request = read_request(place, 1)
        (value,) = read_values(request, await line.ask(request.pdu, request.length))
        bit = value if place.table.bits else value >> at % 16 & 1
        return bool(bit) is self._polarity

    async def _see(self, line: Line, output: int, *, energised: bool) -> str:
        if self._seen_at is None or await self._read(line, output - 1) is energised:
            return ""
        state = "de-energised" if energised else "energised"
        return f"output {output} is {state} after the board took the order"

    def _assume(self, at: int, energised: bool) -> None:
        if self._seen_at is None:
            self._energised[at] = energised

    def _missing(self, output: int) -> str:
        has = self._outputs.count
        return "" if 1 <= output <= has else f"there is no output {output}; a {self._profile.model} has {has}"

    def _pulse_place(self, style: TimeInCoil | TimeInRegister | PulseCoil, *, energise: bool) -> Place | None:
        """Where a pulse of that direction is started; None where the board cannot."""
        if isinstance(style, PulseCoil):
            return self._profile.place(style.place) if energise else None
        text = style.on if energise else style.off
        return None if text is None else self._profile.place(text)


async def _write(line: Line, place: Place, value: int) -> None:
    request = write_request(place, value)
    check_echo(request, await line.ask(request.pdu, request.length))
