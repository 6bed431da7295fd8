"""The door controller's electronics: relays with hardware pulses and a watchdog, readers with a FIFO, LEDs and buzzers.

In: Modbus requests and cards, with `now`. Out: the registers of docs/register-map.md, and what the relay contacts do.
The watchdog is armed by the first request after a start: until then the relays are at their safe state anyway.
"""

import math
import random
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from secd.model.secret import CardBits
from secd.wire import door_controller as wire
from secd.wire.registers import MapViolation, ResetCause, split_long
from simulators.board import Board
from simulators.door_controller.parts import DARK, CardFifo, ReaderSignal, RelayOutput, tenths_left
from simulators.modbus_server import ILLEGAL_ADDRESS, ILLEGAL_VALUE, ModbusError

_ACKNOWLEDGE_HIGH: Final = wire.ACKNOWLEDGE_READS
_ACKNOWLEDGE_LOW: Final = wire.ACKNOWLEDGE_READS + 1
_PULSES: Final = range(wire.PULSE_ENERGISE, wire.PULSE_DEENERGISE + wire.RELAYS)
_SIGNALS: Final = range(wire.SIGNAL, wire.SIGNAL + wire.READERS)
_BLOCKS: Final = (range(wire.WATCHDOG_TENTHS, wire.CLEAR_WATCHDOG_TRIPPED + 1), _PULSES, _SIGNALS)


