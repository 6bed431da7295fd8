"""The machine itself fails: its disk is full, its clock jumps, its broker's password is wrong, secd is started twice."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from simulators.demo.courthouse import card
from simulators.demo.daemon import DaemonProcess
from tests.guarded import BEFORE_OPENING, SEEN_S_MAX, Guard, Guarded

EAST, BENCH = "east-entrance", "bench-a"
DISK = "10m"
"""Too small for the store's reserve of space, large enough for everything else."""
EXPRESS_S_MAX = 5.0
"""Much less than what a disk that takes nothing would cost."""
HOUR = "+3600"


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of its own at `place`; what is yielded is a file that fills it."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)], check=True)
    try:
        yield place / "filler"
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(filler: Path) -> None:
    """Leave not one page."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            continue


async def a_deputy_gets_in(site: Guarded) -> None:
    """At the east entrance, whatever the hour and whatever the disk."""
    board, relay = site.house.public_board, site.house.public_board.board.relay(2)
    before = relay.pulses
    board.present_card(2, card("deputy"))
    async with asyncio.timeout(SEEN_S_MAX):
        await board.until(lambda: relay.pulses == before + 1)


async def a_press_in_court_reaches_the_station(site: Guarded) -> None:
    station = site.house.station
    site.house.panel.press(1)
    async with asyncio.timeout(EXPRESS_S_MAX):
        await station.until(lambda: any(one["point"] == BENCH for one in station.ledger.alarms.values()))


async def status(site: Guarded) -> str:
    return (await site.daemon.command("status"))[1]


@pytest.mark.needs("root", "mount")
async def test_a_disk_that_fills_up_while_secd_runs_stops_no_door_no_panic_and_loses_nothing(guard: Guard) -> None:
    async with guard(start=False) as site:
        with small_disk(site.directory / "state") as filler:
            await site.start()
            await site.station_equals_store()
            mark = site.witness.mark()
            fill(filler)
            await a_deputy_gets_in(site)
            await a_press_in_court_reaches_the_station(site)
            assert "degraded" in await status(site)
            filler.unlink()
            await site.witness.event("store.recovered", after=mark)
            assert (await site.witness.event("store.degraded", after=mark))["fact"]["remedy"]
            await everything_is_in_order(site, mark)
            await site.end()


@pytest.mark.needs("root", "mount")
async def test_a_disk_that_was_full_before_secd_started_stops_no_door_no_panic_and_loses_nothing(guard: Guard) -> None:
    async with guard(start=False) as site:
        with small_disk(site.directory / "state") as filler:
            fill(filler)
            await site.daemon.start()
            await site.witness.all_devices_up()
            await a_deputy_gets_in(site)
            await a_press_in_court_reaches_the_station(site)
            assert "degraded" in await status(site)
            filler.unlink()
            async with asyncio.timeout(2 * SEEN_S_MAX):
                await site.house.station.until(lambda: "secd.store.recovered.v1" in types_at_the_station(site))
            site.follow()
            await site.witness.event("store.degraded")
            await everything_is_in_order(site, 0)
            await site.end()


def types_at_the_station(site: Guarded) -> set[str]:
    return {event["type"] for event in site.house.station.events}


async def everything_is_in_order(site: Guarded, mark: int) -> None:
    """What happened while the disk took nothing is in the log as it happened, and at the station."""
    read = await site.witness.event("access.granted", EAST, after=mark)
    pressed = await site.witness.event("panic.activated", BENCH, after=mark)
    raised = await site.witness.event("alarm.raised", after=mark, fits=lambda one: one["cause"] == pressed["id"])
    assert read["seq"] < pressed["seq"] < raised["seq"]
    assert read["detected"] < pressed["detected"]
    await site.witness.event("alarm.received", raised["subject"], after=mark)
    await site.station_equals_store(after=mark)
    assert len(site.stored("alarm.raised", after=mark)) == 1


async def test_a_wrong_password_at_the_broker_is_told_and_doors_and_panic_points_work(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "secrets" / "mqtt-password").write_text("not this one")
        await site.daemon.start()
        site.follow()
        lost = await site.witness.event("broker.lost")
        assert lost["fact"]["remedy"]
        await site.witness.event("device.went_offline", "wireless-buttons")
        await a_deputy_gets_in(site)
        site.house.panel.press(1)
        pressed = await site.witness.event("panic.activated", BENCH)
        await site.witness.event("alarm.raised", fits=lambda one: one["cause"] == pressed["id"])
        assert "broker" in await status(site)


async def test_a_second_daemon_on_the_same_store_ends_with_1_and_names_the_first(guard: Guard) -> None:
    async with guard() as site:
        second = DaemonProcess(site.directory, site.site.directory, ahead_s=site.ahead_s)
        await second.start()
        assert await second.ended() == 1
        assert f"process {site.daemon.pid}, started 2026" in site.daemon.log.read_text()
        await a_deputy_gets_in(site)
        await site.station_equals_store()


def faked_clock(offset: Path) -> dict[str, str]:
    """The environment in which the wall clock is off by what the file `offset` says, and the monotonic clock is not."""
    printed = subprocess.run(["faketime", "-f", "+0", "env"], check=True, capture_output=True, text=True).stdout
    preload = next(line for line in printed.splitlines() if line.startswith("LD_PRELOAD="))
    return {
        "LD_PRELOAD": preload.removeprefix("LD_PRELOAD="),
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


@pytest.mark.needs("faketime")
async def test_s10_a_clock_that_jumps_an_hour_opens_no_door_until_an_operator_accepts_it(
    guard: Guard, tmp_path: Path
) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+0")
    async with guard(at=BEFORE_OPENING, environment=faked_clock(offset), start=False) as site:
        await site.daemon.start()
        site.follow()
        await site.witness.event("device.came_back", "public-board")
        mark, front = site.witness.mark(), site.house.public_board.board.relay(1)
        offset.write_text(HOUR)
        while not site.stored("clock.untrusted"):
            before = site.witness.mark()
            site.house.public_board.present_card(2, card("deputy"))
            await site.witness.event("access.requested", EAST, after=before)
        untrusted = await site.witness.event("clock.untrusted", after=mark)
        assert "clock accept" in untrusted["fact"]["remedy"]
        await site.opening_hour()
        opened = site.witness.mark()
        await a_deputy_gets_in(site)
        await site.witness.event("access.granted", EAST, after=opened)
        assert front.switches == 0
        code, printed = await site.daemon.command("clock", "accept", "--reason", "compared with the wall")
        assert code == 0, printed
        async with asyncio.timeout(SEEN_S_MAX):
            await site.house.public_board.until(lambda: front.held)
        await site.witness.event("clock.trusted", after=mark)
