"""One Modbus TCP connection that believes nothing: every frame is checked before anyone sees it.

In: requests for one unit, one at a time (hold `turn` for those that belong together). Out: words, or what went wrong:
`NoAnswer` and `Declined` for one request, `LinkLost` when the connection is gone, `PeerViolation` when the board said
something no request of ours asked for. Refuses another unit's answer, answers to requests never sent, wrong lengths and
other protocols; a late answer to an earlier request is dropped. Never retries, never reconnects, never logs a frame.

Requests are written by pymodbus; carrying them is ours, because its client costs more than all the rest of a poll
(docs/adr/0004-modbus-connection.md).
"""

import asyncio
import logging
import struct
from collections.abc import Sequence
from functools import cache
from typing import cast

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from secd.model.errors import LinkLost, PeerViolation
from secd.runtime.clock import AnswerDeadline

# The library dumps frames, and so card numbers, at level DEBUG; what it says at other levels, we say better.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_HEADER = struct.Struct(">HHHBB")
"""Transaction, protocol (0), length of what follows it, unit, function: clause 3.1.3 of Modbus Messaging on TCP/IP V1.0b."""
_PREFIX = struct.Struct(">HHHB")
_COUNTED = 6
_TRANSACTIONS_MAX = 65_000
_LATE_MAX = 64
_EXCEPTION = 0x80
_CODES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


class NoAnswer(Exception):
    """One request was not answered in time."""


class Declined(Exception):
    """The board answered one request with a Modbus exception."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code} ({_CODES.get(code, 'not in the standard')})")
        self.code = code


class Connection(asyncio.Protocol):
    """One connection to one unit. `turn` is a queue: first come, first served."""

    def __init__(self, host: str, port: int, *, unit: int, timeout_s: float) -> None:
        self.turn = asyncio.Lock()
        self._host, self._port = host, port
        self._unit = unit
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._broken: LinkLost | PeerViolation | None = None
        self._held = b""
        self._late = 0
        self._transaction = 0
        self._function = 0
        self._length = 0
        self._answer: asyncio.Future[bytes] | None = None
        self._deadline = AnswerDeadline(self._miss)

    async def open(self) -> None:
        """Connect, or LinkLost."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._loop.create_connection(lambda: self, self._host, self._port)
        except (OSError, TimeoutError, UnicodeError) as error:
            self.close()
            raise LinkLost(f"no connection to {self._host}:{self._port}") from error

    def close(self) -> None:
        """End it; what still waits for an answer gets LinkLost."""
        self._break(LinkLost("the connection was closed"))

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self._broken is None and self._transport is not None

    async def read_input(self, address: int, count: int) -> Sequence[int]:
        """`count` input registers from `address` (FC04)."""
        answer = await self._ask(_read_request(address, count), 3 + 2 * count)
        return struct.unpack_from(f">{count}H", answer, 2)

    async def write_register(self, address: int, value: int) -> None:
        """One holding register (FC06)."""
        await self._ask(_encode(WriteSingleRegisterRequest(address=address, registers=[value])), 6)

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Several holding registers in one request (FC16)."""
        await self._ask(_encode(WriteMultipleRegistersRequest(address=address, registers=list(values))), 6)

    async def write_coil(self, address: int, on: bool) -> None:
        """One coil (FC05)."""
        await self._ask(_encode(WriteSingleCoilRequest(address=address, bits=[on])), 6)

    async def ask(self, request: bytes, length: int) -> bytes:
        """Any request by its function code and data: what a profile's driver sends. The answer begins with its function code."""
        return await self._ask(request, length)

    async def _ask(self, request: bytes, length: int) -> bytes:
        """Send one request and await its answer from the function code on; its frame counts `length` bytes."""
        if self._broken is not None:
            raise self._broken
        if self._transport is None:
            raise LinkLost(f"no connection to {self._host}:{self._port}")
        self._transaction = self._transaction % _TRANSACTIONS_MAX + 1
        self._function, self._length, self._late = request[0], length, 0
        waiting: asyncio.Future[bytes] = self._loop.create_future()
        self._answer = waiting
        self._deadline.set(self._timeout_s)
        self._transport.write(_PREFIX.pack(self._transaction, 0, len(request) + 1, self._unit) + request)
        try:
            answer = await waiting
        finally:
            self._answer = None
            self._deadline.clear()
        if answer[0] & _EXCEPTION:
            raise Declined(answer[1])
        return answer

    def _miss(self) -> None:
        if self._answer is not None and not self._answer.done():
            place = f"unit {self._unit} at {self._host}:{self._port}"
            self._answer.set_exception(NoAnswer(f"no answer from {place} within {self._timeout_s} s"))

    # --- what the loop calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected; perhaps too late."""
        self._transport = cast("asyncio.Transport", transport)
        if self._broken is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The board ended it, or we did."""
        self._break(LinkLost("it closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Some bytes: whole frames are taken, what is left is less than one."""
        held = self._held + data if self._held else data
        at = 0
        while len(held) - at >= _HEADER.size and self._broken is None:
            transaction, protocol, length, unit, function = _HEADER.unpack_from(held, at)
            wrong = self._fault_of(transaction, protocol, length, unit, function)
            end = at + _COUNTED + length
            if not wrong and len(held) < end:
                break
            if not wrong:
                wrong = self._take(transaction, held[at + _PREFIX.size : end])
            if wrong:
                self._break(PeerViolation(wrong))
            at = end
        self._held = held[at:]

    def _take(self, transaction: int, answer: bytes) -> str:
        """Hand over the answer to the present request; returns what is wrong. A few late and doubled ones are dropped."""
        if transaction != self._transaction or self._answer is None or self._answer.done():
            self._late += 1
            return "it answers without end what was asked before" if self._late > _LATE_MAX else ""
        if answer[0] == 4 and answer[1] != len(answer) - 2:
            return "it sent an answer whose byte count is wrong"
        self._answer.set_result(answer)
        return ""

    def _fault_of(self, transaction: int, protocol: int, length: int, unit: int, function: int) -> str:
        if protocol:
            return f"it sent something that is not Modbus (protocol {protocol})"
        if unit != self._unit:
            return f"unit {unit} answered a request to unit {self._unit}"
        if transaction != self._transaction:
            late = (self._transaction - transaction) % _TRANSACTIONS_MAX <= _LATE_MAX and 3 <= length <= 254
            return "" if late else "it answered a request that was never sent"
        if function & ~_EXCEPTION != self._function:
            return f"it answered function {self._function} with function {function}"
        if length != (3 if function & _EXCEPTION else self._length):
            return f"it sent {length} bytes where {self._length} answer the request"
        return ""

    def _break(self, error: LinkLost | PeerViolation) -> None:
        if self._broken is None:
            self._broken = error
        self._deadline.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._broken)


@cache
def _read_request(address: int, count: int) -> bytes:
    return _encode(ReadInputRegistersRequest(address=address, count=count))


def _encode(request: ModbusPDU) -> bytes:
    """Function code and data, as they stand behind the header."""
    return bytes((request.function_code,)) + request.encode()
