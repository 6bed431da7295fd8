"""Reads one Modbus board and drives its relays; what the words mean is in translate, what an act writes in orders.

In: `run` (owned by the device's link) and orders. Out: observations. It reads everything before it writes anything, and
writes only what differs: starting, reloading and stopping move no relay. One request reads the whole board; a second one
the cards, when there are new ones. Polling feeds the board's relay watchdog.

Card reads are acknowledged to the board when their cursor is committed. Presses have no cursor: they are acknowledged
`ACKNOWLEDGE_PRESSES_S` after they were reported, so a crash before that tells them again, which is the safe side (S11).
Refuses to retry, to decide, and to call a single missed poll an outage.
"""

from collections.abc import Sequence
from typing import NoReturn
from zlib import crc32

from secd.drivers.modbus_io.connection import Connection, Declined, NoAnswer
from secd.drivers.modbus_io.orders import carry_out
from secd.drivers.modbus_io.profiles import PROFILES, Snapshot
from secd.drivers.modbus_io.settings import ModbusIoSettings, parse_address
from secd.drivers.modbus_io.translate import Sight, translate, translate_reads, translate_restart
from secd.drivers.protocol import Report, Resume
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.facts import LinkChanged
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor, Observation
from secd.model.order import DeviceOrder, Outcome, PulseOutput, SetOutput
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached
from secd.wire import door_controller as door
from secd.wire.registers import ForeignBoard, MapViolation, split_long

MISSES_MAX = 3
"""So many polls in a row without an answer are an outage; fewer are not."""
ACKNOWLEDGE_PRESSES_S = 10.0
RETELL_READS_S = 10.0
"""Reads that nobody committed for so long are told again: intake drops what it knows, and takes what it had to refuse."""
_BUSY = {5, 6}
_NOT_THIS_MAP = {1, 2, 3}


