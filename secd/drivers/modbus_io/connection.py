"""One Modbus TCP connection that believes nothing: the frame is checked before the library sees it.

In: requests for one unit, one at a time (hold `turn` for those that belong together). Out: words, or what went wrong:
`NoAnswer` and `Declined` for one request, `LinkLost` when the connection is gone, `PeerViolation` when the board said
something no request of ours asked for. Refuses another unit's answer, answers to requests never sent, wrong lengths and
other protocols; a late answer to an earlier request is dropped. Never retries, never reconnects, never logs a frame.
"""

import asyncio
import logging
import struct
from collections.abc import Awaitable, Callable, Sequence

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from secd.model.errors import LinkLost, PeerViolation

# The library dumps frames, and so card numbers, at level DEBUG; what it says at other levels, we say better.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)

_HEADER = struct.Struct(">HHHBB")
"""Transaction, protocol (0), length of what follows it, unit, function: clause 3.1.3 of Modbus Messaging on TCP/IP V1.0b."""
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


class _InputRegisters(ModbusPDU):
    """The answer to FC04, taken apart at once and never printed; its lengths are checked before the library has it."""

    function_code = 4

    def decode(self, data: bytes) -> None:
        self.registers = struct.unpack(f">{data[0] // 2}H", data[1:])

    def __str__(self) -> str:
        return "input registers"


class Connection:
    """One connection to one unit. `turn` is a queue: first come, first served."""

    def __init__(self, host: str, port: int, *, unit: int, timeout_s: float) -> None:
        self.turn = asyncio.Lock()
        self._place = f"{host}:{port}"
        self._unit = unit
        self._timeout_s = timeout_s
        self._client = AsyncModbusTcpClient(
            host,
            port=port,
            timeout=timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._screen,
            trace_connect=self._notice,
        )
        self._client.register(_InputRegisters)
        self._transaction = 0
        self._function = 0
        self._length = 0
        self._deadline: asyncio.Timeout | None = None
        self._broken: LinkLost | PeerViolation | None = None

    async def open(self) -> None:
        """Connect, or LinkLost."""
        if not await self._client.connect():
            raise LinkLost(f"no connection to {self._place}")

    def close(self) -> None:
        """End it; what still waits for an answer gets LinkLost."""
        if self._broken is None:
            self._broken = LinkLost("the connection was closed")
        self._client.close()
        self._cut()

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self._broken is None and self._client.connected

    async def read_input(self, address: int, count: int) -> Sequence[int]:
        """`count` input registers from `address` (FC04)."""
        answer = await self._ask(
            lambda: self._client.read_input_registers(address, count=count, device_id=self._unit), 3 + 2 * count
        )
        return answer.registers

    async def write_register(self, address: int, value: int) -> None:
        """One holding register (FC06)."""
        await self._ask(lambda: self._client.write_register(address, value, device_id=self._unit), 6)

    async def write_registers(self, address: int, values: Sequence[int]) -> None:
        """Several holding registers in one request (FC16)."""
        await self._ask(lambda: self._client.write_registers(address, list(values), device_id=self._unit), 6)

    async def write_coil(self, address: int, on: bool) -> None:
        """One coil (FC05)."""
        await self._ask(lambda: self._client.write_coil(address, on, device_id=self._unit), 6)

    async def _ask(self, send: Callable[[], Awaitable[ModbusPDU]], length: int) -> ModbusPDU:
        """Send one request and await its answer, whose frame counts `length` bytes behind the length field."""
        if self._broken is not None:
            raise self._broken
        self._length = length
        try:
            async with asyncio.timeout(None) as self._deadline:
                answer = await send()
                if (task := asyncio.current_task()) is not None and task.cancelling():
                    raise asyncio.CancelledError  # until 3.12 wait_for, in the library, loses one that meets its answer
        except TimeoutError:
            raise self._broken or NoAnswer(self._silence) from None
        except ModbusException as error:
            raise self._broken or NoAnswer(self._silence) from error
        finally:
            self._deadline = None
        if answer.isError():
            raise Declined(answer.exception_code)
        return answer

    @property
    def _silence(self) -> str:
        return f"no answer from unit {self._unit} at {self._place} within {self._timeout_s} s"

    def _screen(self, sending: bool, frames: bytes) -> bytes:
        """Called by the library with every frame it sends and with all it has received and not yet used."""
        if sending:
            self._transaction, _, _, _, self._function = _HEADER.unpack_from(frames)
            return frames
        at = 0
        while len(frames) - at >= _HEADER.size:
            transaction, protocol, length, unit, function = _HEADER.unpack_from(frames, at)
            wrong = self._fault_of(transaction, protocol, length, unit, function)
            end = at + _COUNTED + length
            if not wrong and transaction == self._transaction and function == 4 and len(frames) >= end:
                wrong = "" if frames[at + 8] == length - 3 else "it sent an answer whose byte count is wrong"
            if wrong:
                self._break(PeerViolation(wrong))
                return b""
            at = end
        return frames

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

    def _notice(self, connected: bool) -> None:
        if not connected:
            self._break(LinkLost("it closed the connection"))

    def _break(self, error: LinkLost | PeerViolation) -> None:
        if self._broken is None:
            self._broken = error
        self._client.close()
        self._cut()

    def _cut(self) -> None:
        if self._deadline is not None and self._deadline.when() is None:
            self._deadline.reschedule(0.0)
