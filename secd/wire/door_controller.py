"""The register map of the secd door controller: 4 readers, 8 supervised inputs, 4 relays, a card FIFO of 8.

In: words of Modbus requests. Out: frozen values, and back: the simulator encodes what the driver decodes. Refuses words
that no such board sends. For people: docs/register-map.md. Input registers (FC04) are read, holding registers (FC03,
FC06, FC16) and coils (FC01, FC05, FC15) written; any other address answers exception 2, a value out of range 3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secd.model.secret import CardBits
from secd.wire.registers import (
    DOOR_CONTROLLER,
    WORD_MAX,
    BoardInput,
    Header,
    MapViolation,
    check_words,
    decode_header,
    decode_inputs,
    encode_header,
    encode_inputs,
    inputs_words,
    join_long,
    refuse_reserved,
    split_long,
)

INPUTS, RELAYS, READERS = 8, 4, 4
FIFO_DEPTH = 8
BIT_COUNT_MAX = 256

# --- input registers (FC04): the status, one request -----------------------------------------------------------------

STATUS = 0
_FIFO_COUNT, _FIFO_NEWEST, _FIFO_ACKNOWLEDGED, _FIFO_OVERFLOWS = 9, 10, 12, 14
_INPUTS_AT = 16
RELAY_WORD = _INPUTS_AT + inputs_words(INPUTS)
SIGNAL_WORD = RELAY_WORD + 1
_WATCHDOG, _SAFE = RELAY_WORD + 2, RELAY_WORD + 3
STEADY_WORDS = RELAY_WORD + 4
"""Words before this one change only when something happened: two polls that agree in them say the same."""
_UPTIME = STEADY_WORDS
STATUS_WORDS = STEADY_WORDS + 2

# --- input registers (FC04): the card FIFO, read only when the status shows a new sequence ---------------------------

FIFO = 0x0100
ENTRY_WORDS = 22
FIFO_WORDS = FIFO_DEPTH * ENTRY_WORDS
ENTRIES_PER_READ_MAX = 5
_ENTRY_SEQUENCE, _ENTRY_READER, _ENTRY_BIT_COUNT, _ENTRY_AGE, _ENTRY_DATA = 0, 2, 3, 4, 6
_DATA_WORDS = 16

# --- holding registers -----------------------------------------------------------------------------------------------

WATCHDOG_TENTHS = 0x0000
SAFE_STATES = 0x0001
ACKNOWLEDGE_READS = 0x0002
CLEAR_WATCHDOG_TRIPPED = 0x0004
PULSE_ENERGISE = 0x0010
PULSE_DEENERGISE = 0x0014
SIGNAL = 0x0020
ACKNOWLEDGE_ACTIVATIONS = 0x0030
RELAY_COIL = 0x0000

WATCHDOG_TENTHS_DEFAULT = 300
WATCHDOG_TENTHS_MIN, WATCHDOG_TENTHS_MAX = 10, 6000
PULSE_TENTHS_MAX = 6000
SIGNAL_TENTHS_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """One relay. `energised` is the coil as it is, `pulsing` while a pulse runs over the held state.

    `safe_energised` is what it takes when the watchdog goes off, and at power-up.
    """

    energised: bool = False
    pulsing: bool = False
    safe_energised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """LED and buzzer of one reader."""

    green: bool = False
    red: bool = False
    buzzer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorStatus:
    """Everything one poll reads.

    `newest`: the sequence of the newest card read since boot, 0 for none; sequences are dense and start at 1.
    `acknowledged`: the FIFO is free up to this one. `overflows`: unacknowledged reads overwritten since boot.
    """

    header: Header
    fifo_count: int = 0
    newest: int = 0
    acknowledged: int = 0
    overflows: int = 0
    inputs: tuple[BoardInput, ...] = (BoardInput(),) * INPUTS
    relays: tuple[Relay, ...] = (Relay(),) * RELAYS
    signals: tuple[Signal, ...] = (Signal(),) * READERS
    watchdog_tenths: int = WATCHDOG_TENTHS_DEFAULT
    uptime_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry:
    """One read in the FIFO. `age_ms` counts from its last bit to the answer that carries it."""

    sequence: int
    reader: int
    bits: CardBits
    age_ms: int = 0


def door_header(boot_id: int) -> Header:
    """The header of a door controller with nothing wrong."""
    return Header(
        product=DOOR_CONTROLLER, boot_id=boot_id, input_count=INPUTS, output_count=RELAYS, reader_count=READERS
    )


def encode_status(status: DoorStatus) -> list[int]:
    """The `STATUS_WORDS` words at `STATUS`."""
    return [
        *encode_header(status.header),
        status.fifo_count,
        *split_long(status.newest),
        *split_long(status.acknowledged),
        *split_long(status.overflows),
        *encode_inputs(status.inputs),
        encode_relays(status.relays),
        encode_signals(status.signals),
        status.watchdog_tenths,
        encode_safe_states(relay.safe_energised for relay in status.relays),
        *split_long(status.uptime_s),
    ]


def decode_status(words: Sequence[int]) -> DoorStatus:
    """The status in `STATUS_WORDS` words; ForeignBoard for another board's, MapViolation for nonsense."""
    header = decode_header(words, DOOR_CONTROLLER)
    check_words(words, STATUS_WORDS, "status")
    if (header.input_count, header.output_count, header.reader_count) != (INPUTS, RELAYS, READERS):
        raise MapViolation("header: a door controller has 8 inputs, 4 relays and 4 readers")
    newest, acknowledged = join_long(words, _FIFO_NEWEST), join_long(words, _FIFO_ACKNOWLEDGED)
    count = words[_FIFO_COUNT]
    if acknowledged > newest or count != min(newest - acknowledged, FIFO_DEPTH):
        raise MapViolation(f"FIFO: {count} reads between acknowledged {acknowledged} and newest {newest}")
    if words[_WATCHDOG] and not WATCHDOG_TENTHS_MIN <= words[_WATCHDOG] <= WATCHDOG_TENTHS_MAX:
        raise MapViolation(f"watchdog: {words[_WATCHDOG]} tenths of a second is out of range")
    return DoorStatus(
        header=header,
        fifo_count=count,
        newest=newest,
        acknowledged=acknowledged,
        overflows=join_long(words, _FIFO_OVERFLOWS),
        inputs=decode_inputs(words[_INPUTS_AT:RELAY_WORD], INPUTS),
        relays=decode_relays(words[RELAY_WORD], words[_SAFE]),
        signals=decode_signals(words[SIGNAL_WORD]),
        watchdog_tenths=words[_WATCHDOG],
        uptime_s=join_long(words, _UPTIME),
    )


