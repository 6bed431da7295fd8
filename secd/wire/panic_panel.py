"""The register map of the secd panic panel: 16 supervised inputs whose presses the panel latches and counts.

In: words of Modbus requests. Out: frozen values, and back: the simulator encodes what the driver decodes. Refuses words
that no such panel sends. For people: docs/register-map.md. The header and the inputs are laid out as on the door
controller; the panel has no relays, readers, FIFO or watchdog.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from secd.wire.registers import (
    HEADER_WORDS,
    PANIC_PANEL,
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
    split_long,
)

INPUTS = 16

# --- input registers (FC04): the status, one request -----------------------------------------------------------------

STATUS = 0
STEADY_WORDS = HEADER_WORDS + inputs_words(INPUTS)
"""Words before this one change only when something happened: two polls that agree in them say the same."""
_UPTIME = STEADY_WORDS
_FIRST_AGES = STEADY_WORDS + 2
_LAST_AGES = _FIRST_AGES + INPUTS
STATUS_WORDS = _LAST_AGES + INPUTS

AGE_TENTHS_MAX = WORD_MAX
"""An age that reads this is this old or older, or there was no press."""

# --- holding registers -----------------------------------------------------------------------------------------------

ACKNOWLEDGE_ACTIVATIONS = 0x0030


@dataclass(frozen=True, slots=True, kw_only=True)
class PressAges:
    """Ages of one input's first and last pending activation, in tenths of a second, saturating at `AGE_TENTHS_MAX`."""

    first_tenths: int = AGE_TENTHS_MAX
    last_tenths: int = AGE_TENTHS_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelStatus:
    """Everything one poll reads. `ages[n - 1]` belongs to input n and tells nothing while it has nothing pending."""

    header: Header
    inputs: tuple[BoardInput, ...] = (BoardInput(),) * INPUTS
    ages: tuple[PressAges, ...] = (PressAges(),) * INPUTS
    uptime_s: int = 0


def panel_header(boot_id: int) -> Header:
    """The header of a panic panel with nothing wrong."""
    return Header(product=PANIC_PANEL, boot_id=boot_id, input_count=INPUTS, output_count=0, reader_count=0)


def encode_status(status: PanelStatus) -> list[int]:
    """The `STATUS_WORDS` words at `STATUS`."""
    return [
        *encode_header(status.header),
        *encode_inputs(status.inputs),
        *split_long(status.uptime_s),
        *(min(age.first_tenths, AGE_TENTHS_MAX) for age in status.ages),
        *(min(age.last_tenths, AGE_TENTHS_MAX) for age in status.ages),
    ]


def decode_status(words: Sequence[int]) -> PanelStatus:
    """The status in `STATUS_WORDS` words; ForeignBoard for another board's, MapViolation for nonsense."""
    header = decode_header(words, PANIC_PANEL)
    check_words(words, STATUS_WORDS, "status")
    if (header.input_count, header.output_count, header.reader_count) != (INPUTS, 0, 0):
        raise MapViolation("header: a panic panel has 16 inputs, no relay and no reader")
    if header.cabinet.watchdog_tripped:
        raise MapViolation("cabinet flags: a panic panel has no relay watchdog to trip")
    ages = zip(words[_FIRST_AGES:_LAST_AGES], words[_LAST_AGES:], strict=True)
    inputs = decode_inputs(words[HEADER_WORDS:STEADY_WORDS], INPUTS)
    return PanelStatus(
        header=header,
        inputs=inputs,
        ages=tuple(_decode_ages(at, first, last) for at, (first, last) in enumerate(ages)),
        uptime_s=join_long(words, _UPTIME),
    )


def _decode_ages(at: int, first: int, last: int) -> PressAges:
    if first < last:
        raise MapViolation(f"input {at + 1}: its first press is younger than its last")
    return PressAges(first_tenths=first, last_tenths=last)
