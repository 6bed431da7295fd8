"""S4 at the simulated door controller, for a lock that is energised to lock: pulse, relock, watchdog, link, restart."""

import asyncio
from dataclasses import replace

from secd.model.doors import Layer
from secd.model.order import ReleaseDoor
from simulators.door_controller.controller import DoorController
from tests.actions.test_at_a_real_board import BOARD, DOOR, LOCKDOWN, LOCKED, UNLOCKED, WIRING, Daemon, daemon

MAGNET = replace(WIRING, locks={"east": replace(WIRING.locks["east"], device=BOARD, energise_to_unlock=False)})
SAFE = {"safe_outputs": {"1": "energised"}}


def is_locked(board: DoorController) -> bool:
    return board.board.relay(1).contact


async def until_locked(own: Daemon, board: DoorController) -> None:
    await own.until_achieved()
    assert is_locked(board)


async def test_s04_a_locked_mode_energises_and_an_unlocked_one_lets_go() -> None:
    async with DoorController() as board, daemon(board, LOCKED, wiring=MAGNET, **SAFE) as own:
        await until_locked(own, board)
        own.actions.desire(UNLOCKED)
        await own.until(lambda: not is_locked(board))
        await own.until_achieved()
        own.actions.desire(LOCKDOWN)
        await own.until(lambda: is_locked(board))


async def test_s04_a_release_lets_go_for_its_time_and_the_board_itself_ends_it() -> None:
    async with DoorController() as board, daemon(board, LOCKED, wiring=MAGNET, **SAFE) as own:
        await until_locked(own, board)
        writes = len(own.performed)
        own.actions.dispatch([own.order(ReleaseDoor(door=DOOR, duration_s=0.5))])
        await own.until_kind("order.done")
        await own.until(lambda: own.events[-1].kind == "door.lock_energised" or not is_locked(board))
        await own.until(lambda: is_locked(board))
        assert len(own.performed) == writes + 1
        assert [event.kind for event in own.events if event.kind.startswith("door.lock_")][-1] == "door.lock_energised"


async def test_s04_a_lockdown_ends_a_release_by_energising() -> None:
    async with DoorController() as board, daemon(board, LOCKED, wiring=MAGNET, **SAFE) as own:
        await until_locked(own, board)
        own.actions.dispatch([own.order(ReleaseDoor(door=DOOR, duration_s=60))])
        await own.until_kind("order.done")
        assert not is_locked(board)
        own.actions.desire(LOCKDOWN)
        await own.until(lambda: is_locked(board))


async def test_s04_restart_and_return_of_the_link_do_not_click() -> None:
    async with DoorController() as board:
        async with daemon(board, LOCKED, wiring=MAGNET, **SAFE) as own:
            await until_locked(own, board)
        switches = board.board.relay(1).switches
        async with daemon(board, LOCKED, wiring=MAGNET, **SAFE) as again:
            await until_locked(again, board)
            assert again.performed == []
        assert is_locked(board)
        assert board.board.relay(1).switches == switches


async def test_s16_a_lock_that_fire_released_by_hardware_is_told_nothing_that_locks() -> None:
    in_fire = replace(LOCKED, layer=Layer.FIRE)
    async with DoorController() as board, daemon(board, in_fire, wiring=MAGNET, **SAFE) as own:
        await own.until_kind("door.lock_deenergised")  # it fell when its board lost power
        await own.until_achieved()
        assert own.performed == []
        own.actions.desire(LOCKED)
        await own.until(lambda: is_locked(board))
        own.actions.desire(in_fire)
        own.actions.desire(replace(UNLOCKED, layer=Layer.FIRE))
        await own.until(lambda: not is_locked(board))


async def test_s04_the_watchdog_of_a_board_that_hears_nothing_locks() -> None:
    async with DoorController() as board:
        async with daemon(board, UNLOCKED, wiring=MAGNET, **SAFE) as own:
            async with asyncio.timeout(10):
                await board.until(lambda: board.board.relay(1).safe)
            await own.until_achieved()
            assert not is_locked(board)
        board.board.settle(board.now() + 31)  # what the board does when half a minute has passed
        assert is_locked(board)
