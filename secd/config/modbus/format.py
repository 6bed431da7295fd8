"""The format of a Modbus profile: one board's registers, what they can guarantee, and where that is written.

In: the `modbus_profiles` section of a site, or a file of this folder. Out: frozen `Profile`s. Refuses places that contradict each
other; what a board cannot do is left out, never invented: `fit` says what follows from it.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from secd.config.modbus.places import Counting, Place, PlaceText, Word, parse_place
from secd.config.types import Flag, Seconds, Settings, Text, Whole
from secd.model.facts import InputState

INPUTS_MAX, OUTPUTS_MAX = 64, 64
BITS_MAX = 256
Order = Literal["high_first", "low_first"]
"""Which word of a number of several comes first."""


class Identity(Settings):
    """Words that only this board has, read before anything else; a board that has none cannot be told from another's."""

    place: PlaceText
    is_: Annotated[list[Word], Field(min_length=1, max_length=16)] = Field(alias="is")


class Boot(Settings):
    """How a restart of the board shows: a flag that is set by it, or a number that is new after it."""

    place: PlaceText
    shows: Literal["flag", "number"] = "flag"
    """flag: 1 after a start until written 0. number: any other value means that it started anew."""
    words: Annotated[Whole, Field(ge=1, le=2)] = 1


class FourStates(Settings):
    """The code of each state of a supervised input."""

    normal: Word
    active: Word
    cut: Word
    short: Word


class Band(Settings):
    """Measured values of one state, both ends included."""

    from_: Word = Field(alias="from")
    to: Word


class Bands(Settings):
    """Which measured values mean which state; what lies between them is unknown, never normal."""

    normal: Band
    active: Band
    cut: Band
    short: Band
    wiring: Text
    """Supply, series and end-of-line resistors these numbers are for."""

    def state_of(self, value: int) -> InputState:
        """The state of a measured value."""
        for name in ("normal", "active", "cut", "short"):
            band: Band = getattr(self, name)
            if band.from_ <= value <= band.to:
                return InputState(name)
        return InputState.UNKNOWN

    @model_validator(mode="after")
    def _apart(self) -> "Bands":
        bands = sorted((band.from_, band.to) for band in (self.normal, self.active, self.cut, self.short))
        if any(low > high for low, high in bands):
            raise ValueError("a band goes from the lower value to the higher")
        if any(before[1] >= after[0] for before, after in pairwise(bands)):
            raise ValueError("two bands have a value in common: a value means one state")
        return self


class Clear(Settings):
    """What to write so that the board forgets what it latched."""

    place: PlaceText
    write: Literal["0", "1"] = "1"
    each: Flag = True
    """true: one coil an input, in their order. false: one coil for all, so a press between reading and clearing is lost."""


class Latch(Settings):
    """What the board keeps of an input shorter than a poll."""

    kind: Literal["counter", "edge"]
    place: PlaceText
    words: Annotated[Whole, Field(ge=1, le=2)] = 2
    order: Order = "high_first"
    run: PlaceText | None = None
    """Coils that must be 1 for the counters to count; written where they are not."""
    clear: Clear | None = None
    """Required for edges; counters go on and wrap."""

    @model_validator(mode="after")
    def _edges_are_cleared(self) -> "Latch":
        if self.kind == "edge" and self.clear is None:
            raise ValueError("an edge that is never cleared tells once and never again: add `clear`")
        return self


class Inputs(Settings):
    """Contacts: input n is n-1 behind `place`."""

    count: Annotated[Whole, Field(ge=1, le=INPUTS_MAX)]
    place: PlaceText
    form: Literal["bit", "two_bits", "word"] = "bit"
    """bit: a coil, a discrete input, or a bit of a register (lowest first). two_bits: four states. word: a measured value."""
    active_is: Literal["0", "1"] = "1"
    """Which value of a bit means that the contact is closed."""
    states: FourStates | None = None
    bands: Bands | None = None
    latch: Latch | None = None

    @property
    def supervised(self) -> bool:
        """Whether a cut or shorted line is seen."""
        return self.form != "bit"

    @model_validator(mode="after")
    def _form_has_its_meaning(self) -> "Inputs":
        if (self.states is not None) != (self.form == "two_bits"):
            raise ValueError("`form: two_bits` and `states` belong together")
        if (self.bands is not None) != (self.form == "word"):
            raise ValueError("`form: word` and `bands` belong together")
        return self


