"""What the contract tests of modbus_io share: a driver under watch, and a hand-fed board that may say anything."""

import asyncio
import random
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Self, TypeVar

from secd.drivers.modbus_io import ModbusIoSettings
from secd.drivers.modbus_io.driver import ModbusIoDriver
from secd.model.facts import CardRead, DeviceTold, Fact, LinkChanged, OutputRead, PointChanged
from secd.model.names import DeviceId, OrderId
from secd.model.observation import DeviceCursor, Observation
from secd.model.order import DeviceAct, DeviceOrder, Outcome
from secd.model.secret import CardBits
from secd.runtime.clock import Clock, SystemClock
from simulators.door_controller.controller import DoorController
from simulators.faults import FaultyLink
from simulators.spoils import modbus_frames

DEVICE = DeviceId("board")
DEADLINE_S = 10.0
F = TypeVar("F", bound=Fact)


def settings(port: int, *, profile: str = "secd-door-controller", **more: object) -> ModbusIoSettings:
    written = {"driver": "modbus_io", "profile": profile, "address": f"tcp://127.0.0.1:{port}", "poll": "20ms", **more}
    return ModbusIoSettings.model_validate(written)


def card(number: int, bit_count: int = 26) -> CardBits:
    return CardBits(bit_count=bit_count, value=number)


class Watch:
    """Stands where the device's link stands: runs the driver, keeps what it reports, and knows what is committed."""

    def __init__(self, written: ModbusIoSettings, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.driver = ModbusIoDriver(DEVICE, written, self.clock)
        self.observations: list[Observation] = []
        self.committed: DeviceCursor | None = None
        self.commits_at_once = True
        self._reported = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self.driver.run(self._take, lambda: self.committed))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    async def ended(self) -> BaseException:
        """How the run ended."""
        assert self._task is not None
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.wait({self._task})
        error = self._task.exception()
        assert error is not None
        return error

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what was reported satisfies `condition`; the end of the run ends the wait too."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                assert self._task is not None
                self._reported.clear()
                waiting = asyncio.ensure_future(self._reported.wait())
                await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if self._task.done() and not condition():
                    await self._task

    async def up(self) -> None:
        await self.until(lambda: LinkChanged(up=True) in self.facts(LinkChanged))

    def facts(self, kind: type[F]) -> list[F]:
        return [one.fact for one in self.observations if isinstance(one.fact, kind)]

    def of(self, kind: type[Fact]) -> list[Observation]:
        return [one for one in self.observations if isinstance(one.fact, kind)]

    def points(self, point: str) -> list[PointChanged]:
        return [fact for fact in self.facts(PointChanged) if fact.point == point]

    def outputs(self, output: int) -> list[OutputRead]:
        return [fact for fact in self.facts(OutputRead) if fact.output == output]

    def reads(self) -> list[Observation]:
        return self.of(CardRead)

    def sequences(self) -> list[int]:
        return [one.cursor.sequence for one in self.reads() if one.cursor is not None]

    def told(self, what: str) -> list[DeviceTold]:
        return [fact for fact in self.facts(DeviceTold) if fact.what == what]

    async def perform(self, act: DeviceAct, *, expires_in_s: float = 5.0) -> Outcome:
        expires = self.clock.now().mono_s + expires_in_s
        order = DeviceOrder(id=OrderId("order"), device=DEVICE, act=act, expires_mono_s=expires)
        return await self.driver.perform(order)

    def _take(self, observation: Observation) -> None:
        self.observations.append(observation)
        if self.commits_at_once and observation.cursor is not None:
            self.committed = observation.cursor
        self._reported.set()


@asynccontextmanager
async def watched(written: ModbusIoSettings, clock: Clock | None = None) -> AsyncIterator[Watch]:
    """A driver that is up."""
    watch = Watch(written, clock)
    watch.start()
    try:
        await watch.up()
        yield watch
    finally:
        await watch.stop()


@asynccontextmanager
async def cabled(**written: object) -> AsyncIterator[tuple[DoorController, FaultyLink, Watch]]:
    """A door controller behind a cable that can be spoiled message by message, and a driver that is up."""
    async with (
        DoorController() as board,
        FaultyLink(board.port, framing=modbus_frames) as cable,
        watched(settings(cable.port, **written)) as watch,
    ):
        yield board, cable, watch


Answer = Callable[[bytes], bytes]
"""From a whole request frame to the bytes that come back, b"" for silence."""


class HandFedBoard:
    """A TCP peer whose every answer the test writes: the next of `answers`, then the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self._server: asyncio.Server | None = None
        self._asked = asyncio.Condition()
        self.requests: list[bytes] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def asked(self, count: int) -> None:
        """Wait for so many requests."""
        async with asyncio.timeout(DEADLINE_S), self._asked:
            await self._asked.wait_for(lambda: len(self.requests) >= count)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readexactly(6):
                frame = head + await reader.readexactly(int.from_bytes(head[4:], "big"))
                async with self._asked:
                    self.requests.append(frame)
                    self._asked.notify_all()
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                writer.write(answer(frame))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def registers(words: Sequence[int]) -> Answer:
    """The proper answer to a read: these words, as many as were asked for."""

    def answer(frame: bytes) -> bytes:
        count = int.from_bytes(frame[10:12], "big")
        body = bytes((frame[7], 2 * count)) + struct.pack(f">{count}H", *words[:count])
        return frame[:4] + (1 + len(body)).to_bytes(2, "big") + frame[6:7] + body

    return answer


def exception(code: int) -> Answer:
    """A Modbus exception."""
    return lambda frame: frame[:4] + b"\x00\x03" + frame[6:7] + bytes((frame[7] | 0x80, code))


def silence(frame: bytes) -> bytes:
    """No answer."""
    return b""


def garbage(frame: bytes) -> bytes:
    """Bytes of no protocol."""
    return random.Random(len(frame)).randbytes(40)
