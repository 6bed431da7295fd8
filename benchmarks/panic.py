"""A panic button to the monitoring station, idle and in a storm, through a real broker and a station of its own.

Closed: the contact closed at the simulated panel. Seen: the driver read it (`detected` of panic.activated). Station: the
station has taken the alarm and is about to send its receipt, the last thing before that. Stored: secd has the receipt
(`detected` of alarm.received). All by this machine's wall clock, in four processes: boards, daemon, broker, station.
100 door controllers with 200 doors and 38 panels with 600 points, all polled every 100 ms; each press is another point.
The storm is 500 changes of inputs and card reads a second at the doors: people asking to exit (60 %), contacts forced
and closed (20 %), cards (20 %); what secd finds, orders and alarms of each comes on top (`storm_events_stored_per_s`).
Floor: a bare poll of the same boards that publishes to a bare subscriber on the same broker.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt

from benchmarks.brokers import broker
from benchmarks.pairs import delays
from benchmarks.processes import Child, Daemon, boards, child, daemon, machine_cpu_s, usage_of
from benchmarks.report import Bar, Measured, percentile
from benchmarks.site import INSTANCE, PASSWORD, SITE, STATION, Extent, write_site
from secd.store.stored import StoredEvent
from simulators.monitoring_station.station import MonitoringStation
from simulators.mqtt_peer import Login

EXTENT = Extent(boards=100, doors=200, panels=38, panic_points=600)
PERIOD_S = 0.1
SETTLE_S = 2.0
PRESSES_PER_S = 10.0
LEAD_S = 2.0
STORM_PER_S = 500.0
CONTACT_SHARE, CARD_SHARE = 0.2, 0.2
ARRIVE_S_MAX = 10.0
TOPIC = "floor/pressed"

Moments = list[tuple[str, float]]


def measure(*, full: bool) -> Measured:
    """150 presses idle, then 180 in a storm of 20 s (`--full`: of 10 minutes)."""
    return asyncio.run(_measure(storm_s=600.0 if full else 20.0))


async def _measure(*, storm_s: float) -> Measured:
    async with broker() as hub:
        with tempfile.TemporaryDirectory(prefix="secd-bench-") as directory:
            async with boards(EXTENT) as (simulated, ports):
                site = write_site(Path(directory) / "site", EXTENT, ports, hub.address)
                async with daemon(site, Path(directory) / "run") as one:
                    idle, storm, figures = await _ours(simulated, one, hub.address, storm_s)
                floor = await _floor(simulated, ports, hub.port)
    figures["broker_is_mosquitto"] = float(hub.is_mosquitto)
    for name, found in (("idle", idle), ("storm", storm)):
        for part, values in found.items():
            figures[f"{name}_{part}_p50_ms"] = percentile(values, 50)
            figures[f"{name}_{part}_p99_ms"] = percentile(values, 99)
            figures[f"{name}_{part}_worst_ms"] = max(values)
    return Measured(
        figures=figures,
        floor=floor,
        ratios={"idle_seen_to_station_p50_to_floor": figures["idle_seen_to_station_p50_ms"] / floor["seen_to_station_p50_ms"]},
        bars=[
            Bar(name="idle_closed_to_station_p99_ms", value=figures["idle_closed_to_station_p99_ms"], limit=500, sense="max"),
            Bar(name="storm_closed_to_station_p99_ms", value=figures["storm_closed_to_station_p99_ms"], limit=500, sense="max"),
            Bar(name="idle_seen_to_station_p99_ms", value=figures["idle_seen_to_station_p99_ms"], limit=50, sense="max"),
            Bar(name="storm_seen_to_station_p99_ms", value=figures["storm_seen_to_station_p99_ms"], limit=250, sense="max"),
            Bar(name="storm_per_s", value=figures["storm_per_s"], limit=STORM_PER_S * 0.98, sense="min"),
            Bar(name="presses_missed", value=figures["presses_missed"], limit=0, sense="max"),
        ],
    )  # fmt: skip


async def _ours(
    simulated: Child, one: Daemon, address: str, storm_s: float
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, float]]:
    arrived: Moments = []
    raised: dict[str, str] = {}

    def note(alarm: dict[str, Any]) -> None:
        if alarm["alarm_id"] not in raised:
            raised[alarm["alarm_id"]] = alarm["point"]
            arrived.append((alarm["point"], time.time()))

    login = Login(username=STATION, password=PASSWORD)
    async with MonitoringStation(
        broker=address, instance=INSTANCE, site=SITE, name=STATION, login=login, on_alarm=note
    ) as desk:
        await desk.until_connected()
        await one.until_up(EXTENT.boards + EXTENT.panels)
        await asyncio.sleep(SETTLE_S)
        closed_idle = await _press(simulated, range(150), PRESSES_PER_S)
        await asyncio.sleep(SETTLE_S)
        storm_points = range(150, 150 + 180)
        storm = asyncio.create_task(
            simulated.ask(
                "flood", per_s=STORM_PER_S, seconds=storm_s, contact_share=CONTACT_SHARE, card_share=CARD_SHARE
            )
        )
        await asyncio.sleep(LEAD_S)
        before, machine_s, started = usage_of(one.pid), machine_cpu_s(), time.time()
        closed_storm = await _press(simulated, storm_points, len(storm_points) / (storm_s - 2 * LEAD_S))
        after, busy_s, ended = usage_of(one.pid), machine_cpu_s() - machine_s, time.time()
        happened = await storm
        await asyncio.sleep(ARRIVE_S_MAX)
        everything = await one.events()
    seen = _moments(everything, "panic.activated", {})
    stored = _moments(everything, "alarm.received", raised)
    idle, missed_idle = _parts(closed_idle, seen, arrived, stored)
    in_storm, missed_storm = _parts(closed_storm, seen, arrived, stored)
    during = sum(started <= found.event.detected.utc.timestamp() < ended for found in everything)
    return idle, in_storm, {
        "presses": len(closed_idle) + len(closed_storm),
        "presses_missed": missed_idle + missed_storm,
        "storm_per_s": happened["per_s"],
        "storm_events_stored_per_s": during / (ended - started),
        "storm_core_percent": after.core_percent_since(before),
        "storm_machine_percent": 100 * busy_s / ((after.at - before.at) * (os.cpu_count() or 1)),
        "shed": sum(found.event.kind == "events.shed" for found in everything),
    }  # fmt: skip


async def _press(simulated: Child, points: Sequence[int], per_s: float) -> Moments:
    pulled = (await simulated.ask("presses", points=list(points), per_s=per_s))["pulled"]
    return [(f"point-{number}", at) for number, at in pulled]


def _moments(everything: Sequence[StoredEvent], kind: str, subjects: dict[str, str]) -> Moments:
    """When secd saw each event of a kind; its subject named by `subjects` where that has another name for it."""
    return [
        (subjects.get(found.event.subject, found.event.subject), found.event.detected.utc.timestamp())
        for found in everything
        if found.event.kind == kind
    ]


def _parts(closed: Moments, seen: Moments, arrived: Moments, stored: Moments) -> tuple[dict[str, list[float]], int]:
    """Milliseconds of each part of the way, and how many presses did not come all the way."""
    pressed = {point for point, _ in closed}
    seen = [(point, at) for point, at in seen if point in pressed]
    to_seen, _ = delays(closed, seen, within_s=ARRIVE_S_MAX)
    to_station, missed = delays(closed, arrived, within_s=ARRIVE_S_MAX)
    seen_to_station, _ = delays(seen, arrived, within_s=ARRIVE_S_MAX)
    to_stored, unstored = delays(closed, stored, within_s=ARRIVE_S_MAX)
    parts = {
        "closed_to_seen": to_seen,
        "seen_to_station": seen_to_station,
        "closed_to_station": to_station,
        "closed_to_receipt_stored": to_stored,
    }
    return {part: [1000 * value for value in values] for part, values in parts.items()}, missed + unstored


@asynccontextmanager
async def _subscriber(port: int, arrived: Moments) -> AsyncIterator[None]:
    v5 = aiomqtt.ProtocolVersion.V5
    async with aiomqtt.Client("127.0.0.1", port, protocol=v5, username=STATION, password=PASSWORD) as session:
        await session.subscribe(TOPIC, qos=1)

        async def listen() -> None:
            async for message in session.messages:
                arrived.append((bytes(message.payload).decode(), time.time()))

        listening = asyncio.create_task(listen())
        yield
        listening.cancel()


async def _floor(simulated: Child, ports: list[int], port: int) -> dict[str, float]:
    points = range(400, 550)
    arrived: Moments = []
    arguments = {
        "ports": ports, "boards": EXTENT.boards, "broker": {"port": port, "password": PASSWORD, "topic": TOPIC},
    }  # fmt: skip
    async with _subscriber(port, arrived), child("raw_modbus", arguments) as raw:
        await raw.hear()
        raw.listen()
        await raw.ask("start", period_s=PERIOD_S)
        await asyncio.sleep(SETTLE_S)
        pulled = (await simulated.ask("presses", points=list(points), per_s=PRESSES_PER_S))["pulled"]
        await asyncio.sleep(1.0)
        heard = (await raw.ask("seen"))["seen"]
    key = {number: f"[{EXTENT.point(number)[0]}, {EXTENT.point(number)[1]}]" for number in points}
    seen = [(f"[{panel - EXTENT.boards}, {n}]", at) for panel, n, at in heard if panel >= EXTENT.boards]
    from_seen, _ = delays(seen, arrived, within_s=ARRIVE_S_MAX)
    from_closed, missed = delays([(key[number], at) for number, at in pulled], arrived, within_s=ARRIVE_S_MAX)
    if missed:
        raise RuntimeError(f"the floor missed {missed} presses")
    return {
        "seen_to_station_p50_ms": 1000 * percentile(from_seen, 50),
        "seen_to_station_p99_ms": 1000 * percentile(from_seen, 99),
        "closed_to_station_p99_ms": 1000 * percentile(from_closed, 99),
    }
