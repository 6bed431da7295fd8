"""What stands outlives a restart: lockdown, modes and relays, after a stop and after kill -9."""

import asyncio
import json
import signal

from simulators.demo.courthouse import card
from simulators.door_controller.controller import DoorController
from simulators.door_controller.parts import RelayOutput
from simulators.faults import Cut
from tests.guarded import BEFORE_OPENING, SEEN_S_MAX, Guard, Guarded

FRONT, EAST = "front-entrance", "east-entrance"
POLLS = 10


def switches(site: Guarded) -> list[int]:
    return [relay.switches for board in boards(site) for relay in board.board.relays]


def boards(site: Guarded) -> tuple[DoorController, DoorController]:
    return site.house.public_board, site.house.secure_board


def front_lock(site: Guarded) -> RelayOutput:
    return site.house.public_board.board.relay(1)


async def polled(site: Guarded) -> None:
    """Wait until the daemon has looked at every board a few times more: what it would do, it has done."""
    for board in boards(site):
        target = board.state()["requests"] + POLLS
        async with asyncio.timeout(SEEN_S_MAX):
            await board.until(lambda board=board, target=target: board.state()["requests"] >= target)  # type: ignore[misc]


async def lock_down(site: Guarded) -> None:
    mark, board = site.witness.mark(), site.house.public_board
    site.house.panel.press(4)
    await site.witness.event("threat_level.changed", after=mark)
    async with asyncio.timeout(SEEN_S_MAX):
        await board.until(lambda: not board.is_unlocked("1"))
    await site.station_equals_store()


async def deputy_gets_in_and_clerk_does_not(site: Guarded) -> None:
    mark, board = site.witness.mark(), site.house.public_board
    board.present_card(2, card("clerk"))
    denied = await site.witness.event("access.denied", EAST, after=mark)
    assert denied["fact"]["reason"] == "threat_level"
    board.present_card(1, card("deputy"))
    await site.witness.event("access.granted", FRONT, after=mark)
    async with asyncio.timeout(SEEN_S_MAX):
        await board.until(lambda: board.is_unlocked("1"))
        assert board.walk_through("1")
        await board.until(lambda: not board.is_unlocked("1"))


async def test_s04_stopping_and_starting_secd_changes_no_output(guard: Guard) -> None:
    async with guard() as site:
        async with asyncio.timeout(SEEN_S_MAX):
            await site.house.public_board.until(lambda: site.house.public_board.is_unlocked("1"))
        await polled(site)
        before = switches(site)
        await site.restart()
        await polled(site)
        assert switches(site) == before
        await site.restart(kill=True)
        await polled(site)
        assert switches(site) == before
        assert site.house.public_board.is_unlocked("1")


async def test_s02_a_lockdown_is_restored_before_any_output_is_written_after_kill_9(guard: Guard) -> None:
    async with guard() as site:
        await lock_down(site)
        await polled(site)
        before = switches(site)
        await site.restart(kill=True)
        await polled(site)
        assert switches(site) == before
        assert not site.house.public_board.is_unlocked("1")
        await deputy_gets_in_and_clerk_does_not(site)


async def test_s03_a_lockdown_outlives_a_stop_over_the_opening_hour_and_lets_responders_in(guard: Guard) -> None:
    async with guard(at=BEFORE_OPENING) as site:
        await lock_down(site)
        relay = front_lock(site)
        await site.end()
        site.another_daemon(later_s=3600)
        await site.start()
        await polled(site)
        assert relay.switches == 0
        await deputy_gets_in_and_clerk_does_not(site)


async def test_s02_the_unlock_by_schedule_never_acts_through_a_lockdown(guard: Guard) -> None:
    async with guard(at=BEFORE_OPENING) as site:
        await lock_down(site)
        await site.opening_hour()
        await polled(site)
        assert front_lock(site).switches == 0
        site.witness.none_of("door.lock_energised", FRONT, after=0)


async def test_s03_lockdown_with_a_board_unplugged_kill_9_and_the_opening_hour_passing_holds_when_the_board_is_back(
    guard: Guard,
) -> None:
    async with guard(at=BEFORE_OPENING) as site:
        mark = site.witness.mark()
        await site.house.public_cable.cut(Cut.REFUSED)
        await site.witness.event("device.went_offline", "public-board", after=mark)
        site.house.panel.press(4)
        await site.witness.event("threat_level.changed", after=mark)
        site.daemon.signal(signal.SIGKILL)
        await site.daemon.ended()
        await site.end()

        site.another_daemon()
        await site.daemon.start()
        site.follow()
        await site.opening_hour()
        shown = json.loads((await site.daemon.command("doors", "list", "--json"))[1])["doors"]
        front = next(door for door in shown if door["door"] == FRONT)
        assert (front["mode"], front["layer"], front["achieved"]) == ("locked", "lockdown", "pending")

        await site.house.public_cable.restore()
        await site.witness.all_devices_up()
        await polled(site)
        assert front_lock(site).switches == 0, "the relay never moved: neither the schedule nor the return opened it"
        await deputy_gets_in_and_clerk_does_not(site)
