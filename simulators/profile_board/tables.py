"""Four tables of bits and words, and Modbus requests to them; what an address shows and does is put there by `registers`.

In: requests from the function code on. Out: answers; exceptions for addresses nothing was put at, and for values a coil
does not take.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from secd.config.modbus.places import Place, Table
from simulators.modbus_server import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, ModbusError

TOGGLE: Final = 0x5500
WRITES: Final = frozenset({5, 6, 15, 16})
_ON: Final = 0xFF00
_READS: Final = {1: 2000, 2: 2000, 3: 125, 4: 125}
_TWO_WORDS: Final = struct.Struct(">HH")

Show = Callable[[], int]
Take = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """What boards do beside their map.

    `toggle`: FC05 with 0x5500 toggles a coil. `silent_writes`: a write is answered and ignored. `write_many`: FC15 and
    FC16 are known. `gap`: so many addresses behind a known one are read as 0.
    """

    toggle: bool = False
    silent_writes: bool = False
    write_many: bool = True
    gap: int = 0


class Tables:
    """What every address shows, and what writing it does."""

    def __init__(self, quirks: Quirks) -> None:
        self.quirks = quirks
        self._shown: dict[Place, Show] = {}
        self._bits: dict[Place, dict[int, Show]] = {}
        self._taken: dict[Place, Take] = {}
        self._timed: set[Place] = set()

    def put(self, place: Place, show: Show | None = None, take: Take | None = None, *, timed: bool = False) -> None:
        """Let a place show something and take something; `timed`: a coil that takes any value."""
        if show is not None:
            self._shown[place] = show
        if take is not None:
            self._taken[place] = take
        if timed:
            self._timed.add(place)

    def put_bit(self, first: Place, at: int, show: Show) -> None:
        """Bit `at` behind `first`: an address of its own, or a bit of a register, lowest first."""
        if first.table.bits:
            self.put(first + at, show)
        else:
            self._bits.setdefault(first + at // 16, {})[at % 16] = show

    def put_words(self, first: Place, words: int, number: Show, *, high_first: bool) -> None:
        """A number of several words."""
        for at in range(words):
            shift = 16 * (words - 1 - at if high_first else at)
            self.put(first + at, _Part(number, shift))

    def answer(self, request: bytes) -> bytes:
        """The answer to one request."""
        function = request[0]
        try:
            if function in _READS:
                return bytes((function,)) + self._read(function, request)
            if function in {5, 6}:
                return bytes((function,)) + self._write_one(function, request)
            if function in {15, 16} and self.quirks.write_many:
                return bytes((function,)) + self._write_many(function, request)
            raise ModbusError(ILLEGAL_FUNCTION)
        except ModbusError as error:
            return bytes((function | 0x80, error.code))

    def _read(self, function: int, request: bytes) -> bytes:
        if len(request) != 5:
            raise ModbusError(ILLEGAL_VALUE)
        address, count = _TWO_WORDS.unpack_from(request, 1)
        if not 1 <= count <= _READS[function]:
            raise ModbusError(ILLEGAL_VALUE)
        first = Place(Table(function), address)
        values = [self._show(first + at) for at in range(count)]
        if first.table.bits:
            size = -(-count // 8)
            return bytes((size,)) + sum(bool(bit) << at for at, bit in enumerate(values)).to_bytes(size, "little")
        return struct.pack(f">B{count}H", 2 * count, *values)

    def _show(self, place: Place) -> int:
        if place in self._bits:
            return sum(show() << bit for bit, show in self._bits[place].items())
        if place in self._shown:
            return self._shown[place]()
        if any(place + -step in self._shown for step in range(1, self.quirks.gap + 1)):
            return 0
        raise ModbusError(ILLEGAL_ADDRESS)

    def _write_one(self, function: int, request: bytes) -> bytes:
        if len(request) != 5:
            raise ModbusError(ILLEGAL_VALUE)
        address, value = _TWO_WORDS.unpack_from(request, 1)
        place = Place(Table.COIL if function == 5 else Table.HOLDING, address)
        if place.table is Table.COIL and place not in self._timed:
            if value == TOGGLE and self.quirks.toggle:
                value = not self._show(place)
            elif value in {0, _ON}:
                value = value == _ON
            else:
                raise ModbusError(ILLEGAL_VALUE)
        self._take(place, int(value))
        return request[1:5]

    def _write_many(self, function: int, request: bytes) -> bytes:
        if len(request) < 6:
            raise ModbusError(ILLEGAL_VALUE)
        address, count = _TWO_WORDS.unpack_from(request, 1)
        data = request[6:]
        size = -(-count // 8) if function == 15 else 2 * count
        if not count or not request[5] == len(data) == size:
            raise ModbusError(ILLEGAL_VALUE)
        first = Place(Table.COIL if function == 15 else Table.HOLDING, address)
        packed = int.from_bytes(data, "little")
        values = [packed >> at & 1 for at in range(count)] if function == 15 else struct.unpack(f">{count}H", data)
        if any(first + at not in self._taken for at in range(count)):
            raise ModbusError(ILLEGAL_ADDRESS)
        for at, value in enumerate(values):
            self._take(first + at, value)
        return request[1:5]

    def _take(self, place: Place, value: int) -> None:
        if place not in self._taken:
            raise ModbusError(ILLEGAL_ADDRESS)
        if not self.quirks.silent_writes:
            self._taken[place](value)


@dataclass(frozen=True, slots=True)
class _Part:
    """16 bits of a number."""

    number: Show
    shift: int

    def __call__(self) -> int:
        return self.number() >> self.shift & 0xFFFF