class TimeInCoil(Settings):
    """FC05 with the time as its value, to `on` + n-1 (energise) or `off` + n-1 (de-energise)."""

    style: Literal["time_in_coil"]
    on: PlaceText
    off: PlaceText | None = None
    unit: Seconds
    units_max: Word


class TimeInRegister(Settings):
    """FC06 with the time as its value, to `on` + n-1 or `off` + n-1."""

    style: Literal["time_in_register"]
    on: PlaceText
    off: PlaceText | None = None
    unit: Seconds
    units_max: Word


class PulseCoil(Settings):
    """A coil that starts a pulse whose length is in a register, or set by the maker's tool (`width` left out)."""

    style: Literal["pulse_coil"]
    place: PlaceText
    width: PlaceText | None = None
    unit: Seconds
    units_max: Word
    fixed: Seconds | None = None
    """The length set by the maker's tool; an order of another length is refused."""

    @model_validator(mode="after")
    def _has_a_length(self) -> "PulseCoil":
        if (self.width is None) == (self.fixed is None):
            raise ValueError("a pulse has `width`, where its length is written, or `fixed`, what it is")
        return self


Pulse = Annotated[TimeInCoil | TimeInRegister | PulseCoil, Field(discriminator="style")]


class PerOutput(Settings):
    """A value per output that a master can write and read: a coil each, or bits of a register."""

    place: PlaceText


def _resting(value: Any) -> str:
    return "place" if isinstance(value, dict | BaseModel) else "word"


Resting = Annotated[
    Annotated[Literal["de-energised", "energised", "keeps", "vendor_tool", "unknown"], Tag("word")]
    | Annotated[PerOutput, Tag("place")],
    Discriminator(_resting),
]
"""What an output does: fixed by the board, keeps what it had, set by the maker's tool, not documented, or written by us."""


class Watchdog(Settings):
    """What the board does when its master falls silent."""

    set_by: Literal["register", "vendor_tool"]
    place: PlaceText | None = None
    unit: Seconds = 1.0
    units_min: Word = 1
    units_max: Word = 0xFFFF
    safe: Resting
    armed_by: Literal["any_request", "first_write"] = "any_request"
    fed_by: Literal["any_request", "write"] = "any_request"
    tripped: PlaceText | None = None
    clear: PlaceText | None = None
    clear_write: Word = 1
    locks_writes: Flag = False
    """Whether outputs refuse every command from the trip until it is cleared."""

    @model_validator(mode="after")
    def _complete(self) -> "Watchdog":
        if (self.set_by == "register") != (self.place is not None):
            raise ValueError("`set_by: register` and `place` belong together")
        if self.locks_writes and self.clear is None:
            raise ValueError("a board that refuses commands until cleared needs `clear`")
        return self


class Outputs(Settings):
    """Relays: output n is n-1 behind `place`, a coil each or a bit of a register (lowest first)."""

    count: Annotated[Whole, Field(ge=1, le=OUTPUTS_MAX)]
    place: PlaceText
    read_back: PlaceText | None = None
    energised_is: Literal["0", "1"] = "1"
    pulse: Pulse | None = None
    """None: the board cannot time a pulse; secd holds the relay and lets go, and dies with it held if it dies then."""
    power_up: Resting = "unknown"
    watchdog: Watchdog | None = None
    """None: the relays stay as they are when secd is gone."""


class Cards(Settings):
    """One reader whose newest card stands in registers."""

    handshake: Literal["sequence", "flag", "fifo"]
    """sequence: a number that rises with each card. flag: a bit that is 1 until we write 0; only then the next card is read.
    fifo: several cards kept until acknowledged; only boards of ours, whose driver knows it."""
    place: PlaceText
    """The sequence's word, or the flag's coil."""
    data: PlaceText
    words: Annotated[Whole, Field(ge=1, le=16)]
    order: Order = "high_first"
    bit_count: PlaceText | None = None
    fixed_bits: Annotated[Whole, Field(ge=1, le=BITS_MAX)] | None = None
    readers: Annotated[Whole, Field(ge=1, le=8)] = 1

    @model_validator(mode="after")
    def _has_a_length(self) -> "Cards":
        if (self.bit_count is None) == (self.fixed_bits is None):
            raise ValueError("a card has `bit_count`, where its length is read, or `fixed_bits`, what it is")
        return self


