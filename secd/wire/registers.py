"""What our two Modbus register maps share: integers in words, the identity header, cabinet flags, supervised inputs.

In: 16-bit words as a Modbus request carries them. Out: frozen values, and the same words back. Refuses, with what was
wrong, any word that no board of ours can send. The maps themselves are in `door_controller` and `panic_panel`; people
read them in docs/register-map.md. Addresses count from 0 as in the PDU; 32-bit values have their high word first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from secd.model.facts import InputState

DOOR_CONTROLLER = 0x5EC1
PANIC_PANEL = 0x5EC2
PRODUCTS = {DOOR_CONTROLLER: "secd door controller", PANIC_PANEL: "secd panic panel"}
MAP_MAJOR = 1
"""Another major number means another layout; a higher minor one only adds words behind those we read."""
MAP_MINOR = 0

WORD_MAX = 0xFFFF
LONG_MAX = 0xFFFF_FFFF
WORDS_PER_READ_MAX = 125
"""Modbus application protocol V1.1b3, clause 6.4: at most 125 registers in one answer."""

PRODUCT, VERSION, BOOT_ID, INPUT_COUNT, OUTPUT_COUNT, READER_COUNT, CABINET, RESET_CAUSE = 0, 1, 2, 4, 5, 6, 7, 8
HEADER_WORDS = 9


class MapViolation(ValueError):
    """Words that no board of ours sends; the text says which and why."""


class ForeignBoard(MapViolation):
    """Not the board this profile is for: another product, another map, perhaps another vendor's."""


class ResetCause(IntEnum):
    """Why the board last started."""

    POWER_ON = 0
    PROCESSOR_WATCHDOG = 1
    COMMANDED = 2
    BROWN_OUT = 3
    UNKNOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cabinet:
    """The cabinet's own troubles (S17), and whether the relay watchdog went off since it was last cleared."""

    watchdog_tripped: bool = False
    mains_failed: bool = False
    battery_low: bool = False
    lock_supply_failed: bool = False
    enclosure_open: bool = False


_CABINET_BITS = ("watchdog_tripped", "mains_failed", "battery_low", "lock_supply_failed", "enclosure_open")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first `HEADER_WORDS` words of every board. `boot_id` is random, never 0, and new after each start."""

    product: int
    boot_id: int
    input_count: int
    output_count: int
    reader_count: int
    map_minor: int = MAP_MINOR
    cabinet: Cabinet = Cabinet()
    reset_cause: ResetCause = ResetCause.POWER_ON


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardInput:
    """One supervised input. `activations`: changes to ACTIVE since boot, counted by the board however short they were.

    `pending`: those of them the master has not acknowledged, saturating at 65535; more than 0 sets the latched bit.
    """

    state: InputState = InputState.NORMAL
    activations: int = 0
    pending: int = 0


_STATES = (InputState.NORMAL, InputState.ACTIVE, InputState.CUT, InputState.SHORT)
_STATE_CODES = {state: code for code, state in enumerate(_STATES)}
_INPUTS_PER_WORD = 8


def split_long(value: int) -> tuple[int, int]:
    """A 32-bit value as (high word, low word)."""
    if not 0 <= value <= LONG_MAX:
        raise ValueError(f"{value} does not fit 32 bits")
    return value >> 16, value & WORD_MAX


def join_long(words: Sequence[int], at: int) -> int:
    """The 32-bit value whose high word is at `at`."""
    return words[at] << 16 | words[at + 1]


def check_words(words: Sequence[int], count: int, what: str) -> None:
    """Raise MapViolation unless there are exactly `count` 16-bit words."""
    if len(words) != count:
        raise MapViolation(f"{what}: {len(words)} words came, {count} were expected")
    for at, word in enumerate(words):
        if not 0 <= word <= WORD_MAX:
            raise MapViolation(f"{what}: word {at} is {word}, which is not 16 bits")


def refuse_reserved(word: int, used: int, what: str) -> None:
    """Raise MapViolation when a bit outside `used` is set: reserved bits are 0."""
    if word & ~used:
        raise MapViolation(f"{what}: reserved bits are set in {word:#06x}")


def encode_header(header: Header) -> list[int]:
    """The header's words."""
    bits = sum(1 << at for at, name in enumerate(_CABINET_BITS) if getattr(header.cabinet, name))
    counts = [header.input_count, header.output_count, header.reader_count]
    version = MAP_MAJOR << 8 | header.map_minor
    return [header.product, version, *split_long(header.boot_id), *counts, bits, header.reset_cause]


