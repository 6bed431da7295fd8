"""Orders become device orders by wiring and polarity; one at a time to each device, urgent ones next."""

import asyncio

import pytest

from secd.actions.translate import NotWired, translate
from secd.actions.turns import Turn
from secd.model.doors import DoorMode
from secd.model.names import CameraId, DeviceId, DoorId
from secd.model.order import (
    FetchPicture,
    PulseOutput,
    ReleaseDoor,
    RelockDoor,
    SetOutput,
    SetSignal,
    SignalReader,
    TakeSnapshot,
)
from secd.model.wiring import LockWiring, Wiring

BOARD = DeviceId("public-board")
DOOR = DoorId("east")


def wiring(*, energise_to_unlock: bool = True) -> Wiring:
    lock = LockWiring(device=BOARD, output=2, energise_to_unlock=energise_to_unlock, release_s=5)
    return Wiring(locks={"east": lock}, readers={"east": (BOARD, 1)}, cameras={"east-cam": DeviceId("east-cam")})


@pytest.mark.parametrize("energise_to_unlock", [True, False])
def test_s04_release_and_relock_follow_the_locks_polarity(energise_to_unlock: bool) -> None:
    wired = wiring(energise_to_unlock=energise_to_unlock)
    assert translate(ReleaseDoor(door=DOOR, duration_s=5), wired, DoorMode.LOCKED) == (
        BOARD,
        PulseOutput(output=2, duration_s=5, energise=energise_to_unlock),
    )
    assert translate(RelockDoor(door=DOOR), wired, DoorMode.LOCKED) == (
        BOARD,
        SetOutput(output=2, energised=not energise_to_unlock),
    )


@pytest.mark.parametrize("energise_to_unlock", [True, False])
def test_relock_at_a_door_whose_mode_is_unlocked_goes_back_to_unlocked(energise_to_unlock: bool) -> None:
    _, act = translate(RelockDoor(door=DOOR), wiring(energise_to_unlock=energise_to_unlock), DoorMode.UNLOCKED)
    assert act == SetOutput(output=2, energised=energise_to_unlock)


def test_reader_signal_and_snapshot_go_to_their_devices() -> None:
    assert translate(SignalReader(door=DOOR, granted=True), wiring(), DoorMode.LOCKED) == (
        BOARD,
        SetSignal(reader=1, granted=True),
    )
    assert translate(TakeSnapshot(camera=CameraId("east-cam")), wiring(), DoorMode.LOCKED) == (
        DeviceId("east-cam"),
        FetchPicture(),
    )


@pytest.mark.parametrize(
    "act",
    [
        ReleaseDoor(door=DoorId("west"), duration_s=5),
        RelockDoor(door=DoorId("west")),
        SignalReader(door=DoorId("west"), granted=False),
        TakeSnapshot(camera=CameraId("west-cam")),
    ],
)
def test_what_is_not_wired_is_refused_by_name(act: ReleaseDoor | RelockDoor | SignalReader | TakeSnapshot) -> None:
    with pytest.raises(NotWired, match="west"):
        translate(act, wiring(), DoorMode.LOCKED)


class Queue:
    """Holders of one turn, and the order in which they came to it."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.came: list[str] = []
        self.go_on = asyncio.Event()

    async def hold(self, name: str, *, urgent: bool = False) -> None:
        async with self.turn.hold(urgent=urgent):
            self.came.append(name)
            await self.go_on.wait()

    async def enter(self, name: str, *, urgent: bool = False) -> "asyncio.Task[None]":
        task = asyncio.create_task(self.hold(name, urgent=urgent))
        await asyncio.sleep(0)
        return task


async def test_urgent_one_comes_next_and_the_others_keep_their_order() -> None:
    queue = Queue()
    tasks = [
        await queue.enter("first"),
        await queue.enter("second"),
        await queue.enter("third"),
        await queue.enter("lockdown", urgent=True),
    ]
    assert queue.came == ["first"]
    queue.go_on.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*tasks)
    assert queue.came == ["first", "lockdown", "second", "third"]


async def test_turn_of_a_cancelled_holder_or_waiter_passes_on() -> None:
    queue = Queue()
    holder, waiter, last = [await queue.enter(name) for name in ("holder", "waiter", "last")]
    waiter.cancel()
    holder.cancel()
    await asyncio.wait({holder, waiter})
    queue.go_on.set()
    async with asyncio.timeout(5):
        await last
    assert queue.came == ["holder", "last"]


async def test_waiter_cancelled_just_as_it_is_granted_passes_the_turn_on() -> None:
    queue = Queue()
    holder, waiter, last = [await queue.enter(name) for name in ("holder", "waiter", "last")]
    queue.go_on.set()
    waiter_cancelled = asyncio.create_task(cancel_when_done(holder, waiter))
    async with asyncio.timeout(5):
        await asyncio.wait({waiter_cancelled, last})
    assert queue.came[-1] == "last"
    async with asyncio.timeout(5):
        await queue.hold("later")


async def cancel_when_done(first: "asyncio.Task[None]", second: "asyncio.Task[None]") -> None:
    await first
    second.cancel()
