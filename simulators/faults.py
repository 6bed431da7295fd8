"""What goes wrong between secd and a device: `FaultyLink`, a cable that misbehaves on demand.

In: TCP connections on a loopback port. Out: the same bytes to and from the real server's port, spoiled as asked: cut
silently or with a reset, delayed, lost, garbled, halved, doubled, split, or answered in another's name. It stands in
front of any server (Modbus board, camera, broker). Every fault is bounded in bytes, count and time. It refuses to leave
the loopback. The simulators' own faults are at the end: a clock that jumps and a login that is changed.
"""

import asyncio
import random
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Self

from annotated_types import Ge, Le

from simulators.spoils import FLOOD_BYTES, Framing, Spoil, Spoiled, Then, Towards, any_bytes, spoil_message

HOST: Final = "127.0.0.1"
CHUNK_BYTES_MAX: Final = 65_536
SPLIT_GAP_S: Final = 0.002
DELAY_S_MAX: Final = 60.0
SPOILS_QUEUED_MAX: Final = 1000
CONNECTIONS_MAX: Final = 256
CONNECT_S_MAX: Final = 5.0


class Cut(StrEnum):
    """How a link is broken until `restore`."""

    SILENT = "silent"
    """The cable is pulled: connections stay, new ones are taken, nothing passes; what was sent arrives after `restore`."""
    REFUSED = "refused"
    """The peer has no power: connections are reset, new ones refused."""


_Ends = list[asyncio.StreamWriter]


