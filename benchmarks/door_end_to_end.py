"""A card's whole way: presented -> seen -> ordered, and -> stored -> station; at 50 and 100 ms polls, 50 to 500 doors.

Presented: held to the reader of a simulated board. Seen: the driver had its bits (`detected` of access.requested).
Ordered: the pulse's request had arrived and been answered at the board, its coil energised; nothing outside secd sees the
order earlier, so this bounds both. Stored: the commit of access.granted was there for another reader of the file, which
looks every millisecond. Station: a station of its own had taken access.granted. Done: secd had read the relay back
(`detected` of order.done). A door is released beside the commit, not after it: ordered and stored are no steps of one
ladder. All by this machine's wall clock, in four processes: boards, daemon, broker, station.
Theory: a card waits for the next poll, evenly spread over a period: half of it at the median, 99 % of it at p99.
Floor: on the same boards a bare poll that writes the pulse, one durable row a card, a bare publication a row on the same
broker to a bare subscriber.
"""

import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiomqtt

from benchmarks.brokers import Broker, broker
from benchmarks.pairs import delays
from benchmarks.processes import Child, Daemon, boards, child, daemon, machine_cpu_s, usage_of
from benchmarks.report import Bar, Measured, percentile
from benchmarks.site import INSTANCE, PASSWORD, SITE, STATION, Extent, write_site
from benchmarks.witness import Witness, witness
from secd.model.facts import OrderEnded
from simulators.monitoring_station.station import MonitoringStation
from simulators.mqtt_peer import Login

DOORS, DOORS_FULL, DOORS_OF_BAR = (50, 200), (50, 200, 500), 200
POLLS_MS = (100, 50)
DOORS_EACH_BOARD = 2
CARDS_PER_S = 20.0
SETTLE_S, SETTLE_FLOOR_S = 1.0, 0.5
ARRIVE_S_MAX = 1.0
TOPIC = "floor/card"
BELOW_A_LOOK = "stored_to_station"
"""The floor's is shorter than the witness' looks are apart; a ratio to it would say nothing."""