def encode_relays(relays: Sequence[Relay]) -> int:
    """Relay word: bits 0-3 energised, bits 4-7 pulsing."""
    return sum(relay.energised << at | relay.pulsing << 4 + at for at, relay in enumerate(relays))


def decode_relays(word: int, safe: int = 0) -> tuple[Relay, ...]:
    """Four relays from the relay word and the safe-state word."""
    refuse_reserved(word, 0xFF, "relays")
    return tuple(
        Relay(energised=bool(word >> at & 1), pulsing=bool(word >> 4 + at & 1), safe_energised=energised)
        for at, energised in enumerate(decode_safe_states(safe))
    )


def encode_safe_states(energised: Iterable[bool]) -> int:
    """Safe-state word: bit n-1 set when relay n is energised by the watchdog."""
    return sum(one << at for at, one in enumerate(energised))


def decode_safe_states(word: int) -> tuple[bool, ...]:
    """Four safe states from their word."""
    refuse_reserved(word, (1 << RELAYS) - 1, "safe states")
    return tuple(bool(word >> at & 1) for at in range(RELAYS))


def encode_signals(signals: Sequence[Signal]) -> int:
    """Signal word: four bits a reader, reader 1 lowest: green, red, buzzer, 0."""
    return sum(_signal_bits(signal) << 4 * at for at, signal in enumerate(signals))


def decode_signals(word: int) -> tuple[Signal, ...]:
    """Four readers' LEDs and buzzers from the signal word."""
    refuse_reserved(word, 0x7777, "signals")
    return tuple(_bits_signal(word >> 4 * at & 7) for at in range(READERS))


