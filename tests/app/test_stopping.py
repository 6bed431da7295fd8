"""SIGTERM: a prompt, clean end under load; outputs stay as they are, and that secd stopped is the last thing on record."""

import asyncio
import signal
from typing import Any

from secd.store.reader import ReadOnlyStore
from secd.store.stored import EventFilter, StoredEvent
from simulators.demo.courthouse import card
from simulators.faults import Cut
from tests.app.conftest import Guard, Guarded

STOP_S_MAX = 5.0


async def newest_events(site: Guarded, count: int) -> list[StoredEvent]:
    store = await ReadOnlyStore.open(site.directory / "state" / "events.db")
    try:
        return await store.find_events(EventFilter(before_seq=2**62, limit=count))
    finally:
        await store.close()


def relays(site: Guarded) -> list[Any]:
    return [board.state()["relays"] for board in (site.house.public_board, site.house.secure_board)]


async def test_sigterm_under_load_and_with_a_hanging_device_ends_in_time_and_moves_no_relay(guard: Guard) -> None:
    async with guard() as site:
        house = site.house
        await house.public_board.until(lambda: house.public_board.is_unlocked("1"))  # office hours: it stays so
        await site.witness.event("door.lock_energised", "front-entrance")
        await house.secure_cable.cut(Cut.SILENT)
        before = relays(site)

        async def load() -> None:
            while True:
                mark = site.witness.mark()
                house.panel.press(3, times=3)
                for _ in range(6):
                    house.public_board.present_card(2, card("stranger"))
                house.buttons.check_in("badge-1")
                await site.witness.until(lambda mark=mark: site.witness.mark() > mark + 5)  # type: ignore[misc]

        loading = asyncio.create_task(load())
        mark = site.witness.mark()
        await site.witness.event("panic.activated", "probation-desk", after=mark)
        await site.witness.event("access.denied", "east-entrance", after=mark + 50)
        site.daemon.signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S_MAX):
            assert await site.daemon.ended() == 0
        loading.cancel()
        assert relays(site) == before
        newest = await newest_events(site, 1)
        assert [stored.event.kind for stored in newest] == ["secd.stopped"]