Parts = dict[str, list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One size of site at one poll."""

    doors: int
    poll_ms: int

    @property
    def name(self) -> str:
        """As figures are named."""
        return f"{self.doors}_doors_{self.poll_ms}_ms_poll"

    @property
    def extent(self) -> Extent:
        """Its boards and doors."""
        return Extent(boards=self.doors // DOORS_EACH_BOARD, doors=self.doors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A card that was seen, and when the rest was; None: it was not."""

    door: int
    seen: float
    stored: float | None
    station: float | None
    done: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Milliseconds of each part of the way in one case, secd's and the floor's; what was lost, and how busy it was."""

    ours: Parts
    floor: Parts
    lost: int
    core_percent: float
    machine_percent: float


def measure(*, full: bool) -> Measured:
    """Eight seconds of cards in each case (`--full`: a minute, and 500 doors)."""
    return asyncio.run(
        _measure(
            doors=DOORS_FULL if full else DOORS, cards_s=60.0 if full else 8.0, floor_cards_s=30.0 if full else 5.0
        )
    )


def parts(happened: Mapping[str, Any], cards: Sequence[Card]) -> tuple[Parts, int]:
    """Milliseconds of each part of the way, and how many steps were not taken in time. Pure."""
    shown = [(door, at) for door, at in happened["shown"]]
    pulses = [(door, at) for door, at in happened["pulses"]]
    seen = [(card.door, card.seen) for card in cards]
    to_seen, unseen = delays(shown, seen, within_s=ARRIVE_S_MAX)
    to_ordered, unordered = delays(seen, pulses, within_s=ARRIVE_S_MAX)
    presented_to_ordered, _ = delays(shown, pulses, within_s=ARRIVE_S_MAX)
    to_station = [(card.door, card.station) for card in cards if card.station is not None]
    presented_to_station, _ = delays(shown, to_station, within_s=2 * ARRIVE_S_MAX)
    found = {
        "presented_to_seen": to_seen,
        "seen_to_ordered": to_ordered,
        "presented_to_ordered": presented_to_ordered,
        "seen_to_stored": [card.stored - card.seen for card in cards if card.stored is not None],
        "stored_to_station": [
            card.station - card.stored for card in cards if card.station is not None and card.stored is not None
        ],
        "seen_to_station": [card.station - card.seen for card in cards if card.station is not None],
        "presented_to_station": presented_to_station,
        "seen_to_done": [card.done - card.seen for card in cards if card.done is not None],
    }
    untold = sum(card.stored is None or card.station is None for card in cards)
    return {part: [1000 * value for value in values] for part, values in found.items() if values}, (
        unseen + unordered + untold
    )


def summed_up(found: Mapping[Case, Found]) -> Measured:
    """Figures, floor, ratios and bars of all cases. Pure."""
    figures: dict[str, float] = {}
    floor: dict[str, float] = {}
    ratios: dict[str, float] = {}
    for case, one in found.items():
        figures |= {f"{case.name}_{part}": value for part, value in _ranked(one.ours).items()}
        figures |= {
            f"{case.name}_presented_to_seen_theory_p50_ms": case.poll_ms / 2,
            f"{case.name}_presented_to_seen_theory_p99_ms": case.poll_ms * 0.99,
            f"{case.name}_cards": len(one.ours.get("presented_to_seen", ())),
            f"{case.name}_core_percent": one.core_percent,
            f"{case.name}_machine_percent": one.machine_percent,
        }
        floor |= {f"{case.name}_{part}": value for part, value in _ranked(one.floor).items()}
        ratios |= {
            f"{case.name}_{part}_p50_to_floor": percentile(values, 50) / percentile(one.floor[part], 50)
            for part, values in one.ours.items()
            if part in one.floor and part != BELOW_A_LOOK
        }
    return Measured(figures=figures, floor=floor, ratios=ratios, bars=_bars(found))


def _ranked(of: Parts) -> dict[str, float]:
    return {f"{part}_p{rank}_ms": percentile(values, rank) for part, values in of.items() for rank in (50, 99)}


def _bars(found: Mapping[Case, Found]) -> list[Bar]:
    bars = [
        Bar(name=f"{case.name}_seen_to_ordered_p99_ms", value=percentile(one.ours["seen_to_ordered"], 99), limit=5.0, sense="max")
        for case, one in found.items()
        if case.doors == DOORS_OF_BAR
    ]  # fmt: skip
    return [*bars, Bar(name="steps_lost", value=sum(one.lost for one in found.values()), limit=0, sense="max")]


async def _measure(*, doors: Sequence[int], cards_s: float, floor_cards_s: float) -> Measured:
    found: dict[Case, Found] = {}
    async with broker() as hub:
        for case in [Case(doors=count, poll_ms=poll_ms) for count in doors for poll_ms in POLLS_MS]:
            with tempfile.TemporaryDirectory(prefix="secd-bench-") as directory:
                found[case] = await _case(case, Path(directory), hub, cards_s, floor_cards_s)
    return summed_up(found)


async def _case(case: Case, directory: Path, hub: Broker, cards_s: float, floor_cards_s: float) -> Found:
    async with boards(case.extent) as (simulated, ports):
        site = write_site(directory / "site", case.extent, ports, hub.address, poll_ms=case.poll_ms)
        async with _station(hub) as heard, daemon(site, directory / "run") as one:
            await one.until_up(case.extent.boards)
            await asyncio.sleep(SETTLE_S)
            with witness(one.state / "events.db") as seen_beside:
                before, machine_s = usage_of(one.pid), machine_cpu_s()
                happened = await simulated.ask("badges", per_s=CARDS_PER_S, seconds=cards_s)
                after, busy_s = usage_of(one.pid), machine_cpu_s() - machine_s
            cards = await _cards(one, heard, seen_beside)
        ours, lost = parts(happened, cards)
        floor = await _floor(case, directory / "floor.db", simulated, ports, hub=hub, cards_s=floor_cards_s)
    return Found(
        ours=ours,
        floor=floor,
        lost=lost,
        core_percent=after.core_percent_since(before),
        machine_percent=100 * busy_s / ((after.at - before.at) * (os.cpu_count() or 1)),
    )


@asynccontextmanager
async def _station(hub: Broker) -> AsyncIterator[dict[str, float]]:
    """A station that takes everything; what it took, by the event's id, and when."""
    heard: dict[str, float] = {}
    login = Login(username=STATION, password=PASSWORD)
    async with MonitoringStation(broker=hub.address, instance=INSTANCE, site=SITE, name=STATION, login=login) as desk:

        def take() -> bool:
            while desk.events:
                heard.setdefault(desk.events.popleft()["id"], time.time())
            return False

        await desk.until_connected()
        taking = asyncio.create_task(desk.until(take))
        try:
            yield heard
        finally:
            taking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taking


async def _cards(one: Daemon, heard: Mapping[str, float], seen_beside: Witness) -> list[Card]:
    everything = await one.events("access.requested", "access.granted", "order.done")
    granted = {found.event.cause: found for found in everything if found.event.kind == "access.granted"}
    done = {
        found.event.fact.order.rpartition(".")[0]: found.event.detected.utc.timestamp()  # an order's id begins with its input's
        for found in everything
        if isinstance(found.event.fact, OrderEnded) and found.event.fact.act == "ReleaseDoor"
    }  # fmt: skip
    return [
        Card(
            door=int(found.event.subject.split("-")[1]),
            seen=found.event.detected.utc.timestamp(),
            stored=seen_beside.moment(grant.seq) if (grant := granted.get(found.event.id)) is not None else None,
            station=heard.get(grant.event.id) if grant is not None else None,
            done=done.get(found.event.id),
        )
        for found in everything
        if found.event.kind == "access.requested"
    ]


async def _floor(case: Case, store: Path, simulated: Child, ports: list[int], *, hub: Broker, cards_s: float) -> Parts:
    told = {"port": hub.port, "password": PASSWORD, "topic": TOPIC}
    arguments = {"ports": ports, "boards": case.extent.boards, "store": str(store), "broker": told}
    async with _subscriber(hub.port) as heard, child("raw_chain", arguments) as raw:
        await raw.hear()
        raw.listen()
        await raw.ask("start", period_s=case.poll_ms / 1000)
        await asyncio.sleep(SETTLE_FLOOR_S)
        with witness(store) as seen_beside:
            happened = await simulated.ask("badges", per_s=CARDS_PER_S, seconds=cards_s)
        seen = (await raw.ask("seen"))["seen"]
    doors = {case.extent.door(number): number for number in range(case.doors)}
    cards = [
        Card(door=doors[board, reader], seen=at, stored=seen_beside.moment(seq), station=heard.get(seq))
        for seq, (board, reader, at) in enumerate(seen, 1)
    ]
    found, lost = parts(happened, cards)
    if lost:
        raise RuntimeError(f"the floor lost {lost} steps of {len(happened['shown'])} cards")
    return found


@asynccontextmanager
async def _subscriber(port: int) -> AsyncIterator[dict[int, float]]:
    """A bare one; when each number came."""
    heard: dict[int, float] = {}
    v5 = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client("127.0.0.1", port, protocol=v5, username=STATION, password=PASSWORD) as session:
        await session.subscribe(TOPIC, qos=1)

        async def listen() -> None:
            async for message in session.messages:
                heard.setdefault(int(bytes(message.payload)), time.time())

        listening = asyncio.create_task(listen())
        try:
            yield heard
        finally:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
