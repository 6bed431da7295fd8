"""What both simulated boards have: supervised inputs with counters, cabinet flags, boots, and a status kept encoded.

In: what people and wires do to it, Modbus reads and acknowledgements, each with `now`, the board's own seconds. Out: the
words of `secd.wire`. Nothing here waits: whatever falls due (a released button, a pulse's end) is caught up with, at its
own time, before the next thing that looks. So a board that nobody asks costs nothing.
"""

import math
import random
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from secd.model.facts import InputState
from secd.wire.registers import Cabinet, Header, ResetCause, join_long, split_long
from simulators.inputs import Schedule, SupervisedInput
from simulators.modbus_server import ILLEGAL_ADDRESS, ILLEGAL_VALUE, ModbusError

_UPTIME: Final = struct.Struct(">I")


class Board(ABC):
    """The electronics common to both boards. A subclass encodes its status and adds its own registers.

    After any change call `changed()`: the status is encoded anew when next asked for.
    """

    def __init__(
        self,
        now: float,
        *,
        header: Callable[[int], Header],
        acknowledge_at: int,
        uptime_at: int,
        chance: random.Random | None = None,
    ) -> None:
        self._chance = chance or random.Random()
        self._header_of = header
        self._acknowledge_at = acknowledge_at
        self._uptime_at = 2 * uptime_at
        self.schedule = Schedule()
        self.cabinet = Cabinet()
        self.boot_id = 0
        self.inputs = tuple(SupervisedInput() for _ in range(header(1).input_count))
        self.booted = now
        self.reset_cause = ResetCause.POWER_ON
        self._due = -math.inf
        self._status: bytearray | None = None
        self._new_boot_id()

    # --- what people and wires do -----------------------------------------------------------------------------------

    def input(self, number: int) -> SupervisedInput:
        """Input `number`, from 1; ValueError when there is none."""
        if not 1 <= number <= len(self.inputs):
            raise ValueError(f"there is no input {number}; there are 1 to {len(self.inputs)}")
        return self.inputs[number - 1]

    def drive(self, number: int, now: float, *, active: bool) -> None:
        """The contact of input `number` opens or closes."""
        self.input(number).set_contact(active, now)
        self.changed()

    def set_wire(self, number: int, now: float, fault: InputState | None) -> None:
        """The wire of input `number` is cut, shorted, or (None) mended."""
        self.input(number).set_wire(fault, now)
        self.changed()

    def press(self, number: int, now: float, duration_s: float, *, delay_s: float = 0.0) -> None:
        """The contact of input `number` is active from `delay_s` on, for `duration_s`."""
        self.input(number)
        start = now + delay_s
        self.schedule.at(start, lambda at: self.drive(number, at, active=True))
        self.schedule.at(start + duration_s, lambda at: self.drive(number, at, active=False))
        self.changed()
        self.settle(now)

    def bounce(self, number: int, now: float, times: int, gap_s: float) -> None:
        """The contact of input `number` chatters `times` times, each change `gap_s` after the last, and rests as it was."""
        rest = self.input(number).active
        for at in range(times):
            start = now + 2 * at * gap_s
            self.schedule.at(start, lambda due: self.drive(number, due, active=not rest))
            self.schedule.at(start + gap_s, lambda due: self.drive(number, due, active=rest))
        self.changed()
        self.settle(now)

    def set_cabinet(self, **flags: bool) -> None:
        """Mains, battery, lock supply, enclosure: as the sensors in the cabinet say."""
        self.cabinet = replace(self.cabinet, **flags)
        self.changed()

    def boot(self, now: float, cause: ResetCause) -> None:
        """Start anew: another boot id, counters from 0, everything unsaved forgotten."""
        self.settle(now)
        self.booted = now
        self.reset_cause = cause
        self.cabinet = replace(self.cabinet, watchdog_tripped=False)
        for one in self.inputs:
            one.boot()
        self._new_boot_id()
        self.changed()

    # --- time -------------------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Something changed: encode the status again, and look again at what falls due."""
        self._status = None
        self._due = -math.inf

    def settle(self, now: float) -> None:
        """Catch up with everything due by `now`."""
        if now >= self._due:
            self.schedule.run(now)
            self._due = min(self.expire(now), self.schedule.due)

    def expire(self, now: float) -> float:
        """End what ends by `now`; returns when the next thing ends."""
        return math.inf

    # --- registers --------------------------------------------------------------------------------------------------

    def feed(self, now: float) -> None:
        """A request came: catch up first."""
        self.settle(now)

    def header(self) -> Header:
        """The identity words of this moment."""
        return replace(self._header_of(self.boot_id), cabinet=self.cabinet, reset_cause=self.reset_cause)

    def uptime_s(self, now: float) -> int:
        """Whole seconds since boot."""
        return int(now - self.booted) & 0xFFFF_FFFF

    @abstractmethod
    def encode_status(self, now: float) -> Sequence[int]:
        """The words of the status request."""

    def status(self, now: float) -> bytearray:
        """The status as it goes out; only the uptime is written anew while nothing changed."""
        if self._status is None:
            words = self.encode_status(now)
            self._status = bytearray(struct.pack(f">{len(words)}H", *words))
        else:
            _UPTIME.pack_into(self._status, self._uptime_at, self.uptime_s(now))
        return self._status

    def read_input(self, address: int, count: int, now: float) -> bytes:
        """FC04 of the status."""
        status = self.status(now)
        if 2 * (address + count) > len(status):
            raise ModbusError(ILLEGAL_ADDRESS)
        return bytes(status[2 * address : 2 * (address + count)])

    def read_coils(self, address: int, count: int, now: float) -> Sequence[bool]:
        """FC01: none."""
        raise ModbusError(ILLEGAL_ADDRESS)

    def write_coils(self, address: int, values: Sequence[bool], now: float) -> None:
        """FC05, FC15: none."""
        raise ModbusError(ILLEGAL_ADDRESS)

    def read_holding(self, address: int, count: int, now: float) -> Sequence[int]:
        """FC03 of the acknowledged counters."""
        words = [word for one in self.inputs for word in split_long(one.acknowledged)]
        at = address - self._acknowledge_at
        if at < 0 or at + count > len(words):
            raise ModbusError(ILLEGAL_ADDRESS)
        return words[at : at + count]

    def write_holding(self, address: int, values: Sequence[int], now: float) -> None:
        """FC06, FC16 of the acknowledged counters: whole counters, none above what was counted, all or nothing."""
        at = address - self._acknowledge_at
        if at < 0 or at + len(values) > 2 * len(self.inputs):
            raise ModbusError(ILLEGAL_ADDRESS)
        if at % 2 or len(values) % 2:
            raise ModbusError(ILLEGAL_VALUE)
        counters = {at // 2 + i // 2: join_long(values, i) for i in range(0, len(values), 2)}
        if any(counter > self.inputs[index].activations for index, counter in counters.items()):
            raise ModbusError(ILLEGAL_VALUE)
        for index, counter in counters.items():
            self.inputs[index].acknowledge(counter)
        self.changed()

    def describe(self, now: float) -> dict[str, Any]:
        """What both boards show at the control interface."""
        self.settle(now)
        return {
            "boot_id": self.boot_id,
            "uptime_s": self.uptime_s(now),
            "reset_cause": self.reset_cause.name.lower(),
            "cabinet": self.cabinet,
            "inputs": {
                number: {"state": one.state, "activations": one.activations, "pending": one.pending}
                for number, one in enumerate(self.inputs, 1)
            },
        }

    def _new_boot_id(self) -> None:
        before = self.boot_id
        while self.boot_id in {0, before}:
            self.boot_id = self._chance.getrandbits(32)
