"""A guarded courthouse of its own: simulators, and `secd run` as a process, on ports nobody else uses.

Used by every test of the running daemon. `async with guard_courthouse(directory) as site:`, or the `guard` fixture.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from simulators.demo.courthouse import Courthouse
from simulators.demo.daemon import MONDAY_MORNING, SITE_ZONE, DaemonProcess, seconds_to
from simulators.demo.site import DemoSite, copy_site
from simulators.demo.witness import Event, Witness

CONFIG = Path(__file__).resolve().parents[1] / "config"
SEEN_S_MAX = 15.0
ENDED_S_MAX = 20.0
KILLED = -signal.SIGKILL
BEFORE_OPENING = datetime(2026, 11, 23, 6, 59, 45, tzinfo=SITE_ZONE)
"""Shortly before the schedule unlocks the front entrance: time enough to start, and to do something first."""
OPENING, OPENING_S_MAX = "2026-11-23T13:00:00", 20.0


@dataclass
class Guarded:
    """The site, the simulated things, the daemon and its witness."""

    site: DemoSite
    house: Courthouse
    daemon: DaemonProcess
    witness: Witness
    directory: Path
    ahead_s: float
    environment: Mapping[str, str]

    async def start(self) -> None:
        """Start the daemon, follow its log, and wait for every device."""
        await self.daemon.start()
        self.follow()
        await self.witness.all_devices_up()

    def follow(self) -> None:
        """Follow the daemon's log from now on."""
        self._following = asyncio.create_task(self.witness.follow())

    async def end(self) -> int:
        """Stop the daemon; returns its exit code."""
        await self.witness.close()
        code = await self.daemon.stop()
        if self._following is not None:
            await self._following
            self._following = None
        return code

    async def ended(self) -> int:
        """Wait for the daemon to end by itself; returns its exit code."""
        code = await self.daemon.ended(within_s=ENDED_S_MAX)
        await self.end()
        return code

    def another_daemon(self, *, later_s: float = 0.0, environment: Mapping[str, str] | None = None) -> None:
        """Replace the daemon (ended) by another on the same state, `later_s` seconds later than it is."""
        self._crash_file.unlink(missing_ok=True)
        for camera in (self.house.east_cam, self.house.court_cam):
            camera.forget_pull_points()  # one that was killed leaves its own behind for a minute; a camera has four
        self.daemon = DaemonProcess(
            self.directory,
            self.site.directory,
            ahead_s=self.ahead_s + later_s,
            environment={**self.environment, **(environment or {}), "SECD_CRASH_ARMED": str(self._crash_file)},
        )
        self.witness = Witness(self.daemon, before=self.witness.seen)

    async def restart(self, *, kill: bool = False) -> None:
        """End the daemon, by SIGTERM or kill -9, and start another on the same state."""
        if kill:
            self.daemon.signal(signal.SIGKILL)
            await self.daemon.ended()
        await self.end()
        self.another_daemon()
        await self.start()

    def crash_at(self, point: str) -> None:
        """From now on the daemon dies at this point of docs/crash.md (`name` or `name:n`)."""
        written = self._crash_file.with_suffix(".written")
        written.write_text(point)
        written.rename(self._crash_file)

    async def station_equals_store(self, *, after: int = 0) -> None:
        """Wait until the station has every event stored after `after`, and nothing else; without a gap, in order."""
        station = self.house.station

        def at_station() -> set[str]:
            return {event["id"] for event in station.events}

        async with asyncio.timeout(SEEN_S_MAX):
            await station.until(lambda: self.stored_ids(after) <= at_station())
            early = self.stored_ids(0) - self.stored_ids(after)
            await self.witness.until(lambda: at_station() <= self.stored_ids(after) | early)
        assert station.ledger.gaps == []
        seqs = [event["seq"] for event in self.witness.seen]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert len(self.stored_ids(0)) == len(seqs)

    async def opening_hour(self) -> None:
        """Wait until the schedule's timer has elapsed, in a site that was started `BEFORE_OPENING`."""
        async with asyncio.timeout(OPENING_S_MAX):
            await self.witness.until(
                lambda: any(event["occurred"] >= OPENING for event in self.stored("timer.elapsed"))
            )

    def stored_ids(self, after: int) -> set[str]:
        """The ids of everything stored after `after`, as far as seen."""
        return {event["id"] for event in self.witness.seen if event["seq"] > after}

    def stored(self, *kinds: str, subject: str = "", after: int = 0) -> list[Event]:
        """The events of these kinds stored after `after`, as far as seen."""
        return [
            event
            for event in self.witness.seen
            if event["seq"] > after and event["kind"] in kinds and subject in {"", event["subject"]}
        ]

    @property
    def _crash_file(self) -> Path:
        return self.directory / "crash-at"

    _following: asyncio.Task[None] | None = None


Guard = Callable[..., AbstractAsyncContextManager[Guarded]]


@asynccontextmanager
async def guard_courthouse(
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    start: bool = True,
    at: datetime = MONDAY_MORNING,
) -> AsyncIterator[Guarded]:
    """The courthouse, guarded from the simulated moment `at` on. `environment` is added to the daemon's."""
    site = copy_site(CONFIG, directory / "site", free_ports=True)
    ahead_s = seconds_to(at)
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(Courthouse(site, ahead_s=ahead_s))
        daemon = DaemonProcess(directory, site.directory, ahead_s=ahead_s)
        guarded = Guarded(site, house, daemon, Witness(daemon), directory, ahead_s, environment or {})
        guarded.another_daemon()
        stack.push_async_callback(guarded.end)
        if start:
            await guarded.start()
        yield guarded