def encode_signal_command(signal: Signal, tenths: int) -> int:
    """What is written to `SIGNAL + reader - 1`: show `signal` for `tenths` of a second (1-255)."""
    if not 1 <= tenths <= SIGNAL_TENTHS_MAX:
        raise ValueError(f"a signal lasts 0.1 to 25.5 s, not {tenths / 10} s")
    return _signal_bits(signal) << 8 | tenths


def decode_signal_command(word: int) -> tuple[Signal, int]:
    """(signal, tenths of a second) of a written signal command; 0 tenths ends it."""
    refuse_reserved(word, 0x07FF, "signal command")
    return _bits_signal(word >> 8), word & 0xFF


def encode_tenths(duration_s: float, tenths_max: int) -> int:
    """A duration in the board's tenths of a second: rounded, at least one, at most `tenths_max` or ValueError."""
    tenths = max(1, round(duration_s * 10))
    if duration_s <= 0 or tenths > tenths_max:
        raise ValueError(f"{duration_s} s is not between 0.1 and {tenths_max / 10} s")
    return tenths


def slot_of(sequence: int) -> int:
    """The FIFO slot (0-7) that holds the read of this sequence; it never moves, only a read 8 later overwrites it."""
    return sequence % FIFO_DEPTH


def encode_fifo(entries: Iterable[CardEntry]) -> list[int]:
    """The `FIFO_WORDS` words at `FIFO`, each entry in its slot; empty slots are all zeros."""
    words = [0] * FIFO_WORDS
    for entry in entries:
        at = slot_of(entry.sequence) * ENTRY_WORDS
        words[at : at + ENTRY_WORDS] = _encode_entry(entry)
    return words


def decode_fifo(words: Sequence[int]) -> tuple[CardEntry, ...]:
    """The entries in whole slots of the FIFO, by rising sequence; empty slots are left out."""
    if len(words) % ENTRY_WORDS:
        raise MapViolation(f"FIFO: {len(words)} words are not whole entries of {ENTRY_WORDS}")
    check_words(words, len(words), "FIFO")
    slots = (words[at : at + ENTRY_WORDS] for at in range(0, len(words), ENTRY_WORDS))
    entries = [_decode_entry(slot) for slot in slots if any(slot)]
    return tuple(sorted(entries, key=lambda entry: entry.sequence))


def _encode_entry(entry: CardEntry) -> list[int]:
    bits = entry.bits
    if not (0 <= bits.bit_count <= BIT_COUNT_MAX and 0 <= bits.value < 1 << bits.bit_count):
        raise ValueError(f"a card read has at most {BIT_COUNT_MAX} bits and no more than it says")
    if entry.sequence < 1 or not 1 <= entry.reader <= READERS:
        raise ValueError("a card read has a sequence from 1 and a reader from 1 to 4")
    data = [bits.value >> 16 * (_DATA_WORDS - 1 - at) & WORD_MAX for at in range(_DATA_WORDS)]
    return [*split_long(entry.sequence), entry.reader, bits.bit_count, *split_long(entry.age_ms), *data]


def _decode_entry(slot: Sequence[int]) -> CardEntry:
    sequence, bit_count, reader = join_long(slot, _ENTRY_SEQUENCE), slot[_ENTRY_BIT_COUNT], slot[_ENTRY_READER]
    if sequence == 0:
        raise MapViolation("FIFO: an entry that is not empty has sequence 0")
    if not 1 <= reader <= READERS:
        raise MapViolation(f"FIFO: read {sequence} came from reader {reader}; there are {READERS}")
    if bit_count > BIT_COUNT_MAX:
        raise MapViolation(f"FIFO: read {sequence} claims {bit_count} bits; {BIT_COUNT_MAX} is the most")
    value = 0
    for word in slot[_ENTRY_DATA:]:
        value = value << 16 | word
    if value >> bit_count:
        raise MapViolation(f"FIFO: read {sequence} has more bits than the {bit_count} it claims")
    bits = CardBits(bit_count=bit_count, value=value)
    return CardEntry(sequence=sequence, reader=reader, bits=bits, age_ms=join_long(slot, _ENTRY_AGE))


def _signal_bits(signal: Signal) -> int:
    return signal.green | signal.red << 1 | signal.buzzer << 2


def _bits_signal(bits: int) -> Signal:
    return Signal(green=bool(bits & 1), red=bool(bits & 2), buzzer=bool(bits & 4))
