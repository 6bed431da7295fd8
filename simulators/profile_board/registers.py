"""A profile's places over the electronics: which address shows what, and what writing it does.

In: a profile and the electronics of its board. Out: `Tables` to ask. It is made of the same profile that the driver
reads, from the board's side of it. Outputs that are locked by the watchdog answer an exception.
"""

from collections.abc import Callable
from functools import partial

from secd.config.modbus.format import (
    Inputs,
    Latch,
    Outputs,
    PerOutput,
    Profile,
    PulseCoil,
    Resting,
    TimeInCoil,
    TimeInRegister,
    Watchdog,
)
from secd.config.modbus.places import Place, Table
from secd.model.facts import InputState
from simulators.modbus_server import ILLEGAL_VALUE, ModbusError
from simulators.profile_board.electronics import SERVER_FAILURE, Electronics
from simulators.profile_board.tables import Quirks, Tables

_STATE_BITS = 2


def register_map(electronics: Electronics, clock: Callable[[], float], quirks: Quirks) -> Tables:
    """The tables of a board."""
    made = _Making(electronics, clock, quirks)
    made.put_all()
    return made.tables


class _Making:
    """Puts every part of a profile where it says."""

    def __init__(self, electronics: Electronics, clock: Callable[[], float], quirks: Quirks) -> None:
        self.tables = Tables(quirks)
        self._board = electronics
        self._profile: Profile = electronics.profile
        self._clock = clock

    def put_all(self) -> None:
        profile = self._profile
        self._identity()
        self._boot()
        if profile.inputs is not None:
            self._inputs(profile.inputs)
            if profile.inputs.latch is not None:
                self._latches(profile.inputs, profile.inputs.latch)
        if profile.outputs is not None:
            self._outputs(profile.outputs)
        self._cards()
        self._signals()

    def _at(self, text: str) -> Place:
        return self._profile.place(text)

    def _identity(self) -> None:
        if self._profile.identity is not None:
            first = self._at(self._profile.identity.place)
            for at, word in enumerate(self._profile.identity.is_):
                self.tables.put(first + at, partial(int, word))

    def _boot(self) -> None:
        boot = self._profile.boot
        if boot is None:
            return
        if boot.shows == "flag":
            self.tables.put(self._at(boot.place), lambda: int(self._board.boot_flag), self._set_boot_flag)
        else:
            self.tables.put_words(self._at(boot.place), boot.words, lambda: self._board.boot_number, high_first=True)

    def _set_boot_flag(self, value: int) -> None:
        self._board.boot_flag = bool(value)

    # --- inputs -------------------------------------------------------------------------------------------------------

    def _inputs(self, inputs: Inputs) -> None:
        first = self._at(inputs.place)
        for at in range(inputs.count):
            if inputs.form == "bit":
                self.tables.put_bit(first, at, partial(self._contact, inputs, at))
            elif inputs.form == "word":
                self.tables.put(first + at, partial(self._measured, inputs, at))
            else:
                for bit in range(_STATE_BITS):
                    self.tables.put_bit(first, _STATE_BITS * at + bit, partial(self._code_bit, inputs, at, bit))

    def _contact(self, inputs: Inputs, at: int) -> int:
        closed = self._board.inputs[at].state is InputState.ACTIVE
        return int(closed is (inputs.active_is == "1"))

    def _code_bit(self, inputs: Inputs, at: int, bit: int) -> int:
        code: int = getattr(inputs.states, self._board.inputs[at].state.value)
        return code >> bit & 1

    def _measured(self, inputs: Inputs, at: int) -> int:
        if at in self._board.measured or inputs.bands is None:
            return self._board.measured.get(at, 0)
        band = getattr(inputs.bands, self._board.inputs[at].state.value)
        return int(band.from_ + band.to) // 2

    def _latches(self, inputs: Inputs, latch: Latch) -> None:
        first = self._at(latch.place)
        for at in range(inputs.count):
            if latch.kind == "edge":
                self.tables.put_bit(first, at, partial(self._latched, at))
            else:
                number = partial(self._board.counted.__getitem__, at)
                self.tables.put_words(
                    first + at * latch.words, latch.words, number, high_first=latch.order == "high_first"
                )
            if latch.run is not None:
                self.tables.put(self._at(latch.run) + at, partial(self._runs, at), partial(self._run, at))
            if latch.clear is not None and (latch.clear.each or at == 0):
                forgotten = range(at, at + 1) if latch.clear.each else range(inputs.count)
                take = partial(self._forget, forgotten, int(latch.clear.write))
                self.tables.put(self._at(latch.clear.place) + at, partial(int, 0), take)

    def _latched(self, at: int) -> int:
        return int(self._board.inputs[at].activations > self._board.cleared[at])

    def _runs(self, at: int) -> int:
        return int(self._board.runs[at])

    def _run(self, at: int, value: int) -> None:
        self._board.runs[at] = bool(value)

    def _forget(self, inputs: range, wanted: int, value: int) -> None:
        if value != wanted:
            raise ModbusError(ILLEGAL_VALUE)
        for at in inputs:
            self._board.cleared[at] = self._board.inputs[at].activations

    # --- outputs ------------------------------------------------------------------------------------------------------

    def _outputs(self, outputs: Outputs) -> None:
        polarity = outputs.energised_is == "1"
        first = self._at(outputs.place)
        for at in range(outputs.count):
            if first.table is Table.COIL:
                self.tables.put(first + at, take=partial(self._hold, polarity, at))
            else:
                self.tables.put_bit(first, at, partial(self._held, polarity, at))
        if first.table is Table.HOLDING:
            for word in range(-(-outputs.count // 16)):
                self.tables.put(first + word, take=partial(self._hold_word, polarity, word))
        if outputs.read_back is not None:
            for at in range(outputs.count):
                self.tables.put_bit(self._at(outputs.read_back), at, partial(self._coil, polarity, at))
        self._resting(outputs.power_up, self._board.power_up, polarity)
        if outputs.watchdog is not None:
            self._watchdog(outputs.watchdog, polarity)
        if outputs.pulse is not None:
            for at in range(outputs.count):
                self._pulse(outputs.pulse, at)

    def _held(self, polarity: bool, at: int) -> int:
        return int(self._board.relays[at].held is polarity)

    def _coil(self, polarity: bool, at: int) -> int:
        return int(self._board.relays[at].coil is polarity)

    def _hold(self, polarity: bool, at: int, value: int) -> None:
        self._refuse_while_locked()
        self._board.relays[at].hold(energised=bool(value) is polarity)

    def _hold_word(self, polarity: bool, word: int, value: int) -> None:
        self._refuse_while_locked()
        for bit, relay in enumerate(self._board.relays[16 * word : 16 * word + 16]):
            energised = bool(value >> bit & 1) is polarity
            if relay.held is not energised or relay.pulse is not None:
                relay.hold(energised=energised)

    def _resting(self, resting: Resting, written: list[bool], polarity: bool) -> None:
        if not isinstance(resting, PerOutput):
            return
        first = self._at(resting.place)
        for at in range(len(written)):
            self.tables.put_bit(first, at, partial(self._rests, written, polarity, at))
            if first.table is Table.COIL:
                self.tables.put(first + at, take=partial(self._rest_one, written, polarity, at))
        if first.table is Table.HOLDING:
            self.tables.put(first, take=partial(self._rest_word, written, polarity))

    def _rests(self, written: list[bool], polarity: bool, at: int) -> int:
        return int(written[at] is polarity)

    def _rest_one(self, written: list[bool], polarity: bool, at: int, value: int) -> None:
        written[at] = bool(value) is polarity

    def _rest_word(self, written: list[bool], polarity: bool, value: int) -> None:
        written[:] = [bool(value >> at & 1) is polarity for at in range(len(written))]

    def _watchdog(self, watchdog: Watchdog, polarity: bool) -> None:
        board = self._board
        self._resting(watchdog.safe, board.safe, polarity)
        if watchdog.place is not None:
            self.tables.put(self._at(watchdog.place), lambda: board.watchdog_units, partial(self._set_time, watchdog))
        if watchdog.tripped is not None:
            self.tables.put(self._at(watchdog.tripped), lambda: int(board.tripped))
        if watchdog.clear is not None:
            self.tables.put(self._at(watchdog.clear), take=partial(self._clear_trip, watchdog))

    def _set_time(self, watchdog: Watchdog, value: int) -> None:
        if value and not watchdog.units_min <= value <= watchdog.units_max:
            raise ModbusError(ILLEGAL_VALUE)
        self._board.watchdog_units = value
        self._board.feed(self._clock(), writes=True)

    def _clear_trip(self, watchdog: Watchdog, value: int) -> None:
        if value == watchdog.clear_write:
            self._board.tripped = False

    def _pulse(self, style: TimeInCoil | TimeInRegister | PulseCoil, at: int) -> None:
        if not isinstance(style, PulseCoil):
            for text, energise in ((style.on, True), (style.off, False)):
                if text is not None:
                    self.tables.put(self._at(text) + at, take=partial(self._start, style, at, energise), timed=True)
            return
        if style.width is not None:
            place = self._at(style.width) + at
            self.tables.put(place, partial(self._board.pulse_units.__getitem__, at), partial(self._set_width, at))
        self.tables.put(self._at(style.place) + at, partial(self._pulsing, at), partial(self._start_fixed, style, at))

    def _start(self, style: TimeInCoil | TimeInRegister, at: int, energise: bool, value: int) -> None:
        self._refuse_while_locked()
        if value > style.units_max:
            raise ModbusError(ILLEGAL_VALUE)
        self._board.relays[at].start_pulse(round(value * style.unit * 10), self._clock(), energise=energise)

    def _pulsing(self, at: int) -> int:
        return int(self._board.relays[at].pulse is not None)

    def _set_width(self, at: int, value: int) -> None:
        self._board.pulse_units[at] = value

    def _start_fixed(self, style: PulseCoil, at: int, value: int) -> None:
        self._refuse_while_locked()
        if value:
            length_s = style.fixed if style.fixed is not None else self._board.pulse_units[at] * style.unit
            self._board.relays[at].start_pulse(round(length_s * 10), self._clock(), energise=True)

    def _refuse_while_locked(self) -> None:
        if self._board.locked:
            raise ModbusError(SERVER_FAILURE)

    # --- reader -------------------------------------------------------------------------------------------------------

    def _cards(self) -> None:
        cards, board = self._profile.cards, self._board
        if cards is None:
            return
        if cards.handshake == "flag":
            self.tables.put(self._at(cards.place), lambda: int(board.card is not None), self._clear_card)
        else:
            self.tables.put(self._at(cards.place), lambda: board.sequence)
        high_first = cards.order == "high_first"
        value = partial(self._of_card, "value")
        self.tables.put_words(self._at(cards.data), cards.words, value, high_first=high_first)
        if cards.bit_count is not None:
            self.tables.put(self._at(cards.bit_count), partial(self._of_card, "bit_count"))

    def _shown(self, text: str) -> int:
        return self._board.signals.get(text, 0)

    def _of_card(self, what: str) -> int:
        card = self._board.card
        return 0 if card is None else int(getattr(card, what))

    def _clear_card(self, value: int) -> None:
        if not value:
            self._board.card = None

    def _signals(self) -> None:
        signals, shown = self._profile.signals, self._board.signals
        for text in {one.place for one in (*signals.granted, *signals.denied, *signals.dark)} if signals else ():
            self.tables.put(self._at(text), partial(self._shown, text), partial(shown.__setitem__, text))
