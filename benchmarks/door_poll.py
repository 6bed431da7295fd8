"""Polling 500 boards every 100 ms, with and without dead ones; and a badge seen to its relay ordered, at 200 doors.

Poll: a site of 500 door controllers, quiet. CPU is the daemon's own, user and system, all threads. A poll is kept when
the board was asked within its period; an overrun is a board that nobody asked for two periods, counted at the boards.
Dead: 25 of the boards fall silent with their connections open; the other 475 are watched the same way.
Badge: from the moment the driver had the card's bits (`detected` of access.requested) to the moment the pulse's request
had arrived and been answered at the simulated board, both by this machine's wall clock; 200 doors on 100 boards.
Floor: one bare asyncio protocol a board that polls, reads the card and writes the pulse, checking and storing nothing.
Peer: a bare loop of pymodbus for each board. All on uvloop, one after the other, on the same boards.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.brokers import broker
from benchmarks.pairs import delays
from benchmarks.processes import Child, boards, child, daemon, machine_cpu_s, resident_mb, usage_of
from benchmarks.report import Bar, Measured, percentile
from benchmarks.site import Extent, write_site

PERIOD_S = 0.1
DEAD = 25
QUIET = Extent(boards=500, doors=500)
BADGES = Extent(boards=100, doors=200)
BADGES_PER_S = 20.0
SETTLE_S = 2.0
PULSE_S_MAX = 1.0


def measure(*, full: bool) -> Measured:
    """Three windows of 5 s each way (`--full`: ten of 30 s); medians."""
    return asyncio.run(
        _measure(windows=10 if full else 3, window_s=30.0 if full else 5.0, badges_s=120.0 if full else 15.0)
    )


async def _measure(*, windows: int, window_s: float, badges_s: float) -> Measured:
    async with broker() as hub:
        with tempfile.TemporaryDirectory(prefix="secd-bench-") as directory:
            quiet, dead, floor, peer = await _polls(Path(directory) / "quiet", hub.address, windows, window_s)
            seen, badge_floor = await _badges(Path(directory) / "badges", hub.address, badges_s)
    figures = {
        **quiet,
        **{f"with_{DEAD}_dead_{name}": value for name, value in dead.items()},
        "badge_p50_ms": percentile(seen, 50),
        "badge_p99_ms": percentile(seen, 99),
        "badge_worst_ms": max(seen),
        "badges": len(seen),
    }
    return Measured(
        figures=figures,
        floor={**floor, "badge_p50_ms": percentile(badge_floor, 50), "badge_p99_ms": percentile(badge_floor, 99)},
        peers={"pymodbus": peer},
        ratios={
            "core_to_floor": quiet["core_percent"] / floor["core_percent"],
            "core_to_pymodbus": quiet["core_percent"] / peer["core_percent"],
            "badge_p50_to_floor": percentile(seen, 50) / percentile(badge_floor, 50),
        },
        bars=[
            Bar(name="core_percent", value=quiet["core_percent"], limit=50.0, sense="max"),
            Bar(name="polls_kept_percent", value=quiet["polls_kept_percent"], limit=99.0, sense="min"),
            Bar(name="overruns", value=quiet["overruns"], limit=0, sense="max"),
            Bar(name=f"overruns_with_{DEAD}_dead", value=dead["overruns"], limit=0, sense="max"),
            Bar(name="badge_p99_ms", value=percentile(seen, 99), limit=5.0, sense="max"),
        ],
    )


async def _polls(
    directory: Path, address: str, windows: int, window_s: float
) -> tuple[dict[str, float], dict[str, float], dict[str, float], dict[str, float]]:
    async with boards(QUIET, cabled=DEAD) as (simulated, ports):
        site = write_site(directory / "site", QUIET, ports, address)
        async with daemon(site, directory / "run") as one:
            await one.until_up(QUIET.boards)
            await asyncio.sleep(SETTLE_S)
            quiet = await _windows(simulated, one.pid, windows, window_s)
            quiet["memory_mb"] = resident_mb(one.pid)
            await simulated.ask("cut")
            await asyncio.sleep(SETTLE_S)
            dead = await _windows(simulated, one.pid, windows, window_s)
        await simulated.ask("mend")
        floor = await _client(simulated, {"ports": ports, "boards": QUIET.boards}, windows, window_s)
        peer = await _client(simulated, {"ports": ports, "library": True}, windows, window_s)
    return quiet, dead, floor, peer


async def _client(simulated: Child, arguments: dict[str, Any], windows: int, window_s: float) -> dict[str, float]:
    async with child("raw_modbus", arguments) as raw:
        await raw.hear()
        raw.listen()
        await raw.ask("start", period_s=PERIOD_S)
        await asyncio.sleep(SETTLE_S)
        return await _windows(simulated, raw.pid, windows, window_s)


async def _windows(simulated: Child, pid: int, windows: int, window_s: float) -> dict[str, float]:
    """Medians of what the boards and the operating system say of a client, window by window; the worst of all gaps."""
    seen: list[dict[str, float]] = []
    for _ in range(windows):
        before, machine_s = usage_of(pid), machine_cpu_s()
        asked = await simulated.ask("watch", seconds=window_s)
        after, busy_s = usage_of(pid), machine_cpu_s() - machine_s
        due = asked["boards"] * asked["took_s"] / PERIOD_S
        seen.append({
            "core_percent": after.core_percent_since(before),
            "polls_kept_percent": min(100.0, 100 * asked["requests"] / due),
            "overruns": asked["gaps"]["over_200_ms"],
            "gap_p99_ms": 1000 * asked["gaps"]["p99_s"],
            "gap_worst_ms": 1000 * asked["gaps"]["worst_s"],
            "boards_core_percent": asked["own_core_percent"],
            "machine_percent": 100 * busy_s / (asked["took_s"] * (os.cpu_count() or 1)),
        })  # fmt: skip
    medians = {name: median(window[name] for window in seen) for name in seen[0]}
    return medians | {"gap_worst_ms": max(window["gap_worst_ms"] for window in seen)}


async def _badges(directory: Path, address: str, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds from seen to ordered: the daemon's, and the floor's."""
    async with boards(BADGES) as (simulated, ports):
        site = write_site(directory / "site", BADGES, ports, address)
        async with daemon(site, directory / "run") as one:
            await one.until_up(BADGES.boards)
            await asyncio.sleep(SETTLE_S)
            happened = await simulated.ask("badges", per_s=BADGES_PER_S, seconds=seconds)
            requested = await one.events("access.requested")
        seen = [(int(found.event.subject.split("-")[1]), found.event.detected.utc.timestamp()) for found in requested]
        ours = _milliseconds(seen, happened, len(happened["shown"]))
        async with child("raw_modbus", {"ports": ports, "boards": BADGES.boards}) as raw:
            await raw.hear()
            raw.listen()
            await raw.ask("start", period_s=PERIOD_S)
            await asyncio.sleep(SETTLE_S)
            happened = await simulated.ask("badges", per_s=BADGES_PER_S, seconds=seconds)
            doors = {BADGES.door(number): number for number in range(BADGES.doors)}
            heard = [(doors[board, reader], at) for board, reader, at in (await raw.ask("seen"))["seen"]]
            floor = _milliseconds(heard, happened, len(happened["shown"]))
    return ours, floor


def _milliseconds(seen: Sequence[tuple[int, float]], happened: dict[str, Any], shown: int) -> list[float]:
    found, missing = delays(seen, [(door, at) for door, at in happened["pulses"]], within_s=PULSE_S_MAX)
    if missing or len(seen) != shown:
        raise RuntimeError(f"{shown} cards were shown, {len(seen)} were seen, {missing} of them released no door")
    return [1000 * delay for delay in found]