def decode_header(words: Sequence[int], product: int) -> Header:
    """The header at the start of `words`, which must be `product`'s; ForeignBoard when it is another board's."""
    check_words(words[:HEADER_WORDS], HEADER_WORDS, "header")
    if words[PRODUCT] != product:
        found = PRODUCTS.get(words[PRODUCT], f"an unknown product ({words[PRODUCT]:#06x})")
        raise ForeignBoard(f"this is {found}, not a {PRODUCTS[product]}")
    major, minor = divmod(words[VERSION], 256)
    if major != MAP_MAJOR:
        raise ForeignBoard(f"its register map is version {major}.{minor}; this profile speaks {MAP_MAJOR}.x")
    boot_id = join_long(words, BOOT_ID)
    if boot_id == 0:
        raise MapViolation("header: the boot id is 0, which no start has")
    if words[RESET_CAUSE] > ResetCause.UNKNOWN:
        raise MapViolation(f"header: {words[RESET_CAUSE]} is no reset cause")
    return Header(
        product=product,
        boot_id=boot_id,
        input_count=words[INPUT_COUNT],
        output_count=words[OUTPUT_COUNT],
        reader_count=words[READER_COUNT],
        map_minor=minor,
        cabinet=_decode_cabinet(words[CABINET]),
        reset_cause=ResetCause(words[RESET_CAUSE]),
    )


def _decode_cabinet(word: int) -> Cabinet:
    refuse_reserved(word, (1 << len(_CABINET_BITS)) - 1, "cabinet flags")
    return Cabinet(**{name: bool(word >> at & 1) for at, name in enumerate(_CABINET_BITS)})


def state_words(count: int) -> int:
    """How many words the states of `count` inputs take: eight inputs a word."""
    return -(-count // _INPUTS_PER_WORD)


def inputs_words(count: int) -> int:
    """How many words `encode_inputs` makes of `count` inputs."""
    return state_words(count) + 1 + 3 * count


def encode_inputs(inputs: Sequence[BoardInput]) -> list[int]:
    """States (2 bits an input, input 1 lowest), latched bits, 32-bit counters, pending counts."""
    states = [0] * state_words(len(inputs))
    counters: list[int] = []
    for at, one in enumerate(inputs):
        code = _STATE_CODES.get(one.state)
        if code is None:
            raise ValueError(f"a board cannot say that an input is {one.state}")
        states[at // _INPUTS_PER_WORD] |= code << 2 * (at % _INPUTS_PER_WORD)
        counters.extend(split_long(one.activations))
    latched = sum(1 << at for at, one in enumerate(inputs) if one.pending)
    return [*states, latched, *counters, *(min(one.pending, WORD_MAX) for one in inputs)]


def decode_inputs(words: Sequence[int], count: int) -> tuple[BoardInput, ...]:
    """`count` inputs from the words `encode_inputs` makes."""
    check_words(words, inputs_words(count), "inputs")
    latched = words[state_words(count)]
    refuse_reserved(latched, (1 << count) - 1, "latched bits")
    counters, pendings = state_words(count) + 1, state_words(count) + 1 + 2 * count
    inputs = []
    for at in range(count):
        activations, pending = join_long(words, counters + 2 * at), words[pendings + at]
        if pending > activations:
            raise MapViolation(f"input {at + 1}: {pending} activations pending of only {activations}")
        if bool(latched >> at & 1) != (pending > 0):
            raise MapViolation(f"input {at + 1}: its latched bit does not agree with {pending} pending activations")
        code = words[at // _INPUTS_PER_WORD] >> 2 * (at % _INPUTS_PER_WORD) & 3
        inputs.append(BoardInput(state=_STATES[code], activations=activations, pending=pending))
    return tuple(inputs)
