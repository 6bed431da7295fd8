"""A device or the broker does what none should: the daemon lives, is no fatter for it, says so, and other doors work.

One courthouse for all; each test mends what it broke.
"""

import asyncio
from pathlib import Path

import pytest

from simulators.demo.courthouse import card
from simulators.demo.witness import Event
from simulators.onvif_camera.hostile import Hostility
from simulators.spoils import Spoil
from tests.guarded import SEEN_S_MAX, Guarded

pytestmark = pytest.mark.asyncio(loop_scope="module")

EAST, COURT = "east-entrance", "courtroom-a-door"
MEMORY_KB_MAX = 250 * 1024
GRANTED_S_MAX = 5.0
KILLS = 5
ANSWERS = (Hostility.DEEP, Hostility.ENTITY_BOMB, Hostility.HTML, Hostility.ENDLESS)


async def running(site: Guarded) -> int:
    """A daemon that runs; returns where its log stands."""
    if not site.daemon.runs:
        await site.end()
        site.another_daemon()
        await site.start()
    return site.witness.mark()


async def the_court_wing_still_lets_a_clerk_in(site: Guarded) -> None:
    mark, relay = site.witness.mark(), site.house.secure_board.board.relay(1)
    before = relay.pulses
    site.house.secure_board.present_card(1, card("clerk"))
    async with asyncio.timeout(GRANTED_S_MAX):
        await site.house.secure_board.until(lambda: relay.pulses == before + 1)
    await site.witness.event("access.granted", COURT, after=mark)


def peak_memory_kb(site: Guarded) -> int:
    status = Path(f"/proc/{site.daemon.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("spoil", [Spoil.GARBAGE, Spoil.HALF, Spoil.OTHER_UNIT, Spoil.OTHER_TRANSACTION, Spoil.FLOOD])
async def test_a_controller_that_answers_nonsense_is_lost_alone_and_moves_no_lock(
    shared: Guarded, spoil: Spoil
) -> None:
    site, mark = shared, await running(shared)
    relays = site.house.public_board.board.relays
    before = [relay.switches for relay in relays]
    site.house.public_cable.spoil(spoil, messages=30)
    lost = await site.witness.event("device.went_offline", "public-board", after=mark)
    assert lost["fact"]["reason"]
    await the_court_wing_still_lets_a_clerk_in(site)
    await site.house.public_cable.restore()
    site.house.public_cable.reset()
    await site.witness.event("device.came_back", "public-board", after=mark)
    assert [relay.switches for relay in relays] == before
    assert peak_memory_kb(site) < MEMORY_KB_MAX
    await site.station_equals_store()


async def test_a_camera_that_answers_poison_is_lost_alone_and_costs_no_memory(shared: Guarded) -> None:
    site, mark = shared, await running(shared)
    camera, tries = site.house.east_cam, "GetSystemDateAndTime"
    for how in ANSWERS:
        camera.misbehave(how=how)
        tried = camera.calls[tries]
        camera.drop_connections()
        async with asyncio.timeout(2 * SEEN_S_MAX):
            await camera.called(tries, tried + 1)
        await the_court_wing_still_lets_a_clerk_in(site)
    lost = await site.witness.event("device.went_offline", "east-cam", after=mark)
    assert lost["fact"]["reason"]
    camera.behave()
    async with asyncio.timeout(2 * SEEN_S_MAX):
        await camera.called(tries, camera.calls[tries] + 1)
    await site.witness.event("device.came_back", "east-cam", after=mark)
    assert peak_memory_kb(site) < MEMORY_KB_MAX
    await site.station_equals_store()


async def test_a_broker_that_loses_everything_gets_all_that_happened_meanwhile(shared: Guarded) -> None:
    site, mark = shared, await running(shared)
    await site.station_equals_store()
    await site.house.broker.vanish()
    await site.witness.event("broker.lost", after=mark)
    await the_court_wing_still_lets_a_clerk_in(site)
    raised = await panic(site, 3, "probation-desk")
    await site.house.broker.come_back()
    async with asyncio.timeout(2 * SEEN_S_MAX):
        await site.house.station.until(lambda: raised["subject"] in site.house.station.ledger.alarms)
    await site.witness.event("broker.found", after=mark)
    await site.witness.event("alarm.received", raised["subject"], after=mark)
    await site.station_equals_store(after=mark)


async def test_a_station_that_the_broker_forgot_and_that_comes_back_after_secd_misses_no_row(shared: Guarded) -> None:
    site, mark = shared, await running(shared)
    await site.station_equals_store()
    await site.house.station.vanish()
    await site.house.broker.vanish()
    await site.witness.event("broker.lost", after=mark)
    await site.house.broker.come_back()
    await site.witness.event("broker.found", after=mark)
    await the_court_wing_still_lets_a_clerk_in(site)
    raised = await panic(site, 2, "clerk-a")
    await site.house.station.join()
    await site.witness.event("alarm.received", raised["subject"], after=raised["seq"])
    await site.station_equals_store(after=mark)


async def panic(site: Guarded, button: int, point: str) -> Event:
    """Somebody presses a button; the alarm as it is raised."""
    mark = site.witness.mark()
    site.house.panel.press(button)
    pressed = await site.witness.event("panic.activated", point, after=mark)
    return await site.witness.event("alarm.raised", after=mark, fits=lambda one: one["cause"] == pressed["id"])


async def test_killed_again_and_again_under_load_it_releases_no_door_twice_and_loses_nothing(shared: Guarded) -> None:
    site, mark = shared, await running(shared)
    board, relay = site.house.public_board, site.house.public_board.board.relay(2)
    before, presented = relay.pulses, 0
    for _ in range(KILLS):
        seen = site.witness.mark()
        for _ in range(3):
            board.present_card(2, card("clerk"))
            presented += 1
        await site.witness.event("access.requested", EAST, after=seen)
        board.present_card(2, card("clerk"))
        presented += 1
        await site.restart(kill=True)
    async with asyncio.timeout(SEEN_S_MAX):
        await board.until(lambda: board.board.fifo.acknowledged == board.board.fifo.newest)
        await site.witness.until(lambda: len(site.stored("access.requested", subject=EAST, after=mark)) == presented)
    await site.station_equals_store(after=mark)
    granted = site.stored("access.granted", subject=EAST, after=mark)
    late = site.stored("access.read_late", subject=EAST, after=mark)
    assert len(granted) + len(late) == presented
    assert relay.pulses - before <= presented - len(late)
