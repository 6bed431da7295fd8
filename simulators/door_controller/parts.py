"""Parts on the door controller's board: a relay that can pulse, a reader's LED and buzzer, the card FIFO. Pure."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from secd.model.secret import CardBits
from secd.wire.door_controller import BIT_COUNT_MAX, FIFO_DEPTH, READERS, CardEntry, Signal
from secd.wire.registers import LONG_MAX

DARK = Signal()


@dataclass(slots=True, kw_only=True)
class RelayOutput:
    """One relay. `held` is what it falls back to when a pulse ends; `stuck` welds its contact (True: closed).

    `switches` counts how often the coil changed, `pulses` how many it was told to give.
    """

    held: bool = False
    safe: bool = False
    pulse: bool | None = None
    pulse_ends: float = math.inf
    stuck: bool | None = None
    switches: int = 0
    pulses: int = 0

    @property
    def coil(self) -> bool:
        """What the board drives, and believes."""
        return self.held if self.pulse is None else self.pulse

    @property
    def contact(self) -> bool:
        """What the lock sees."""
        return self.coil if self.stuck is None else self.stuck

    def hold(self, *, energised: bool) -> None:
        """Set the held state; a running pulse ends."""
        self.switches += self.coil is not energised
        self.held = energised
        self.pulse, self.pulse_ends = None, math.inf

    def start_pulse(self, tenths: int, now: float, *, energise: bool) -> None:
        """Pulse over the held state; 0 tenths ends a running pulse of that direction."""
        if tenths:
            self.switches += self.coil is not energise
            self.pulses += 1
            self.pulse, self.pulse_ends = energise, now + tenths / 10
        elif self.pulse is energise:
            self.hold(energised=self.held)

    def pulse_tenths_left(self, now: float, *, energise: bool) -> int:
        """What is left of a pulse of that direction."""
        return tenths_left(self.pulse_ends, now) if self.pulse is energise else 0

    def expire(self, now: float) -> bool:
        """Let go of a pulse that is over; whether one was."""
        over = now >= self.pulse_ends
        if over:
            self.hold(energised=self.held)
        return over


@dataclass(slots=True, kw_only=True)
class ReaderSignal:
    """LED and buzzer of one reader, for a while."""

    shown: Signal = DARK
    ends: float = math.inf

    def show(self, signal: Signal, tenths: int, now: float) -> None:
        """Show `signal`; 0 tenths or nothing to show ends it."""
        lit = tenths > 0 and signal != DARK
        self.shown, self.ends = (signal, now + tenths / 10) if lit else (DARK, math.inf)

    def expire(self, now: float) -> bool:
        """Go dark when it is over; whether it was."""
        over = now >= self.ends
        if over:
            self.shown, self.ends = DARK, math.inf
        return over


@dataclass(slots=True, kw_only=True)
class _Read:
    sequence: int
    reader: int
    bits: CardBits
    at: float


@dataclass(slots=True, kw_only=True)
class CardFifo:
    """The last eight reads nobody acknowledged. The ninth overwrites the first, and is counted."""

    newest: int = 0
    acknowledged: int = 0
    overflows: int = 0
    _reads: deque[_Read] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._reads)

    def read(self, reader: int, bits: CardBits, now: float) -> int:
        """A card at `reader`; returns its sequence."""
        if not 1 <= reader <= READERS:
            raise ValueError(f"there is no reader {reader}; there are 1 to {READERS}")
        if not (0 <= bits.bit_count <= BIT_COUNT_MAX and 0 <= bits.value < 1 << bits.bit_count):
            raise ValueError(f"a card has at most {BIT_COUNT_MAX} bits and its value fits them")
        if len(self._reads) == FIFO_DEPTH:
            self._reads.popleft()
            self.overflows += 1
        self.newest += 1
        self._reads.append(_Read(sequence=self.newest, reader=reader, bits=bits, at=now))
        return self.newest

    def acknowledge(self, sequence: int) -> None:
        """Free the reads up to `sequence`; lower than before changes nothing."""
        self.acknowledged = max(self.acknowledged, sequence)
        while self._reads and self._reads[0].sequence <= self.acknowledged:
            self._reads.popleft()

    def entries(self, now: float) -> Iterator[CardEntry]:
        """The reads with their ages at this moment."""
        for one in self._reads:
            age_ms = min(int((now - one.at) * 1000), LONG_MAX)
            yield CardEntry(sequence=one.sequence, reader=one.reader, bits=one.bits, age_ms=age_ms)


def tenths_left(ends: float, now: float) -> int:
    """Tenths of a second until `ends`, rounded up: what still runs never reads 0."""
    return max(1, math.ceil((ends - now) * 10 - 1e-6))
