"""A small relay board that speaks lines over a real TCP socket, and its driver: for tests of links and actions.

client: HELLO <password>         board: NO | OUT <n> <energised> <pulsing> ... READY
client: <id> SET <n> <0|1>       board: <id> OK, then OUT ...
client: <id> PULSE <n> <0|1> <s> board: <id> OK, then OUT ...; the test ends the pulse
client: <id> SIGNAL <n> <0|1>    board: <id> OK
client: <id> PICTURE             board: <id> OK <hex>
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NoReturn

from secd.config.types import SecretRef, Settings, Text
from secd.drivers.protocol import Family, Report, ResolveSecret, Resume
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.facts import LinkChanged, OutputRead
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.order import DeviceAct, DeviceOrder, FetchPicture, Outcome, PulseOutput, SetOutput, SetSignal
from secd.runtime.clock import Clock
from secd.runtime.supervisor import contain

HELLO_S_MAX = 5.0
PICTURE = b"\xff\xd8 a small picture \xff\xd9"


@dataclass
class RelayBoard:
    """The board. `received` is every order line as it came; the flags spoil it in one way each."""

    outputs: dict[int, bool] = field(default_factory=lambda: {1: False, 2: False})
    pulsing: set[int] = field(default_factory=set)
    password: str = "open-sesame"
    received: list[str] = field(default_factory=list)
    mute: bool = False
    refuse_orders: bool = False
    deaf: bool = False
    stuck: bool = False
    holding: bool = False
    garbage: bool = False
    connections: int = 0
    port: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _held: list[Callable[[], None]] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.drop()
            await self._server.wait_closed()
            self._server = None

    def drop(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def say(self, line: str) -> None:
        for writer in self._writers:
            writer.write(f"{line}\n".encode())

    def turn(self, output: int, *, energised: bool, pulsing: bool = False) -> None:
        """The relay moves, whoever moved it."""
        self.outputs[output] = energised
        self.pulsing.discard(output)
        if pulsing:
            self.pulsing.add(output)
        self.say(self._state(output))

    def end_pulse(self, output: int) -> None:
        self.turn(output, energised=not self.outputs[output])

    async def orders(self, count: int) -> list[str]:
        """Every order so far, once there are `count` of them."""
        async with asyncio.timeout(5):
            while len(self.received) < count:
                self.changed.clear()
                await self.changed.wait()
        return [line.partition(" ")[2] for line in self.received]

    def _state(self, output: int) -> str:
        return f"OUT {output} {int(self.outputs[output])} {int(output in self.pulsing)}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            hello = (await reader.readline()).decode().split()
            if self.garbage:
                writer.write(b"\x00\xff what?\n")
            elif hello != ["HELLO", self.password]:
                writer.write(b"NO\n")
            elif not self.mute:
                for output in self.outputs:
                    writer.write(f"{self._state(output)}\n".encode())
                writer.write(b"READY\n")
                await self._answer_orders(reader, writer)
            else:
                await reader.read()
        except (ConnectionError, asyncio.CancelledError):
            return
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer_orders(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            self.received.append(line)
            self.changed.set()
            if self.holding:
                self._held.append(lambda line=line: self._answer(line, writer))
            elif not self.deaf:
                self._answer(line, writer)

    def answer_next(self) -> None:
        """While `holding`: carry out and answer the oldest order."""
        self._held.pop(0)()

    def _answer(self, line: str, writer: asyncio.StreamWriter) -> None:
        order, verb, *words = line.split()
        if self.refuse_orders:
            writer.write(f"{order} FAIL\n".encode())
            return
        writer.write(f"{order} OK{' ' + PICTURE.hex() if verb == 'PICTURE' else ''}\n".encode())
        if verb in {"SET", "PULSE"} and not self.stuck:
            self.turn(int(words[0]), energised=words[1] == "1", pulsing=verb == "PULSE")


class RelaySettings(Settings):
    """One relay board."""

    driver: Literal["relay_board"] = "relay_board"
    port: int
    password: SecretRef = SecretRef(environment="RELAY_PASSWORD")
    label: Text | None = None
    breaks: bool = False


class RelayDriver:
    """Speaks to a RelayBoard. `runs` tells when a run of any driver to a port began (+1) and had let go of it (-1)."""

    runs: ClassVar[list[tuple[int, int]]] = []

    def __init__(self, device: DeviceId, settings: RelaySettings, clock: Clock, password: str) -> None:
        self._device, self._settings, self._clock, self._password = device, settings, clock, password
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[str, asyncio.Future[list[str]]] = {}
        self._turn = asyncio.Lock()

    async def run(self, report: Report, resume: Resume) -> NoReturn:
        resume()
        if self._settings.breaks:
            raise ZeroDivisionError("a bug in the driver")
        try:
            async with asyncio.timeout(HELLO_S_MAX):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._settings.port)
        except OSError as error:
            raise LinkLost(f"cannot connect: {error.strerror}") from error
        try:
            self.runs.append((self._settings.port, +1))
            writer.write(f"HELLO {self._password}\n".encode())
            self._writer = writer
            await self._read(reader, report)
        except ConnectionError as error:
            raise LinkLost("the board cut the connection") from error
        finally:
            self._writer = None
            writer.close()
            await contain(writer.wait_closed())
            self.runs.append((self._settings.port, -1))

    async def _read(self, reader: asyncio.StreamReader, report: Report) -> NoReturn:
        initial = True
        while line := (await reader.readline()).decode(errors="replace").split():
            match line:
                case ["NO"]:
                    raise Refused("the board does not accept our password")
                case ["READY"]:
                    initial = False
                    self._say(report, LinkChanged(up=True))
                case ["OUT", output, energised, pulsing]:
                    fact = OutputRead(
                        output=int(output), energised=energised == "1", pulsing=pulsing == "1", initial=initial
                    )
                    self._say(report, fact)
                case [order, "OK" | "FAIL", *_]:
                    answer = self._answers.pop(order, None)  # None: its order was cut short meanwhile
                    if answer is not None:
                        answer.set_result(line[1:])
                case _:
                    raise PeerViolation("the board said something it may not")
        raise LinkLost("the board closed the connection")

    async def perform(self, order: DeviceOrder) -> Outcome:
        async with self._turn:
            if self._writer is None:
                raise LinkLost("not connected")
            answer: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
            self._answers[order.id] = answer
            try:
                self._writer.write(f"{order.id} {spell(order.act)}\n".encode())
                word, *rest = await answer
            finally:
                self._answers.pop(order.id, None)
        picture = bytes.fromhex(rest[0]) if rest else None
        return Outcome(order=order.id, done=word == "OK", detail="" if word == "OK" else "refused", picture=picture)

    def _say(self, report: Report, fact: OutputRead | LinkChanged) -> None:
        report(Observation(device=self._device, fact=fact, seen=self._clock.now()))


def spell(act: DeviceAct) -> str:
    match act:
        case SetOutput():
            return f"SET {act.output} {int(act.energised)}"
        case PulseOutput():
            return f"PULSE {act.output} {int(act.energise)} {act.duration_s:g}"
        case SetSignal():
            return f"SIGNAL {act.reader} {int(act.granted)}"
        case FetchPicture():
            return "PICTURE"


def build(device: DeviceId, settings: RelaySettings, clock: Clock, resolve: ResolveSecret) -> RelayDriver:
    return RelayDriver(device, settings, clock, resolve(settings.password).reveal())


FAMILY = Family(
    name="relay_board",
    settings=RelaySettings,
    build=build,
    place=lambda settings: f"127.0.0.1:{settings.port}",
    points=lambda settings: frozenset({"output/1", "output/2", "reader/1", ""}),
)


@asynccontextmanager
async def relay_board(**flags: bool) -> AsyncIterator[RelayBoard]:
    board = RelayBoard(**flags)
    await board.start()
    try:
        yield board
    finally:
        await board.stop()
