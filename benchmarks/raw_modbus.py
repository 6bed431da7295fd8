"""Floors: the least that can poll the same boards, release a door for a card, and publish a press. And a bare library.

In: ports and what to do, as arguments; `python -m benchmarks.raw_modbus`. Out: what was seen, and CPU time. It checks
nothing, stores nothing and decides nothing: no frame is screened, no order is read back, every card opens its door.
"""

import asyncio
import importlib
import json
import resource
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, cast

import uvloop

from benchmarks.commands import say, serve_commands
from secd.wire import door_controller as door
from secd.wire import panic_panel as panel

_FRAME = struct.Struct(">HHHBBHH")
_LONG = struct.Struct(">I")
_BODY = 9
_NEWEST = slice(_BODY + 2 * 10, _BODY + 2 * 12)
_PULSE_TENTHS = 20
_READ = 2
"""The transaction of a card's entry; a poll's is 1, a pulse's 3."""


class Heard(Protocol):
    """Called with a board or panel when something changed there."""

    def __call__(self, number: int, what: int) -> None:
        """`what`: the reader of a card, or the input that was pressed."""


class RawClient(asyncio.Protocol):
    """One board: asks every `period_s`, takes what comes."""

    def __init__(self, number: int, words: int, steady_words: int, heard: Heard) -> None:
        self._number = number
        self._ask = _FRAME.pack(1, 0, 6, 1, 4, 0, words)
        self._answer_bytes = _BODY + 2 * words
        self._steady_bytes = _BODY + 2 * steady_words
        self._heard = heard
        self._steady = b""
        self._newest = b""
        self.transport: asyncio.Transport | None = None
        self.answered = 0
        self.first = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self.transport = cast("asyncio.Transport", transport)

    def poll(self, loop: asyncio.AbstractEventLoop, due: float, period_s: float) -> None:
        """Ask now, and again."""
        assert self.transport is not None  # noqa: S101 -- it is connected
        self.transport.write(self._ask)
        loop.call_at(due + period_s, self.poll, loop, due + period_s, period_s)

    def data_received(self, data: bytes) -> None:
        """Answers; on the loopback each comes whole, sometimes two at once."""
        while data:
            whole = 6 + int.from_bytes(data[4:6], "big")
            self._take(data[:whole])
            data = data[whole:]

    def _take(self, answer: bytes) -> None:
        if len(answer) == self._answer_bytes:
            self.answered += 1
            if not self.first.done():
                self.first.set_result(None)
            if answer[_BODY : self._steady_bytes] != self._steady:
                self._changed(answer)
        elif answer[1] == _READ:
            reader = int.from_bytes(answer[_BODY + 4 : _BODY + 6], "big")
            self._heard(self._number, reader)
            assert self.transport is not None  # noqa: S101 -- it is connected
            self.transport.write(_FRAME.pack(3, 0, 6, 1, 6, door.PULSE_ENERGISE + reader - 1, _PULSE_TENTHS))

    def _changed(self, data: bytes) -> None:
        before, self._steady = self._steady, data[_BODY : self._steady_bytes]
        if not before:
            self._newest = data[_NEWEST]
        elif self._answer_bytes == _BODY + 2 * panel.STATUS_WORDS:
            states = int.from_bytes(self._steady[18:20] + self._steady[20:22], "big")
            risen = states & ~int.from_bytes(before[18:20] + before[20:22], "big")
            for code in range(16):
                at = 16 * (1 - code // 8) + 2 * (code % 8)
                if risen >> at & 3 == 1:
                    self._heard(self._number, code + 1)
        elif data[_NEWEST] != self._newest:
            (last,), (newest,) = _LONG.unpack(self._newest), _LONG.unpack(data[_NEWEST])
            self._newest = data[_NEWEST]
            assert self.transport is not None  # noqa: S101 -- it is connected
            for slot in map(door.slot_of, range(last + 1, newest + 1)):
                at = door.FIFO + slot * door.ENTRY_WORDS
                self.transport.write(_FRAME.pack(_READ, 0, 6, 1, 4, at, door.ENTRY_WORDS))


class Raw:
    """All boards of a site, polled in phases."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._ports: list[int] = arguments["ports"]
        self._boards: int = arguments["boards"]
        self._clients: list[RawClient] = []
        self._seen: list[tuple[int, int, float]] = []
        self.publish: Callable[[int, int], None] | None = None

    async def connect(self) -> None:
        """Connect to every board and read each once."""
        loop = asyncio.get_running_loop()
        for number, port in enumerate(self._ports):
            is_door = number < self._boards
            words, steady = (
                (door.STATUS_WORDS, door.STEADY_WORDS) if is_door else (panel.STATUS_WORDS, panel.STEADY_WORDS)
            )
            made = RawClient(number, words, steady, self._hear)
            await loop.create_connection(lambda made=made: made, "127.0.0.1", port)  # type: ignore[misc]
            assert made.transport is not None  # noqa: S101 -- it is connected
            made.transport.write(_FRAME.pack(1, 0, 6, 1, 4, 0, words))
            self._clients.append(made)
        await asyncio.gather(*(one.first for one in self._clients))

    async def start(self, period_s: float) -> dict[str, Any]:
        """Poll from now on."""
        loop = asyncio.get_running_loop()
        for number, one in enumerate(self._clients):
            due = loop.time() + period_s * number / len(self._clients)
            loop.call_at(due, one.poll, loop, due, period_s)
        return {}

    async def usage(self) -> dict[str, Any]:
        """CPU time so far, and what was polled."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        polls = sum(one.answered for one in self._clients)
        return {"cpu_s": used.ru_utime + used.ru_stime, "at": time.monotonic(), "polls": polls}

    async def seen(self) -> dict[str, Any]:
        """(board, reader or input, moment) of everything seen."""
        return {"seen": self._seen}

    def _hear(self, number: int, what: int) -> None:
        self._seen.append((number, what, time.time()))
        if number >= self._boards and self.publish is not None:
            self.publish(number - self._boards, what)


class BareLibrary:
    """A loop of pymodbus for each board: read the status, sleep."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._ports: list[int] = arguments["ports"]
        self._tasks: list[asyncio.Task[None]] = []
        self._polls = 0

    async def connect(self) -> None:
        """Connect to every board."""
        from pymodbus.client import AsyncModbusTcpClient

        self._clients = [AsyncModbusTcpClient("127.0.0.1", port=port, timeout=0.3, retries=0) for port in self._ports]
        for client in self._clients:
            await client.connect()

    async def start(self, period_s: float) -> dict[str, Any]:
        """Poll from now on."""
        for number, client in enumerate(self._clients):
            phase_s = period_s * number / len(self._clients)
            self._tasks.append(asyncio.create_task(self._poll(client, phase_s, period_s)))
        return {}

    async def usage(self) -> dict[str, Any]:
        """CPU time so far, and what was polled."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {"cpu_s": used.ru_utime + used.ru_stime, "at": time.monotonic(), "polls": self._polls}

    async def _poll(self, client: Any, phase_s: float, period_s: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + phase_s
        while True:
            await asyncio.sleep(due - loop.time())
            await client.read_input_registers(0, count=door.STATUS_WORDS, device_id=1)
            self._polls += 1
            due = max(due + period_s, loop.time())


async def serve(arguments: dict[str, Any]) -> None:
    """Connect, say so, and do as told until the input ends."""
    for module in arguments.get("imports", ()):
        importlib.import_module(module)
    client: Raw | BareLibrary = BareLibrary(arguments) if arguments.get("library") else Raw(arguments)
    await client.connect()
    broker = arguments.get("broker")
    if broker is None or isinstance(client, BareLibrary):
        say({"connected": time.time()})
        await serve_commands(client)
        return
    import aiomqtt

    v5, password = aiomqtt.ProtocolVersion.V5, broker["password"]
    async with aiomqtt.Client("127.0.0.1", broker["port"], protocol=v5, username="secd", password=password) as session:
        sending: set[asyncio.Task[None]] = set()

        def publish(number: int, what: int) -> None:
            sent = asyncio.create_task(session.publish(broker["topic"], json.dumps([number, what]), qos=1))
            sending.add(sent)
            sent.add_done_callback(sending.discard)

        client.publish = publish
        say({"connected": time.time()})
        await serve_commands(client)


if __name__ == "__main__":
    uvloop.run(serve(json.loads(sys.argv[1])))
