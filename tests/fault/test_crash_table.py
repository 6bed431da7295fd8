"""docs/crash.md, row by row: the daemon dies at each point, once with a card and once with a panic press under way.

One courthouse for all rows. Each test arms the point in the daemon that runs, lets it die, starts another on the same
state, and looks at the board, in the store and at the station.
"""

import asyncio
import json
from typing import Any

import pytest

from secd.runtime.crashpoint import POINTS
from simulators.demo.courthouse import card
from simulators.demo.witness import Event
from tests.guarded import KILLED, SEEN_S_MAX, Guarded

pytestmark = pytest.mark.asyncio(loop_scope="module")

EAST, BENCH = "east-entrance", "bench-a"
STATUS_THEN_CARD = 2
"""A card changes the board's status: that is read first, then the card."""
LOST_BEFORE_THE_COMMIT = {"read", "taken", "decided", "committing"}
KEPT = {"committed", "acknowledged", "publishing", "published"}
EITHER = {"appended", "ordered", "performed"}
"""The writer is another thread: it may or may not have committed when the process is gone."""
NO_RELAY = {"read", "taken", "decided", "appended", "ordered"}
FROM_FRESH = sorted(POINTS, key=lambda point: point != "acknowledged")
"""A press is acknowledged to the panel ten seconds after it was told: first, while no earlier one waits for that."""


async def quiet(site: Guarded) -> int:
    """A daemon that runs, with nothing under way; returns where its log stands."""
    if not site.daemon.runs:
        await site.end()
        site.another_daemon()
        await site.start()
    await site.station_equals_store()
    return site.witness.mark()


async def dies_and_comes_back(site: Guarded) -> None:
    """The daemon ends as by kill -9; another takes its place."""
    assert await site.ended() == KILLED
    site.another_daemon()
    await site.start()


def outcomes(site: Guarded, order: str) -> list[Event]:
    return [event for event in site.witness.seen if event["fact"].get("order") == order]


async def every_order_has_one_outcome(site: Guarded, ids: list[str]) -> None:
    """Of the orders that these events caused."""
    for order in ids:
        async with asyncio.timeout(SEEN_S_MAX):
            await site.witness.until(lambda order=order: bool(outcomes(site, order)))  # type: ignore[misc]
    await site.station_equals_store()
    assert [len(outcomes(site, order)) for order in ids] == [1] * len(ids)


@pytest.mark.parametrize("point", sorted(LOST_BEFORE_THE_COMMIT | KEPT | EITHER, key=POINTS.index))
async def test_a_card_is_released_for_once_or_read_late_and_never_released_for(shared: Guarded, point: str) -> None:
    site, board = shared, shared.house.public_board
    mark = await quiet(site)
    relay = board.board.relay(2)
    before = relay.pulses
    site.crash_at(f"read:{STATUS_THEN_CARD}" if point == "read" else point)
    board.present_card(2, card("clerk"))
    await dies_and_comes_back(site)

    [read] = await requests(site, mark)
    granted = [event for event in site.stored("access.granted", after=mark) if event["cause"] == read["id"]]
    late = [event for event in site.stored("access.read_late", after=mark) if event["cause"] == read["id"]]
    assert len(granted) + len(late) == 1
    assert point not in LOST_BEFORE_THE_COMMIT or late
    assert point not in KEPT or granted
    await every_order_has_one_outcome(site, [f"{read['id']}.o1"] if granted else [])
    async with asyncio.timeout(SEEN_S_MAX):
        await board.until(lambda: board.board.fifo.acknowledged == board.board.fifo.newest)
    await site.station_equals_store(after=mark)
    assert relay.pulses - before <= (0 if point in NO_RELAY else 1)
    assert point not in {"performed", "acknowledged"} or relay.pulses - before == 1


async def requests(site: Guarded, mark: int) -> list[Event]:
    """Wait for the card in the log, and for the log to be quiet."""
    await site.witness.event("access.requested", EAST, after=mark)
    await site.station_equals_store(after=mark)
    return site.stored("access.requested", subject=EAST, after=mark)


@pytest.mark.parametrize("point", FROM_FRESH)
async def test_a_panic_press_is_an_alarm_at_the_station_whenever_secd_dies(shared: Guarded, point: str) -> None:
    site, station = shared, shared.house.station
    mark = await quiet(site)
    site.crash_at(point)
    site.house.panel.press(1)
    await dies_and_comes_back(site)

    raised = await site.witness.event("alarm.raised", after=mark, fits=lambda event: about_bench(site, event))
    alarm = raised["fact"]["alarm"]
    async with asyncio.timeout(SEEN_S_MAX):
        await station.until(lambda: "sheriff" in station.ledger.alarms.get(alarm, {}).get("received_by", ()))
    await site.witness.event("alarm.received", alarm, after=mark)
    await every_order_has_one_outcome(site, [f"{raised['cause']}.o1"])
    await site.station_equals_store(after=mark)
    assert [one["id"] for one in await open_alarms(site) if one["point"] == BENCH] == [alarm]
    assert [one["alarm_id"] for one in station.ledger.open_alarms() if one["point"] == BENCH] == [alarm]
    revisions = [
        (body["alarm_id"], body["rev"])
        for body in (event["data"] for event in station.events)
        if body.get("alarm_id") == alarm and "transition" in body
    ]
    assert sorted(revisions) == sorted(set(revisions))
    if point == "acknowledged":  # the panel was told that the press is known: it is not told again
        assert station.ledger.alarms[alarm]["occurrences"] == 1
    await over(site, alarm)


def about_bench(site: Guarded, raised: Event) -> bool:
    causes = {event["id"] for event in site.stored("panic.activated", "panic.restored", subject=BENCH)}
    return raised["cause"] in causes


async def open_alarms(site: Guarded) -> list[dict[str, Any]]:
    code, printed = await site.daemon.command("alarms", "list", "--json")
    assert code == 0
    shown: list[dict[str, Any]] = json.loads(printed)["alarms"]
    return shown


async def over(site: Guarded, alarm: str) -> None:
    """Somebody takes the alarm and resets the panel; what the panel still shows as pending is over too."""
    pressed = site.house.panel.board.input(1)
    pressed.acknowledge(pressed.activations)
    site.house.panel.board.changed()
    await site.witness.event("alarm.cleared", alarm)
    assert (await site.house.station.acknowledge(alarm))["accepted"]
    await site.witness.event("alarm.closed", alarm)


@pytest.mark.parametrize("point", ["read", "taken", "committing", "committed"])
async def test_s15_a_wireless_press_is_an_alarm_whenever_secd_dies(shared: Guarded, point: str) -> None:
    site, station = shared, shared.house.station
    mark = await quiet(site)
    site.crash_at(point)
    site.house.buttons.press("badge-1")
    await dies_and_comes_back(site)

    pressed = await site.witness.event("panic.pressed", "bailiff-badge-1", after=mark)
    told = await site.witness.event("alarm.raised", after=mark, fits=lambda one: one["cause"] == pressed["id"])
    async with asyncio.timeout(SEEN_S_MAX):
        await station.until(lambda: "sheriff" in station.ledger.alarms.get(told["subject"], {}).get("received_by", ()))
    await site.station_equals_store(after=mark)
    shown = [one for one in await open_alarms(site) if one["point"] == "bailiff-badge-1"]
    assert [one["id"] for one in shown] == [told["subject"]]
    assert (await station.acknowledge(told["subject"]))["accepted"]
    code, printed = await site.daemon.command("alarms", "close", told["subject"], "--note", "was well")
    assert code == 0, printed