class ModbusIoDriver:
    """One board. What it knows of the board outlives a connection, so that nothing is told twice after an outage."""

    def __init__(self, device: DeviceId, settings: ModbusIoSettings, clock: Clock) -> None:
        self._device = device
        self._settings = settings
        self._clock = clock
        self._profile = PROFILES[settings.profile]
        self._watchdog_tenths = round(settings.watchdog * 10)
        self._connection: Connection | None = None
        self._known: Snapshot | None = None
        self._steady: Sequence[int] = ()
        self._reported: DeviceCursor | None = None
        self._acknowledged = 0
        self._retell_s = 0.0
        self._untidy = False
        self._pending = False
        self._touched: set[int] = set()
        self._presses: tuple[float, list[int]] | None = None

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        """Read everything, then poll until cancelled or lost. Raises LinkLost, Refused or PeerViolation."""
        host, port = parse_address(self._settings.address)
        connection = Connection(host, port, unit=self._settings.unit, timeout_s=self._settings.timeout)
        try:
            await connection.open()
            await self._read_first(connection, report, resume)
            self._connection = connection
            report(Observation(device=self._device, fact=LinkChanged(up=True), seen=self._clock.now()))
            await self._keep_polling(connection, report, resume)
        except PeerViolation:
            self._known = None  # it may have told us nonsense before; begin with what it says next
            raise
        finally:
            self._connection = None
            connection.close()

    async def perform(self, order: DeviceOrder) -> Outcome:
        """Carry out one order between two polls, or refuse it as late. Raises LinkLost when there is no link."""
        connection = self._connection
        if connection is None or not connection.is_up:
            raise LinkLost(f"{self._device} is not connected")
        async with connection.turn:
            if self._clock.now().mono_s > order.expires_mono_s:
                return Outcome(order=order.id, done=False, detail="late: its deadline had passed")
            if isinstance(order.act, PulseOutput | SetOutput):
                self._touched.add(order.act.output)
            detail = await carry_out(connection, self._profile, order.act)
        return Outcome(order=order.id, done=not detail, detail=detail)

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _read_first(self, connection: Connection, report: Report, resume: Resume) -> None:
        try:
            words = await self._read_status(connection)
            self._take_status(words, report, resume, initial=True)
            await self._take_reads(connection, report, initial=True)
            self._retell_s = self._clock.now().mono_s + RETELL_READS_S
        except NoAnswer as silence:
            raise LinkLost(str(silence)) from silence
        except Declined as answer:
            if answer.code in _NOT_THIS_MAP:
                raise Refused(
                    f"this is not a {self._profile.name}: it answers {answer} where the status is"
                ) from answer
            raise LinkLost(f"it answers {answer}") from answer

    async def _keep_polling(self, connection: Connection, report: Report, resume: Resume) -> NoReturn:
        misses = 0
        due_s = self._clock.now().mono_s + self._settings.poll * (crc32(self._device.encode()) % 1000 / 1000)
        while True:
            await self._clock.wait_until(due_s)
            try:
                await self._poll(connection, report, resume, due_s)
                misses = 0
            except (NoAnswer, Declined) as miss:
                misses += 1
                if misses == MISSES_MAX:
                    raise LinkLost(f"{misses} polls in a row failed: {miss}") from miss
            due_s = max(due_s + self._settings.poll, self._clock.now().mono_s)

    async def _poll(self, connection: Connection, report: Report, resume: Resume, now_s: float) -> None:
        words = await self._read_status(connection)
        initial = False
        if self._touched or words[: self._profile.steady_words] != self._steady:
            initial = self._take_status(words, report, resume, initial=False)
        if await self._take_reads(connection, report, initial=initial):
            self._retell_s = now_s + RETELL_READS_S
        await self._keep_up(connection, resume, now_s)

    async def _read_status(self, connection: Connection) -> Sequence[int]:
        async with connection.turn:
            return await connection.read_input(0, self._profile.status_words)

    def _take_status(self, words: Sequence[int], report: Report, resume: Resume, *, initial: bool) -> bool:
        """Report what the status says that was not reported; returns whether it was the first of its kind."""
        now, before = self._decode(words), self._known
        restarted = self._known_boot(resume() if initial else None) not in {None, now.header.boot_id}
        sight = Sight(device=self._device, seen=self._clock.now(), initial=initial or restarted)
        if restarted:
            report(translate_restart(now, sight))
        if sight.initial:
            self._reported = DeviceCursor(boot_id=now.header.boot_id, sequence=self._read_up_to(now, resume()))
            self._presses = None
        touched, self._touched = self._touched, set()
        told = translate(before, now, sight, touched)
        reached("read")
        for observation in told:
            report(observation)
        self._known, self._steady, self._acknowledged = now, words[: self._profile.steady_words], now.acknowledged
        self._untidy = bool(now.relays) and self._differs(now)
        self._pending = any(one.pending for one in now.inputs)
        return sight.initial

    def _decode(self, words: Sequence[int]) -> Snapshot:
        try:
            return self._profile.decode(words)
        except ForeignBoard as foreign:
            raise Refused(str(foreign)) from foreign
        except MapViolation as violation:
            raise PeerViolation(str(violation)) from violation

    def _known_boot(self, cursor: DeviceCursor | None) -> int | None:
        if self._known is not None:
            return self._known.header.boot_id
        return None if cursor is None else cursor.boot_id

    def _read_up_to(self, now: Snapshot, cursor: DeviceCursor | None) -> int:
        """The newest card read that need not be told: committed, told in this process, or acknowledged before our time."""
        known = [
            one.sequence
            for one in (cursor, self._reported)
            if one is not None and one.boot_id == now.header.boot_id and one.sequence <= now.newest
        ]
        return max(known, default=now.acknowledged)

    async def _take_reads(self, connection: Connection, report: Report, *, initial: bool) -> bool:
        """Report the card reads that were not; returns whether there were any."""
        now, reported = self._known, self._reported
        if now is None or reported is None or now.newest <= reported.sequence:
            return False
        oldest = max(reported.sequence, now.acknowledged, now.newest - door.FIFO_DEPTH) + 1
        entries: list[door.CardEntry] = []
        async with connection.turn:
            for slot, count in _runs(oldest, now.newest):
                words = await connection.read_input(door.FIFO + slot * door.ENTRY_WORDS, count * door.ENTRY_WORDS)
                entries.extend(_decode_entries(words))
        entries.sort(key=lambda entry: entry.sequence)
        sight = Sight(device=self._device, seen=self._clock.now(), initial=initial)
        reached("read")
        for observation in translate_reads(entries, now, sight, reported.sequence):
            report(observation)
        self._reported = DeviceCursor(boot_id=reported.boot_id, sequence=now.newest)
        return True

    # --- writing what differs -----------------------------------------------------------------------------------------

    async def _keep_up(self, connection: Connection, resume: Resume, now_s: float) -> None:
        """Acknowledge what may be, and put the board's own settings right; mostly there is nothing to do."""
        now, reported = self._known, self._reported
        if now is None or reported is None:
            return
        try:
            if self._acknowledged < reported.sequence:
                await self._acknowledge_reads(connection, reported, resume())
                if self._acknowledged < reported.sequence and now_s >= self._retell_s:
                    oldest = max(self._acknowledged, now.newest - door.FIFO_DEPTH)
                    self._reported = DeviceCursor(boot_id=reported.boot_id, sequence=oldest)
            if self._untidy:
                await self._set_watchdog(connection, now)
            await self._acknowledge_presses(connection, now, now_s)
        except Declined as answer:
            if answer.code in _BUSY:
                raise
            raise PeerViolation(f"it declined what its map promises: {answer}") from answer

    async def _acknowledge_reads(
        self, connection: Connection, reported: DeviceCursor, committed: DeviceCursor | None
    ) -> None:
        if committed is None or committed.boot_id != reported.boot_id:
            return
        sequence = min(committed.sequence, reported.sequence)
        if sequence > self._acknowledged:
            async with connection.turn:
                await connection.write_registers(door.ACKNOWLEDGE_READS, split_long(sequence))
            self._acknowledged = sequence
            reached("acknowledged")

    def _differs(self, now: Snapshot) -> bool:
        safe = tuple(relay.safe_energised for relay in now.relays)
        wanted = (self._watchdog_tenths, self._settings.safe_energised, False)
        return (now.watchdog_tenths, safe, now.header.cabinet.watchdog_tripped) != wanted

    async def _set_watchdog(self, connection: Connection, now: Snapshot) -> None:
        """Watchdog time and safe states as configured (S4), and its flag cleared once it was told."""
        safe = self._settings.safe_energised
        async with connection.turn:
            if tuple(relay.safe_energised for relay in now.relays) != safe:
                await connection.write_register(door.SAFE_STATES, door.encode_safe_states(safe))
            if now.watchdog_tenths != self._watchdog_tenths:
                await connection.write_register(door.WATCHDOG_TENTHS, self._watchdog_tenths)
            if now.header.cabinet.watchdog_tripped:
                await connection.write_register(door.CLEAR_WATCHDOG_TRIPPED, 1)
        self._untidy = False

    async def _acknowledge_presses(self, connection: Connection, now: Snapshot, now_s: float) -> None:
        if self._presses is None:
            if self._pending:
                counters = [word for one in now.inputs for word in split_long(one.activations)]
                self._presses = (now_s + ACKNOWLEDGE_PRESSES_S, counters)
        elif now_s >= self._presses[0]:
            async with connection.turn:
                await connection.write_registers(self._profile.acknowledge_activations, self._presses[1])
            self._presses = None
            reached("acknowledged")


def _runs(oldest: int, newest: int) -> list[tuple[int, int]]:
    """The FIFO slots of these sequences as (first slot, how many): whole entries, no request too long, none past the end."""
    runs: list[tuple[int, int]] = []
    sequence = oldest
    while sequence <= newest:
        slot = door.slot_of(sequence)
        count = min(newest - sequence + 1, door.FIFO_DEPTH - slot, door.ENTRIES_PER_READ_MAX)
        runs.append((slot, count))
        sequence += count
    return runs


def _decode_entries(words: Sequence[int]) -> tuple[door.CardEntry, ...]:
    try:
        return door.decode_fifo(words)
    except MapViolation as violation:
        raise PeerViolation(str(violation)) from violation
