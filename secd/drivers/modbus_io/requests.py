"""Modbus requests a profile needs, and their answers taken apart. Pure.

In: places and values. Out: the request from the function code on, how many bytes answer it (unit and PDU), and what the
answer says. Refuses (PeerViolation) an answer whose byte count is wrong, and an echo of something else than was
written.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from secd.config.modbus.places import Place, Table
from secd.model.errors import PeerViolation

COIL_ON = 0xFF00
_TWO_WORDS = struct.Struct(">BHH")
_WRITE_COIL, _WRITE_REGISTER, _WRITE_COILS, _WRITE_REGISTERS = 5, 6, 15, 16


@dataclass(frozen=True, slots=True)
class Request:
    """`pdu` is sent; `length` bytes come back, counted from the unit on."""

    pdu: bytes
    length: int


def read_request(place: Place, count: int) -> Request:
    """`count` bits or words from `place`."""
    size = -(-count // 8) if place.table.bits else 2 * count
    return Request(_TWO_WORDS.pack(place.table, place.address, count), 3 + size)


def read_values(request: Request, answer: bytes) -> Sequence[int]:
    """The bits or words of an answer to `read_request`."""
    function, _, count = _TWO_WORDS.unpack(request.pdu)
    if len(answer) != request.length - 1 or answer[1] != len(answer) - 2:
        raise PeerViolation("it sent an answer whose byte count is wrong")
    if Table(function).bits:
        return [answer[2 + at // 8] >> at % 8 & 1 for at in range(count)]
    return struct.unpack_from(f">{count}H", answer, 2)


def write_request(place: Place, value: int) -> Request:
    """One coil (the value goes out as it is: 0xFF00 is on) or one register."""
    function = _WRITE_COIL if place.table is Table.COIL else _WRITE_REGISTER
    return Request(_TWO_WORDS.pack(function, place.address, value), 6)


def write_many_request(place: Place, values: Sequence[int]) -> Request:
    """Several coils (0 or 1) or registers from `place`."""
    if place.table is Table.COIL:
        size = -(-len(values) // 8)
        data = sum(bool(one) << at for at, one in enumerate(values)).to_bytes(size, "little")
        function = _WRITE_COILS
    else:
        data, function = struct.pack(f">{len(values)}H", *values), _WRITE_REGISTERS
    return Request(_TWO_WORDS.pack(function, place.address, len(values)) + bytes((len(data),)) + data, 6)


def check_echo(request: Request, answer: bytes) -> None:
    """Raise PeerViolation unless the board says that it wrote what was asked."""
    if answer != request.pdu[:5]:
        raise PeerViolation("it says that it wrote something else than it was told to")
