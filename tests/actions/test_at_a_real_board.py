"""Links, intake and actions together at the simulated door controller, over Modbus."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NoReturn

from secd.actions.actions import Actions
from secd.devices.families import DRIVERS
from secd.devices.links import Links
from secd.drivers.modbus_io import ModbusIoSettings
from secd.events.intake import Intake
from secd.model.doors import Achieved, DoorMode, Layer, Role
from secd.model.event import Event
from secd.model.names import DeviceId, DoorId, EventId, OrderId
from secd.model.observation import Observation
from secd.model.order import DesiredLock, DeviceOrder, Order, Outcome, ReleaseDoor, SignalReader
from secd.model.people import PresentedCard
from secd.model.secret import Secret
from secd.model.wiring import LockWiring, Placement, Wiring
from secd.runtime.clock import SystemClock
from secd.runtime.supervisor import Supervisor
from simulators.door_controller.controller import DoorController

BOARD, DOOR, CAUSE = DeviceId("board"), DoorId("east"), EventId("01JD")
WIRING = Wiring(
    points={
        (BOARD, "output/1"): Placement(role=Role.LOCK, subject="east"),
        (BOARD, ""): Placement(role=Role.DEVICE, subject="board"),
    },
    locks={"east": LockWiring(device=BOARD, output=1, energise_to_unlock=True, release_s=5)},
    readers={"east": (BOARD, 1)},
)
LOCKED = DesiredLock(door=DOOR, mode=DoorMode.LOCKED, layer=Layer.LOCKED, cause=CAUSE)
UNLOCKED = DesiredLock(door=DOOR, mode=DoorMode.UNLOCKED, layer=Layer.SCHEDULE, cause=CAUSE)
LOCKDOWN = DesiredLock(door=DOOR, mode=DoorMode.LOCKED, layer=Layer.LOCKDOWN, cause=CAUSE)


class Daemon:
    """The part of the daemon that touches doors; everything a board says goes through the real intake."""

    def __init__(self, wiring: Wiring = WIRING) -> None:
        clock = SystemClock()
        self.clock = clock
        self.supervisor = Supervisor(clock)
        self.events: list[Event] = []
        self.performed: list[DeviceOrder] = []
        self._happened = asyncio.Event()
        self._intake = Intake(
            clock=clock, wiring=wiring, present_card=lambda bits: PresentedCard(keys=(), masked="••••")
        )
        self.links = Links(
            clock, self.supervisor, self._report, lambda device: None, lambda ref: Secret(""), families=DRIVERS
        )
        self.actions = Actions(
            wiring=wiring,
            perform=self._perform,
            report=self._report,
            clock=clock,
            supervisor=self.supervisor,
            keep_picture=self._keep,
        )

    def _report(self, observation: Observation) -> None:
        for event in self._intake.accept(observation):
            self.events.append(event)
            self.actions.observe(event)
        self._happened.set()

    async def _perform(self, order: DeviceOrder) -> Outcome:
        self.performed.append(order)
        return await self.links.perform(order)

    async def _keep(self, order: Order, picture: bytes) -> NoReturn:  # this board takes no pictures
        raise AssertionError(order)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._happened.clear()
                await self._happened.wait()

    async def until_kind(self, kind: str) -> None:
        await self.until(lambda: any(event.kind == kind for event in self.events))

    async def until_achieved(self) -> None:
        await self.until(lambda: self.actions.achieved()[DOOR] is Achieved.ACHIEVED)

    def order(self, act: ReleaseDoor | SignalReader) -> Order:
        return Order(
            id=OrderId(f"{CAUSE}.o{len(self.performed)}{type(act).__name__}"),
            act=act,
            cause=CAUSE,
            expires_mono_s=self.clock.now().mono_s + 5,
        )


@asynccontextmanager
async def daemon(
    board: DoorController, *desired: DesiredLock, wiring: Wiring = WIRING, **more: object
) -> AsyncIterator[Daemon]:
    own = Daemon(wiring)
    own.actions.restore(desired)
    written = {"driver": "modbus_io", "profile": "secd-door-controller", "poll": "20ms", **more}
    settings = ModbusIoSettings.model_validate({**written, "address": f"tcp://127.0.0.1:{board.port}"})
    own.links.reconcile({"board": settings})
    try:
        await own.until_kind("device.came_back")
        yield own
    finally:
        await own.links.stop()
        await own.supervisor.stop()
        assert not own.supervisor.failed.done()


async def test_release_opens_the_door_and_its_outcome_comes_back_as_an_event() -> None:
    async with DoorController() as board, daemon(board, LOCKED) as own:
        assert not board.is_unlocked("1")
        own.actions.dispatch([
            own.order(ReleaseDoor(door=DOOR, duration_s=60)), own.order(SignalReader(door=DOOR, granted=True)),
        ])  # fmt: skip
        await own.until(lambda: [event.kind for event in own.events].count("order.done") == 2)
        assert board.is_unlocked("1")
        await own.until_achieved()
        assert len(own.performed) == 2


async def test_s03_lockdown_ends_the_release_that_runs_at_the_board() -> None:
    async with DoorController() as board, daemon(board, LOCKED) as own:
        own.actions.dispatch([own.order(ReleaseDoor(door=DOOR, duration_s=60))])
        await own.until_kind("order.done")
        own.actions.desire(LOCKDOWN)
        await own.until(lambda: own.actions.achieved()[DOOR] is Achieved.ACHIEVED and len(own.performed) == 2)
        assert not board.is_unlocked("1")


async def test_s03_lockdown_at_the_very_moment_of_a_release_leaves_the_door_locked() -> None:
    async with DoorController() as board, daemon(board, LOCKED) as own:
        own.actions.dispatch([own.order(ReleaseDoor(door=DOOR, duration_s=60))])
        own.actions.desire(LOCKDOWN)
        await own.until_kind("order.failed")
        await own.until_achieved()
        assert not board.is_unlocked("1")


async def test_s04_restart_of_the_daemon_orders_nothing_where_the_relays_stand_right() -> None:
    async with DoorController() as board:
        async with daemon(board, UNLOCKED) as own:
            await own.until_achieved()
            assert board.is_unlocked("1")
        async with daemon(board, UNLOCKED) as again:
            await again.until_achieved()
            assert board.is_unlocked("1")
            assert again.performed == []


async def test_relay_set_by_a_stranger_is_told_and_put_back() -> None:
    async with DoorController() as board, daemon(board, LOCKED) as own:
        board.stranger_sets_relay(1)
        await own.until(lambda: len(own.performed) == 1)
        await own.until_achieved()
        assert not board.is_unlocked("1")
        relay = [event.kind for event in own.events if event.subject == "east"]
        assert relay[-2:] == ["door.lock_energised", "door.lock_deenergised"]
