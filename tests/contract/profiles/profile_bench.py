"""One bench for every profile: its simulator, a cable, and its driver under watch, whether native or made of the profile.

`Bench` speaks of contacts, relays and cards; where a simulator of our own boards does it in other words, they are
translated here.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from secd.config.load import load_site
from secd.config.modbus.format import Profile
from secd.config.modbus.load import SECTION, SHIPPED, load_profiles, shipped_profile
from secd.devices.section import SECTIONS
from secd.drivers.modbus_io import FAMILY, ModbusIoSettings
from secd.drivers.protocol import Driver
from secd.model.facts import CardRead, DeviceTold, Fact, LinkChanged, OutputRead, PointChanged
from secd.model.names import DeviceId, OrderId
from secd.model.observation import DeviceCursor, Observation
from secd.model.order import DeviceAct, DeviceOrder, Outcome
from secd.model.secret import CardBits, Secret
from secd.runtime.clock import Clock, SystemClock
from secd.wire.registers import ResetCause
from simulators.door_controller.controller import DoorController
from simulators.faults import FaultyLink
from simulators.panic_panel.panel import PanicPanel
from simulators.profile_board.board import ProfileBoard
from simulators.profile_board.electronics import VendorTool
from simulators.profile_board.tables import Quirks
from simulators.spoils import modbus_frames

DEADLINE_S = 10.0
DEVICE = DeviceId("board")
QUIRKS_FILE = Path(__file__).parents[2] / "profiles" / "quirks.yaml"
QUIRKS = load_profiles(QUIRKS_FILE)
PROFILES: dict[str, Profile] = {**{name: shipped_profile(name) for name in SHIPPED}, **QUIRKS}
F = TypeVar("F", bound=Fact)


def profiles_with(condition: Callable[[Profile], object]) -> pytest.MarkDecorator:
    """Parametrise a test over every profile that has something."""
    return pytest.mark.parametrize("name", [name for name, profile in PROFILES.items() if condition(profile)])


def settings(name: str, address: str, directory: Path, **more: Any) -> ModbusIoSettings:
    """A device's settings, by the loader every site goes through; made-up profiles are the site's own."""
    keys = {"driver": "modbus_io", "profile": name, "address": address, "poll": "20ms", **more}
    text = ", ".join(f"{key}: {value}" for key, value in keys.items())
    (directory / "devices.yaml").write_text(f"devices:\n  board: {{{text}}}\n")
    (directory / "profiles.yaml").write_text(QUIRKS_FILE.read_text())
    loaded = load_site(directory, (SECTION, *SECTIONS))
    found = loaded.values["devices"]["board"]
    assert isinstance(found, ModbusIoSettings)
    return found


class Watch:
    """Stands where the device's link stands: runs the driver, keeps what it reports, and knows what is committed."""

    def __init__(self, written: ModbusIoSettings, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.settings = written
        self.driver: Driver = FAMILY.build(DEVICE, written, self.clock, lambda _: Secret(""))
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
            self._task = None

    async def ended(self) -> BaseException:
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
        told = len(self.facts(LinkChanged))
        self.start()
        await self.until(lambda: len(self.facts(LinkChanged)) > told)

    async def perform(self, act: DeviceAct, *, expires_in_s: float = 5.0) -> Outcome:
        expires = self.clock.now().mono_s + expires_in_s
        return await self.driver.perform(
            DeviceOrder(id=OrderId("order"), device=DEVICE, act=act, expires_mono_s=expires)
        )

    def facts(self, kind: type[F]) -> list[F]:
        return [one.fact for one in self.observations if isinstance(one.fact, kind)]

    def of(self, kind: type[Fact]) -> list[Observation]:
        return [one for one in self.observations if isinstance(one.fact, kind)]

    def points(self, number: int) -> list[PointChanged]:
        return [fact for fact in self.facts(PointChanged) if fact.point == f"input/{number}"]

    def presses(self, number: int) -> int:
        return sum(fact.activations for fact in self.points(number))

    def outputs(self, number: int) -> list[OutputRead]:
        return [fact for fact in self.facts(OutputRead) if fact.output == number]

    def cards(self) -> list[Observation]:
        return self.of(CardRead)

    def told(self, what: str) -> list[DeviceTold]:
        return [fact for fact in self.facts(DeviceTold) if fact.what == what]

    def _take(self, observation: Observation) -> None:
        self.observations.append(observation)
        if self.commits_at_once and observation.cursor is not None:
            self.committed = observation.cursor
        self._reported.set()


class Bench:
    """A simulated board behind a cable, and the watch over its driver (not started)."""

    def __init__(self, name: str, board: Any, cable: FaultyLink, watch: Watch) -> None:
        self.name, self.profile = name, PROFILES[name]
        self.board, self.cable, self.watch = board, cable, watch

    @property
    def native(self) -> bool:
        return self.profile.native is not None

    def close(self, number: int) -> None:
        if self.native:
            self.board.board.drive(number, self.board.now(), active=True)
            self.board.noticed()
        else:
            self.board.close_contact(number)

    def press(self, number: int, ms: float, times: int = 1) -> None:
        if self.native:
            now = self.board.now()
            for at in range(times):
                self.board.board.press(number, now, ms / 1000, delay_s=2 * at * ms / 1000)
            self.board.noticed()
        else:
            self.board.press(number, ms, times)

    def relay(self, number: int) -> Any:
        self.board.now()
        return (self.board.board if self.native else self.board.electronics).relay(number)

    def present(self, bits: CardBits) -> None:
        if self.native:
            self.board.present_card(1, bits)
        else:
            self.board.present_card(bits)

    def reboot(self) -> None:
        self.board.reboot(ResetCause.COMMANDED) if self.native else self.board.reboot()

    @property
    def requests(self) -> int:
        state = self.board.state()
        return int(state["requests"])

    async def asked(self, times: int = 3) -> None:
        """Wait until the board was asked so many times more."""
        before = self.requests
        async with asyncio.timeout(DEADLINE_S):
            await self.board.until(lambda: self.requests >= before + times)

    async def relay_is(self, number: int, *, energised: bool) -> None:
        async with asyncio.timeout(DEADLINE_S):
            await self.board.until(lambda: self.relay(number).coil is energised)


def make_board(
    name: str,
    *,
    monotonic: Callable[[], float] | None = None,
    tool: VendorTool | None = None,
    quirks: Quirks | None = None,
) -> Any:
    """The simulator of a profile."""
    native = PROFILES[name].native
    times = {} if monotonic is None else {"monotonic": monotonic}
    if native == "door_controller":
        return DoorController(doors={}, **times)
    if native == "panic_panel":
        return PanicPanel(**times)
    return ProfileBoard(PROFILES[name], tool=tool, quirks=quirks, chance=random.Random(7), **times)


@asynccontextmanager
async def bench(name: str, directory: Path, *, up: bool = True, board: Any = None, **more: Any) -> AsyncIterator[Bench]:
    """The bench, with the driver up unless told otherwise."""
    async with AsyncExitStack() as stack:
        board = await stack.enter_async_context(make_board(name) if board is None else board)
        cable = await stack.enter_async_context(FaultyLink(board.port, framing=modbus_frames))
        watch = Watch(settings(name, f"tcp://127.0.0.1:{cable.port}", directory, **more))
        stack.push_async_callback(watch.stop)
        if up:
            await watch.up()
        yield Bench(name, board, cable, watch)