class DoorBoard(Board):
    """4 readers, 8 inputs, 4 relays. Safe states and the watchdog's time outlive a boot: they are kept without power."""

    def __init__(self, now: float, *, chance: random.Random | None = None) -> None:
        super().__init__(
            now,
            header=wire.door_header,
            acknowledge_at=wire.ACKNOWLEDGE_ACTIVATIONS,
            uptime_at=wire.STEADY_WORDS,
            chance=chance,
        )
        self.relays = tuple(RelayOutput() for _ in range(wire.RELAYS))
        self.signals = tuple(ReaderSignal() for _ in range(wire.READERS))
        self.fifo = CardFifo()
        self._watchdog_tenths = wire.WATCHDOG_TENTHS_DEFAULT
        self._watchdog_due = math.inf

    # --- what people do ---------------------------------------------------------------------------------------------

    def relay(self, number: int) -> RelayOutput:
        """Relay `number`, from 1; ValueError when there is none."""
        if not 1 <= number <= wire.RELAYS:
            raise ValueError(f"there is no relay {number}; there are 1 to {wire.RELAYS}")
        return self.relays[number - 1]

    def read_card(self, reader: int, bits: CardBits, now: float) -> int:
        """A card at `reader`; returns its sequence."""
        sequence = self.fifo.read(reader, bits, now)
        self.changed()
        return sequence

    def boot(self, now: float, cause: ResetCause) -> None:
        """Start anew: reads and signals are lost, relays take their safe state."""
        super().boot(now, cause)
        self.fifo = CardFifo()
        self._watchdog_due = math.inf
        for signal in self.signals:
            signal.show(DARK, 0, now)
        for relay in self.relays:
            relay.hold(energised=relay.safe)

    # --- time -------------------------------------------------------------------------------------------------------

    def feed(self, now: float) -> None:
        """A request came: it holds off the watchdog, unless it is too late."""
        self.settle(now)
        self._watchdog_due = now + self._watchdog_tenths / 10 if self._watchdog_tenths else math.inf

    def settle(self, now: float) -> None:
        """Catch up with everything due by `now`, the watchdog too."""
        if now >= self._watchdog_due:
            self._watchdog_due = math.inf
            for relay in self.relays:
                relay.hold(energised=relay.safe)
            self.set_cabinet(watchdog_tripped=True)
        super().settle(now)

    def expire(self, now: float) -> float:
        """End pulses and signals."""
        if any([*(relay.expire(now) for relay in self.relays), *(signal.expire(now) for signal in self.signals)]):
            self.changed()
        return min(*(relay.pulse_ends for relay in self.relays), *(signal.ends for signal in self.signals))

    # --- registers --------------------------------------------------------------------------------------------------

    def encode_status(self, now: float) -> Sequence[int]:
        """The words of the status request."""
        relays = (
            wire.Relay(energised=one.coil, pulsing=one.pulse is not None, safe_energised=one.safe)
            for one in self.relays
        )
        return wire.encode_status(
            wire.DoorStatus(
                header=self.header(),
                fifo_count=len(self.fifo),
                newest=self.fifo.newest,
                acknowledged=self.fifo.acknowledged,
                overflows=self.fifo.overflows,
                inputs=tuple(one.words() for one in self.inputs),
                relays=tuple(relays),
                signals=tuple(one.shown for one in self.signals),
                watchdog_tenths=self._watchdog_tenths,
                uptime_s=self.uptime_s(now),
            )
        )

    def read_input(self, address: int, count: int, now: float) -> bytes:
        """FC04: the status, or the FIFO with the ages of this moment."""
        if address < wire.FIFO:
            return super().read_input(address, count, now)
        at = address - wire.FIFO
        if at + count > wire.FIFO_WORDS:
            raise ModbusError(ILLEGAL_ADDRESS)
        return struct.pack(f">{count}H", *wire.encode_fifo(self.fifo.entries(now))[at : at + count])

    def read_coils(self, address: int, count: int, now: float) -> Sequence[bool]:
        """FC01: the held states."""
        if address + count > wire.RELAYS:
            raise ModbusError(ILLEGAL_ADDRESS)
        return [relay.held for relay in self.relays[address : address + count]]

    def write_coils(self, address: int, values: Sequence[bool], now: float) -> None:
        """FC05, FC15: hold relays; a pulse on them ends."""
        if address + len(values) > wire.RELAYS:
            raise ModbusError(ILLEGAL_ADDRESS)
        for at, energised in enumerate(values, address):
            self.relays[at].hold(energised=energised)
        self.changed()

    def read_holding(self, address: int, count: int, now: float) -> Sequence[int]:
        """FC03: settings, what is left of pulses and signals, and what was acknowledged."""
        if not _within_one_block(address, count):
            return super().read_holding(address, count, now)
        return [self._holding(at, now) for at in range(address, address + count)]

    def write_holding(self, address: int, values: Sequence[int], now: float) -> None:
        """FC06, FC16: every value is checked before the first takes effect."""
        if not _within_one_block(address, len(values)):
            super().write_holding(address, values, now)
            return
        written = dict(enumerate(values, address))
        if not all(self._allows(at, written) for at in written):
            raise ModbusError(ILLEGAL_VALUE)
        for at in written:
            self._write(at, written, now)
        self.changed()

    def describe(self, now: float) -> dict[str, Any]:
        """What the control interface shows of the board."""
        return super().describe(now) | {
            "fifo": {"waiting": len(self.fifo), "newest": self.fifo.newest, "overflows": self.fifo.overflows},
            "relays": {
                number: {"energised": one.coil, "held": one.held, "pulsing": one.pulse is not None, "stuck": one.stuck}
                for number, one in enumerate(self.relays, 1)
            },
            "signals": {number: one.shown for number, one in enumerate(self.signals, 1)},
            "watchdog_s": self._watchdog_tenths / 10,
        }

    def _holding(self, at: int, now: float) -> int:
        if at in _PULSES:
            relay, energise = self._pulsed(at)
            return relay.pulse_tenths_left(now, energise=energise)
        if at in _SIGNALS:
            signal = self.signals[at - wire.SIGNAL]
            lit = signal.shown != DARK
            return wire.encode_signal_command(signal.shown, tenths_left(signal.ends, now)) if lit else 0
        high, low = split_long(self.fifo.acknowledged)
        return {
            wire.WATCHDOG_TENTHS: self._watchdog_tenths,
            wire.SAFE_STATES: wire.encode_safe_states(relay.safe for relay in self.relays),
            _ACKNOWLEDGE_HIGH: high,
            _ACKNOWLEDGE_LOW: low,
            wire.CLEAR_WATCHDOG_TRIPPED: 0,
        }[at]

    def _allows(self, at: int, written: Mapping[int, int]) -> bool:
        value = written[at]
        if at in _PULSES:
            return value <= wire.PULSE_TENTHS_MAX
        if at in _SIGNALS:
            return _is_signal_command(value)
        if at in {_ACKNOWLEDGE_HIGH, _ACKNOWLEDGE_LOW}:
            whole = _ACKNOWLEDGE_HIGH in written and _ACKNOWLEDGE_LOW in written
            return whole and _sequence(written) <= self.fifo.newest
        if at == wire.WATCHDOG_TENTHS:
            return value == 0 or wire.WATCHDOG_TENTHS_MIN <= value <= wire.WATCHDOG_TENTHS_MAX
        return value < 1 << wire.RELAYS if at == wire.SAFE_STATES else value <= 1

    def _write(self, at: int, written: Mapping[int, int], now: float) -> None:
        value = written[at]
        if at in _PULSES:
            relay, energise = self._pulsed(at)
            relay.start_pulse(value, now, energise=energise)
        elif at in _SIGNALS:
            self.signals[at - wire.SIGNAL].show(*wire.decode_signal_command(value), now)
        elif at == _ACKNOWLEDGE_HIGH:
            self.fifo.acknowledge(_sequence(written))
        elif at == wire.WATCHDOG_TENTHS:
            self._watchdog_tenths = value
            self._watchdog_due = now + value / 10 if value else math.inf
        elif at == wire.SAFE_STATES:
            for relay, safe in zip(self.relays, wire.decode_safe_states(value), strict=True):
                relay.safe = safe
        elif at == wire.CLEAR_WATCHDOG_TRIPPED and value:
            self.set_cabinet(watchdog_tripped=False)

    def _pulsed(self, at: int) -> tuple[RelayOutput, bool]:
        energise = at < wire.PULSE_DEENERGISE
        return self.relays[at - (wire.PULSE_ENERGISE if energise else wire.PULSE_DEENERGISE)], energise


def _within_one_block(address: int, count: int) -> bool:
    return any(address in block and address + count - 1 in block for block in _BLOCKS)


def _sequence(written: Mapping[int, int]) -> int:
    return written[_ACKNOWLEDGE_HIGH] << 16 | written[_ACKNOWLEDGE_LOW]


def _is_signal_command(value: int) -> bool:
    try:
        wire.decode_signal_command(value)
    except MapViolation:
        return False
    return True