class FaultyLink:
    """A cable between clients and `target_port`. Use as `async with FaultyLink(...) as link`; connect to `link.port`.

    `framing` says what one message is, so that exactly one is spoiled. It is also a simulator of the control interface.
    """

    def __init__(
        self,
        target_port: int,
        *,
        name: str = "link",
        port: int = 0,
        framing: Framing = any_bytes,
        chance: random.Random | None = None,
    ) -> None:
        self.name = name
        self.target_port = target_port
        self._framing = framing
        self._chance = chance or random.Random()
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self._server: asyncio.Server | None = None
        self._passing = asyncio.Event()
        self._passing.set()
        self._cut: Cut | None = None
        self._delay_s = 0.0
        self._spoils: dict[Towards, deque[Spoil]] = {towards: deque() for towards in Towards}
        self._carriers: dict[asyncio.Task[None], _Ends] = {}

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Take the cable away."""
        self._stop_listening()
        self._socket.close()
        carriers = list(self._carriers)
        for carrier in carriers:
            carrier.cancel()
        await asyncio.gather(*carriers, return_exceptions=True)

    async def cut(self, how: Cut = Cut.SILENT) -> None:
        """Break the link until `restore`."""
        if self._cut is Cut.REFUSED and how is Cut.SILENT:
            await self._listen()
        if self._cut is not Cut.REFUSED and how is Cut.REFUSED:
            self._stop_listening()
            self._socket = _bound(self.port)  # bound but not listening: refuses, and keeps the port ours
            self.reset()
        if how is Cut.SILENT:
            self._passing.clear()
        self._cut = how

    async def restore(self) -> None:
        """Mend the cable; messages still waiting to be spoiled are let off."""
        if self._cut is Cut.REFUSED:
            await self._listen()
        self._cut = None
        self._delay_s = 0.0
        for spoils in self._spoils.values():
            spoils.clear()
        self._passing.set()

    def delay(self, seconds: Annotated[float, Ge(0), Le(DELAY_S_MAX)]) -> None:
        """Hold every message this long, each way."""
        if not 0 <= seconds <= DELAY_S_MAX:
            raise ValueError(f"a delay is 0 to {DELAY_S_MAX:.0f} seconds")
        self._delay_s = seconds

    def spoil(
        self,
        what: Spoil,
        *,
        messages: Annotated[int, Ge(1), Le(SPOILS_QUEUED_MAX)] = 1,
        towards: Towards = Towards.CLIENT,
    ) -> None:
        """Spoil the next `messages` messages of one direction; more wait their turn behind those asked for earlier."""
        waiting = self._spoils[towards]
        if not 1 <= messages <= SPOILS_QUEUED_MAX - len(waiting):
            raise ValueError(f"at most {SPOILS_QUEUED_MAX} messages can wait to be spoiled; {len(waiting)} do")
        waiting.extend([what] * messages)

    def reset(self) -> None:
        """Reset every connection there is now; new ones are welcome."""
        for carrier, ends in self._carriers.items():
            for end in ends:
                _reset(end)
            carrier.cancel()

    def actions(self) -> Mapping[str, Callable[..., object]]:
        """What the control interface may do."""
        return {"cut": self.cut, "restore": self.restore, "delay": self.delay, "spoil": self.spoil, "reset": self.reset}

    def state(self) -> dict[str, object]:
        """How the link stands."""
        return {
            "port": self.port,
            "target_port": self.target_port,
            "cut": self._cut,
            "delay_s": self._delay_s,
            "connections": len(self._carriers),
            "to_spoil": {towards.value: len(spoils) for towards, spoils in self._spoils.items()},
        }

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, sock=self._socket)

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._carriers) >= CONNECTIONS_MAX:
            _reset(writer)
            return
        ends = [writer]
        carrier = asyncio.create_task(self._carry(reader, writer, ends))
        self._carriers[carrier] = ends
        carrier.add_done_callback(lambda done: self._carriers.pop(done, None))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ends: _Ends) -> None:
        try:
            await self._passing.wait()
            async with asyncio.timeout(CONNECT_S_MAX):
                from_server, to_server = await asyncio.open_connection(HOST, self.target_port)
            ends.append(to_server)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, to_server, Towards.SERVER))
                both.create_task(self._pump(from_server, writer, Towards.CLIENT))
        except* OSError:
            for end in ends:
                _reset(end)
        finally:
            for end in ends:
                end.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, towards: Towards) -> None:
        held = b""
        while chunk := await source.read(CHUNK_BYTES_MAX):
            held += chunk
            while size := self._framing(held):
                message, held = held[:size], held[size:]
                if await self._pass_on(message, sink, towards) is Then.SILENT:
                    await _read_to_the_end(source)
                    return
            if len(held) > FLOOD_BYTES:
                raise ConnectionError("no message ends within a mebibyte")
        await self._passing.wait()
        sink.write(held)
        if sink.can_write_eof():
            sink.write_eof()

    async def _pass_on(self, message: bytes, sink: asyncio.StreamWriter, towards: Towards) -> Then:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        await self._passing.wait()
        spoils = self._spoils[towards]
        spoiled = spoil_message(message, spoils.popleft(), self._chance) if spoils else Spoiled(pieces=(message,))
        for number, piece in enumerate(spoiled.pieces):
            if number:
                await asyncio.sleep(SPLIT_GAP_S)
            sink.write(piece)
            await sink.drain()
        if spoiled.then is Then.RESET:
            raise ConnectionResetError("reset as asked")
        return spoiled.then


class SimulatedClock:
    """A device's own wall clock, which can be wrong. `monotonic` is the device's steady one."""

    def __init__(
        self, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._off_s = 0.0

    def utc(self) -> datetime:
        """What the device believes the time is."""
        return datetime.fromtimestamp(self._wall() + self._off_s, UTC)

    def mono_s(self) -> float:
        """Seconds of the device's steady clock."""
        return self._monotonic()

    def jump(self, seconds: Annotated[float, Ge(-4e8), Le(4e8)]) -> None:
        """Step the wall clock, forward or back."""
        self._off_s += seconds


class Login:
    """The one account of a device. `change` makes every client's stored password wrong."""

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self.password = password

    def admits(self, username: str, password: str) -> bool:
        """Whether these are the right ones now."""
        return (username, password) == (self.username, self.password)

    def change(self, password: str) -> None:
        """Set another password."""
        self.password = password


async def _read_to_the_end(source: asyncio.StreamReader) -> None:
    while await source.read(CHUNK_BYTES_MAX):
        continue


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(0)
    sock.bind((HOST, port))
    return sock


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
