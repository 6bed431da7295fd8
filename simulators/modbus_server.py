"""A Modbus/TCP server for simulated boards, for any client: several connections, pipelined requests, exceptions.

In: bytes of the Modbus Messaging on TCP/IP Implementation Guide V1.0b. Out: a board's answers (`Registers`). A request
for another unit gets no answer; a header that is not Modbus ends the connection. It knows no register map and no time:
it hands the moment to the board.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol, cast, runtime_checkable

HOST: Final = "127.0.0.1"
CONNECTIONS_MAX: Final = 16
_HEADER: Final = struct.Struct(">HHHB")
_TWO_WORDS: Final = struct.Struct(">HH")
_LENGTH_MAX: Final = 254  # unit and a PDU of at most 253 bytes
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3


class ModbusError(Exception):
    """Answered as an exception with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class Registers(Protocol):
    """A board as its registers show it at the moment `now` (seconds of its own clock). Methods raise ModbusError."""

    def feed(self, now: float) -> None:
        """A request for this unit came."""

    def read_coils(self, address: int, count: int, now: float) -> Sequence[bool]:
        """FC01."""

    def read_holding(self, address: int, count: int, now: float) -> Sequence[int]:
        """FC03."""

    def read_input(self, address: int, count: int, now: float) -> bytes:
        """FC04, as the bytes that go out."""

    def write_coils(self, address: int, values: Sequence[bool], now: float) -> None:
        """FC05, FC15: all or nothing."""

    def write_holding(self, address: int, values: Sequence[int], now: float) -> None:
        """FC06, FC16: all or nothing."""


@runtime_checkable
class Answering(Protocol):
    """A board that answers whole requests itself, from the function code on."""

    def answer(self, request: bytes) -> bytes:
        """The answer, an exception included."""


def answer_request(board: Registers, request: bytes, now: float) -> bytes:
    """The answer to one request, both without header and unit; an exception where the board or the standard says so."""
    function = request[0]
    answer = _FUNCTIONS.get(function)
    try:
        if answer is None:
            raise ModbusError(ILLEGAL_FUNCTION)
        return bytes((function,)) + answer(board, request, now)
    except ModbusError as error:
        return bytes((function | 0x80, error.code))


class ModbusServer:
    """One listener for one unit. `asked` is called after every request that was for it."""

    def __init__(
        self,
        board: Registers | Answering,
        clock: Callable[[], float],
        *,
        unit: int = 1,
        asked: Callable[[], None] | None = None,
    ) -> None:
        self._respond = board.answer if isinstance(board, Answering) else partial(self._look_up, board)
        self._clock = clock
        self._unit = unit
        self._asked = asked
        self._server: asyncio.Server | None = None
        self._connections: dict[_Connection, None] = {}
        self.request_count = 0

    async def start(self, port: int = 0) -> int:
        """Listen on the loopback; returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), HOST, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.drop_connections()

    def drop_connections(self) -> None:
        """End every connection there is, as a reboot does; new ones are welcome."""
        for connection in list(self._connections):
            connection.drop()

    @property
    def connection_count(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def join(self, connection: "_Connection") -> None:
        """Take a new connection; the oldest gives way when there are too many, as on boards with few sockets."""
        if len(self._connections) >= CONNECTIONS_MAX:
            next(iter(self._connections)).drop()
        self._connections[connection] = None

    def leave(self, connection: "_Connection") -> None:
        """A connection ended."""
        self._connections.pop(connection, None)

    def answer(self, transaction: int, unit: int, request: bytes) -> bytes:
        """The whole answer to one request; nothing for another unit."""
        if unit != self._unit:
            return b""
        self.request_count += 1
        answer = self._respond(request)
        if self._asked is not None:
            self._asked()
        return _HEADER.pack(transaction, 0, len(answer) + 1, unit) + answer

    def _look_up(self, board: Registers, request: bytes) -> bytes:
        now = self._clock()
        board.feed(now)
        return answer_request(board, request, now)


class _Connection(asyncio.Protocol):
    """One client. Holds at most one unfinished request; stops reading while the client does not take its answers."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.leave(self)

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def drop(self) -> None:
        """End this connection now."""
        self._server.leave(self)
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        held = self._held + data if self._held else data
        answers = []
        at = 0
        while len(held) - at >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(held, at)
            if protocol != 0 or not 2 <= length <= _LENGTH_MAX:
                self.drop()
                return
            end = at + 6 + length
            if end > len(held):
                break
            answers.append(self._server.answer(transaction, unit, held[at + _HEADER.size : end]))
            at = end
        self._held = held[at:]
        if self._transport is not None and answers:
            self._transport.write(b"".join(answers))


def _two_words(request: bytes) -> tuple[int, int]:
    if len(request) != 5:
        raise ModbusError(ILLEGAL_VALUE)
    return cast("tuple[int, int]", _TWO_WORDS.unpack_from(request, 1))


def _span(request: bytes, count_max: int) -> tuple[int, int]:
    address, count = _two_words(request)
    if not 1 <= count <= count_max:
        raise ModbusError(ILLEGAL_VALUE)
    return address, count


def _written(request: bytes, count_max: int, bits: int) -> tuple[int, int, bytes]:
    """Address, count and the data of a write of several values of so many bits."""
    if len(request) < 6:
        raise ModbusError(ILLEGAL_VALUE)
    address, count = _span(request[:5], count_max)
    data = request[6:]
    if not request[5] == len(data) == -(-count * bits // 8):
        raise ModbusError(ILLEGAL_VALUE)
    return address, count, data


def _read_coils(board: Registers, request: bytes, now: float) -> bytes:
    address, count = _span(request, 2000)
    packed = sum(on << at for at, on in enumerate(board.read_coils(address, count, now)))
    size = -(-count // 8)
    return bytes((size,)) + packed.to_bytes(size, "little")


def _read_holding(board: Registers, request: bytes, now: float) -> bytes:
    address, count = _span(request, 125)
    words = board.read_holding(address, count, now)
    return struct.pack(f">B{count}H", 2 * count, *words)


def _read_input(board: Registers, request: bytes, now: float) -> bytes:
    address, count = _span(request, 125)
    return bytes((2 * count,)) + board.read_input(address, count, now)


def _write_coil(board: Registers, request: bytes, now: float) -> bytes:
    address, value = _two_words(request)
    if value not in {0x0000, 0xFF00}:
        raise ModbusError(ILLEGAL_VALUE)
    board.write_coils(address, (value == 0xFF00,), now)
    return request[1:]


def _write_register(board: Registers, request: bytes, now: float) -> bytes:
    address, value = _two_words(request)
    board.write_holding(address, (value,), now)
    return request[1:]


def _write_coils(board: Registers, request: bytes, now: float) -> bytes:
    address, count, data = _written(request, 1968, 1)
    packed = int.from_bytes(data, "little")
    board.write_coils(address, [bool(packed >> at & 1) for at in range(count)], now)
    return request[1:5]


def _write_registers(board: Registers, request: bytes, now: float) -> bytes:
    address, count, data = _written(request, 123, 16)
    board.write_holding(address, struct.unpack(f">{count}H", data), now)
    return request[1:5]


_FUNCTIONS: Final[dict[int, Callable[[Registers, bytes, float], bytes]]] = {
    1: _read_coils,
    3: _read_holding,
    4: _read_input,
    5: _write_coil,
    6: _write_register,
    15: _write_coils,
    16: _write_registers,
}
