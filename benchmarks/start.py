"""From nothing to guarding: `secd run` on a site of 500 boards, 500 doors and 600 panic points.

Ready: from before its exec to READY=1. Linked: to the moment the daemon saw the last of the 500 links up, by its own
log. Memory: the highest resident size until five seconds after. The boards are in a process of their own. The floor is
a process that imports the same libraries, connects to the same boards one after the other and reads each once.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.brokers import broker
from benchmarks.processes import boards, child, daemon, machine_cpu_s, resident_mb, run_program
from benchmarks.report import Bar, Measured
from benchmarks.site import DESIGN_SIZE, write_site

LIBRARIES = (
    "aiohttp.web", "aiomqtt", "alembic.command", "click", "cryptography.hazmat.primitives.ciphers.aead", "msgspec",
    "onvif", "prometheus_client", "pydantic", "pymodbus.client", "rich.console", "sqlalchemy", "uvloop", "yaml",
)  # fmt: skip
SETTLED_S = 5.0


def measure(*, full: bool) -> Measured:
    """Three starts (`--full`: ten), each on an empty store; medians."""
    return asyncio.run(_measure(10 if full else 3))


async def _measure(times: int) -> Measured:
    devices = DESIGN_SIZE.boards + DESIGN_SIZE.panels
    ready, linked, memory, floor = [], [], [], []
    async with (
        broker() as hub,
        boards(DESIGN_SIZE) as (_, ports),
    ):
        with tempfile.TemporaryDirectory(prefix="secd-bench-") as directory:
            site = write_site(Path(directory) / "site", DESIGN_SIZE, ports, hub.address)
            started = time.monotonic()
            await run_program("check", str(site))
            check_s = time.monotonic() - started
            busy_s, began = machine_cpu_s(), time.monotonic()
            for number in range(times):
                async with daemon(site, Path(directory) / f"run-{number}") as one:
                    await one.until_up(devices)
                    await asyncio.sleep(SETTLED_S)
                    memory.append(resident_mb(one.pid, "VmHWM"))
                    came = await one.events("device.came_back")
                    ready.append(one.ready_s)
                    linked.append(max(found.event.detected.utc.timestamp() for found in came) - one.started)
                started = time.time()
                arguments = {"ports": ports, "boards": DESIGN_SIZE.boards, "imports": LIBRARIES}
                async with child("raw_modbus", arguments) as raw:
                    floor.append((await raw.hear())["connected"] - started)
            busy_percent = 100 * (machine_cpu_s() - busy_s) / ((time.monotonic() - began) * (os.cpu_count() or 1))
    ready_s, linked_s, memory_mb, floor_s = (median(values) for values in (ready, linked, memory, floor))
    return Measured(
        figures={
            "ready_s": ready_s,
            "ready_worst_s": max(ready),
            "linked_s": linked_s,
            "linked_worst_s": max(linked),
            "memory_highest_mb": memory_mb,
            "config_check_s": check_s,
            "devices": devices,
            "machine_percent": busy_percent,
        },
        floor={"connected_s": floor_s},
        ratios={"linked_to_floor": linked_s / floor_s},
        bars=[
            Bar(name="ready_s", value=ready_s, limit=3.0, sense="max"),
            Bar(name="linked_s", value=linked_s, limit=3.0, sense="max"),
            Bar(name="memory_highest_mb", value=memory_mb, limit=250.0, sense="max"),
        ],
    )
