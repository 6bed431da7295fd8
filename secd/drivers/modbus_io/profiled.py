"""Reads and drives a board that is described by a profile: any maker's, over TCP or a serial line.

In: `run` (owned by the device's link) and orders. Out: observations, the same as of our own boards. It reads everything
before it writes anything, and writes only what differs; starting, stopping and losing the link move no relay, except
that a relay which secd itself holds for a pulse is let go. Refuses (Refused) a board whose identity is another's or
that declines what its profile reads.
"""

import asyncio
from collections.abc import Iterable
from typing import NoReturn, assert_never
from zlib import crc32

from secd.config.modbus.format import Profile
from secd.config.modbus.places import Place
from secd.drivers.modbus_io.card_register import CardRegister
from secd.drivers.modbus_io.connection import Connection, Declined, NoAnswer
from secd.drivers.modbus_io.contacts import Contacts
from secd.drivers.modbus_io.line import Line, TcpPlace, parse_line
from secd.drivers.modbus_io.relays import Relays
from secd.drivers.modbus_io.requests import COIL_ON, check_echo, write_request
from secd.drivers.modbus_io.scan import Run, Scan, plan, read
from secd.drivers.modbus_io.serial_line import SerialUnit
from secd.drivers.modbus_io.settings import ModbusIoSettings
from secd.drivers.modbus_io.signals import ReaderSignals
from secd.drivers.modbus_io.translate import Sight
from secd.drivers.modbus_io.upkeep import Upkeep
from secd.drivers.protocol import Report, Resume
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.facts import DeviceTold, LinkChanged
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.order import DeviceAct, DeviceOrder, FetchPicture, Outcome, PulseOutput, SetOutput, SetSignal
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached

MISSES_MAX = 3
"""So many polls in a row without an answer are an outage; fewer are not."""
SETTINGS_EVERY_S = 10.0
"""How often the board's own settings are looked at: some boards forget them without saying that they started anew."""
_NOT_THIS_MAP = {1, 2, 3}