class Write(Settings):
    """One coil or holding register, and its value."""

    place: PlaceText
    value: Word


class Signals(Settings):
    """What is written to a reader to show a decision, and to end that."""

    granted: Annotated[list[Write], Field(min_length=1, max_length=8)]
    denied: Annotated[list[Write], Field(min_length=1, max_length=8)]
    dark: list[Write] = Field(default_factory=list)
    lasts: Seconds = 3.0


class Limits(Settings):
    """What one request may ask for, and how fast the board is."""

    bits: Annotated[Whole, Field(ge=1, le=2000)] = 2000
    words: Annotated[Whole, Field(ge=1, le=125)] = 125
    gap: Annotated[Whole, Field(ge=0, le=100)] = 0
    """How many addresses between two wanted ones may be read along."""
    write_many: Flag = True
    """Whether FC15 and FC16 are known."""
    poll_min: Seconds = 0.02
    answer: Seconds = 0.1
    """The slowest answer the board is known to take: a device's `timeout` is never less."""


class Profile(Settings):
    """One board or reader."""

    make: Text
    model: Text
    sources: Annotated[list[Text], Field(min_length=1)]
    """Document and version for every claim below."""
    tested: Text
    """Against what: `untested on hardware` until somebody did."""
    native: Literal["door_controller", "panic_panel"] | None = None
    """A map of ours: its driver reads it whole, with FIFO and ages; the rest here describes it."""
    addresses: Counting = "from_0"
    identity: Identity | None = None
    boot: Boot | None = None
    inputs: Inputs | None = None
    outputs: Outputs | None = None
    cards: Cards | None = None
    signals: Signals | None = None
    limits: Limits = Limits()
    notes: list[Text] = Field(default_factory=list)
    """What somebody who fits this board must know."""

    def place(self, text: str) -> Place:
        """Where `text` is."""
        return parse_place(text, self.addresses)

    @property
    def points(self) -> frozenset[str]:
        """Every point address of such a board; "" is the board itself."""
        kinds = {
            "input": self.inputs.count if self.inputs else 0,
            "output": self.outputs.count if self.outputs else 0,
            "reader": self.cards.readers if self.cards else 0,
        }
        return frozenset({"", *(f"{kind}/{at + 1}" for kind, count in kinds.items() for at in range(count))})

    @model_validator(mode="after")
    def _consistent(self) -> "Profile":
        if not (self.inputs or self.outputs or self.cards):
            raise ValueError("a profile has inputs, outputs or cards")
        for key, text in _places(self):
            try:
                place = self.place(text)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
            if key in _BITS and not place.table.bits:
                raise ValueError(f"{key}: {text!r} is a register; this has to be a coil")
            if key in _WORDS and place.table.bits:
                raise ValueError(f"{key}: {text!r} is a bit; this has to be a register")
            if key in _WRITTEN and not place.table.writable:
                raise ValueError(f"{key}: {text!r} can only be read")
        if self.cards is not None and self.cards.handshake == "fifo" and self.native is None:
            raise ValueError("cards: a FIFO is known of boards of ours only; describe `sequence` or `flag`")
        return self


_BITS = {"inputs.latch.run", "inputs.latch.clear.place", "outputs.pulse.place"}
_WORDS = {"cards.data", "cards.bit_count", "identity.place", "outputs.pulse.width", "outputs.watchdog.place"}
_WRITTEN = {
    "inputs.latch.run", "inputs.latch.clear.place", "outputs.place", "outputs.pulse.place", "outputs.pulse.width",
    "outputs.pulse.on", "outputs.pulse.off", "outputs.watchdog.place", "outputs.watchdog.safe.place",
    "outputs.watchdog.clear", "outputs.power_up.place", "signals.granted.place", "signals.denied.place", "signals.dark.place",
}  # fmt: skip
_PLACES = {"place", "read_back", "run", "on", "off", "width", "tripped", "clear", "data", "bit_count"}


def _places(settings: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every place of a profile under its dotted key."""
    for name in type(settings).model_fields:
        value, here = getattr(settings, name), (*path, name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                yield from _places(one, here)
            elif name in _PLACES and isinstance(one, str):
                yield ".".join(here), one
