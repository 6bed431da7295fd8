"""A guarded courthouse of its own for each test: simulators and `secd run` as a process, on ports nobody else uses."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulators.demo.courthouse import Courthouse
from simulators.demo.daemon import MONDAY_MORNING, DaemonProcess, seconds_to
from simulators.demo.site import DemoSite, copy_site
from simulators.demo.witness import Witness

CONFIG = Path(__file__).resolve().parents[2] / "config"


@dataclass
class Guarded:
    """The site, the simulated things, the daemon and its witness."""

    site: DemoSite
    house: Courthouse
    daemon: DaemonProcess
    witness: Witness
    directory: Path
    ahead_s: float

    async def start(self) -> None:
        """Start the daemon and follow its log."""
        await self.daemon.start()
        self._following = asyncio.create_task(self.witness.follow())
        await self.witness.all_devices_up()

    async def end(self) -> int:
        """Stop the daemon; returns its exit code."""
        await self.witness.close()
        code = await self.daemon.stop()
        if self._following is not None:
            await self._following
        return code

    def another_daemon(self, *, later_s: float = 0.0, environment: Mapping[str, str] | None = None) -> None:
        """Replace the daemon (ended) by another on the same state, `later_s` seconds later than it is."""
        self.daemon = DaemonProcess(
            self.directory, self.site.directory, ahead_s=self.ahead_s + later_s, environment=environment
        )
        self.witness = Witness(self.daemon)

    _following: asyncio.Task[None] | None = None


Guard = Callable[..., AbstractAsyncContextManager[Guarded]]


@asynccontextmanager
async def guard_courthouse(
    directory: Path, *, environment: Mapping[str, str] | None = None, start: bool = True
) -> AsyncIterator[Guarded]:
    """The courthouse, guarded. `environment` is added to the daemon's."""
    site = copy_site(CONFIG, directory / "site", free_ports=True)
    ahead_s = seconds_to(MONDAY_MORNING)
    async with Courthouse(site, ahead_s=ahead_s) as house:
        daemon = DaemonProcess(directory, site.directory, ahead_s=ahead_s, environment=environment)
        guarded = Guarded(site, house, daemon, Witness(daemon), directory, ahead_s)
        try:
            if start:
                await guarded.start()
            yield guarded
        finally:
            await guarded.end()


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """`async with guard() as site:`"""
    return lambda **options: guard_courthouse(tmp_path, **options)