class ProfiledDriver:
    """One board. What it knows of the board outlives a connection, so that nothing is told twice after an outage."""

    def __init__(self, device: DeviceId, settings: ModbusIoSettings, profile: Profile, clock: Clock) -> None:
        self._device = device
        self._settings = settings
        self._profile = profile
        self._clock = clock
        self._contacts = None if profile.inputs is None else Contacts(profile, profile.inputs)
        self._relays = None if profile.outputs is None else Relays(profile, profile.outputs)
        self._cards = None if profile.cards is None else CardRegister(profile, profile.cards)
        self._signals = None if profile.signals is None else ReaderSignals(profile, profile.signals)
        self._upkeep = Upkeep(profile, watchdog_s=settings.watchdog, safe=settings.safe_energised)
        rooms = [one for one in (self._contacts, self._relays, self._cards, self._upkeep) if one is not None]
        self._poll_blocks = plan((run for room in rooms for run in room.runs), profile.limits)
        self._seldom_blocks = plan(self._upkeep.seldom, profile.limits)
        self._line: Line | None = None
        self._settings_due_s = 0.0
        self._good_s: float | None = None

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        """Read everything, then poll until cancelled or lost. Raises LinkLost, Refused or PeerViolation."""
        line = self._new_line()
        try:
            await line.open()
            await self._read_first(line, report, resume)
            self._line = line
            report(Observation(device=self._device, fact=LinkChanged(up=True), seen=self._clock.now()))
            await self._keep_polling(line, report, resume)
        except asyncio.CancelledError:
            await self._let_go_at_the_end(line)
            raise
        finally:
            self._line = None
            line.close()

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Carry out one order between two polls, or refuse it as late. Raises LinkLost when there is no link."""
        line = self._line
        if line is None or not line.is_up:
            raise LinkLost(f"{self._device} is not connected")
        async with line.turn:
            if self._clock.now().mono_s > order.expires_mono_s:
                return Outcome(order=order.id, done=False, detail="late: its deadline had passed")
            detail = await self._carry_out(line, order.act)
        return Outcome(order=order.id, done=not detail, detail=detail)

    async def _carry_out(self, line: Line, act: DeviceAct) -> str:
        try:
            match act:
                case PulseOutput() if self._relays is not None:
                    return await self._relays.pulse(line, act, self._clock.now().mono_s)
                case SetOutput() if self._relays is not None:
                    return await self._relays.hold(line, act)
                case SetSignal(reader=1) if self._signals is not None:
                    return await self._signals.show(line, granted=act.granted, now_s=self._clock.now().mono_s)
                case PulseOutput() | SetOutput():
                    return f"there is no output {act.output}; a {self._profile.model} has 0"
                case SetSignal():
                    return f"a {self._profile.model} has no reader {act.reader} that shows anything"
                case FetchPicture():
                    return "a Modbus board takes no pictures"
                case _:
                    assert_never(act)
        except NoAnswer as silence:
            return f"{silence}; it may have been carried out"
        except Declined as answer:
            return f"the board declined: {answer}"

    def _new_line(self) -> Line:
        place, timeout_s = parse_line(self._settings.address), max(self._settings.timeout, self._profile.limits.answer)
        if isinstance(place, TcpPlace):
            return Connection(place.host, place.port, unit=self._settings.unit, timeout_s=timeout_s)
        return SerialUnit(place, unit=self._settings.unit, timeout_s=timeout_s)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read_first(self, line: Line, report: Report, resume: Resume) -> None:
        try:
            async with line.turn:
                await self._identify(line)
                await self._poll(line, report, resume, initial=True)
        except NoAnswer as silence:
            raise LinkLost(str(silence)) from silence
        except Declined as answer:
            if answer.code in _NOT_THIS_MAP:
                raise Refused(f"this is not a {self._called}: it answers {answer} to what that has") from answer
            raise LinkLost(f"it answers {answer}") from answer
        self._settings_due_s = 0.0

    async def _identify(self, line: Line) -> None:
        identity = self._profile.identity
        if identity is None:
            return
        place = self._profile.place(identity.place)
        scan = await read(line, plan([Run(place, len(identity.is_))], self._profile.limits))
        found = [scan[place + at] for at in range(len(identity.is_))]
        if found != identity.is_:
            words = " ".join(f"{word:#06x}" for word in found)
            raise Refused(f"this is not a {self._called}: it says {words} where that says who it is")

    async def _keep_polling(self, line: Line, report: Report, resume: Resume) -> NoReturn:
        misses = 0
        poll_s = max(self._settings.poll, self._profile.limits.poll_min)
        due_s = self._clock.now().mono_s + poll_s * (crc32(self._device.encode()) % 1000 / 1000)
        while True:
            await self._wait(due_s)
            try:
                await self._round(line, report, resume)
                misses = 0
            except (NoAnswer, Declined) as miss:
                misses += 1
                if misses == MISSES_MAX:
                    raise LinkLost(f"{misses} polls in a row failed: {miss}") from miss
            due_s = max(due_s + poll_s, self._clock.now().mono_s)

    async def _wait(self, due_s: float) -> None:
        """Until the next poll, or until a relay has to be let go."""
        ends_s = None if self._relays is None else self._relays.next_due_s
        await self._clock.wait_until(due_s if ends_s is None else min(due_s, ends_s))

    async def _round(self, line: Line, report: Report, resume: Resume) -> None:
        """One poll, and what has to be written after it."""
        async with line.turn:
            if self._relays is not None:
                await self._relays.let_go(line, self._clock.now().mono_s)
            scan = await self._poll(line, report, resume, initial=False)
        async with line.turn:
            await self._write_what_is_due(line, scan, report, resume)

    async def _poll(self, line: Line, report: Report, resume: Resume, *, initial: bool) -> Scan:
        """Read the board and report what was not; the caller holds the turn."""
        scan = await read(line, self._poll_blocks)
        seen = self._clock.now()
        restarted = self._upkeep.restarted(scan) or (self._contacts is not None and self._contacts.fell(scan))
        sight = Sight(device=self._device, seen=seen, initial=initial or restarted)
        if restarted:
            self._settings_due_s = 0.0
            report(sight.tell(DeviceTold(what="restarted", detail="it started anew")))
            if self._contacts is not None:
                self._contacts.forget()
        told = [*self._upkeep.tell(scan, sight)]
        told += [] if self._contacts is None else self._contacts.tell(scan, sight)
        told += [] if self._relays is None else self._relays.tell(scan, sight)
        if self._cards is not None:
            age_s = 0.0 if self._good_s is None else seen.mono_s - self._good_s
            told += await self._cards.tell(line, scan, sight, resume(), age_s)
        reached("read")
        for observation in told:
            report(observation)
        self._good_s = seen.mono_s
        return scan

    # --- writing what is due ------------------------------------------------------------------------------------------

    async def _write_what_is_due(self, line: Line, scan: Scan, report: Report, resume: Resume) -> None:
        now_s = self._clock.now().mono_s
        said = await self._upkeep.clear_flags(line, scan)
        if now_s >= self._settings_due_s:
            said += await self._upkeep.set_right(line, await read(line, self._seldom_blocks))
            self._settings_due_s = now_s + SETTINGS_EVERY_S
        said += await self._upkeep.feed(line, now_s)
        for detail in said:
            fact = DeviceTold(what="limited", detail=detail)
            report(Observation(device=self._device, fact=fact, seen=self._clock.now()))
        if self._signals is not None:
            await self._signals.darken(line, now_s)
        if self._cards is not None and self._cards.flag is not None and self._cards.to_clear(resume()):
            await self._write(line, [(self._cards.flag, 0)])
            self._cards.cleared()
            reached("acknowledged")
        await self._clear_latches(line, now_s)

    async def _clear_latches(self, line: Line, now_s: float) -> None:
        inputs = self._profile.inputs
        latched = None if self._contacts is None else self._contacts.to_clear(now_s)
        if (
            latched is None
            or self._contacts is None
            or inputs is None
            or inputs.latch is None
            or inputs.latch.clear is None
        ):
            return
        clear = inputs.latch.clear
        first, value = self._profile.place(clear.place), COIL_ON if clear.write == "1" else 0
        await self._write(line, [(first + at, value) for at in sorted(latched)] if clear.each else [(first, value)])
        self._contacts.cleared()
        reached("acknowledged")

    async def _write(self, line: Line, values: Iterable[tuple[Place, int]]) -> None:
        for place, value in values:
            request = write_request(place, value)
            check_echo(request, await line.ask(request.pdu, request.length))

    async def _let_go_at_the_end(self, line: Line) -> None:
        """A relay that secd holds for a pulse would stay held: nobody else knows when it ends."""
        if self._relays is None or self._relays.next_due_s is None or not line.is_up:
            return
        try:
            async with asyncio.timeout(self._settings.timeout), line.turn:
                await self._relays.let_go(line, float("inf"))
        except (TimeoutError, NoAnswer, Declined, LinkLost, PeerViolation):
            return

    @property
    def _called(self) -> str:
        return f"{self._profile.make} {self._profile.model}"
