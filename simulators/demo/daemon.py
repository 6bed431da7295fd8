"""`secd run` as its own process, as a new user would start it."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

SITE_ZONE = ZoneInfo("America/Chicago")
MONDAY_MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=SITE_ZONE)
"""When the story begins: a working day, in office hours."""
READY_S_MAX = 30.0
STOP_S_MAX = 10.0
COMMAND_S_MAX = 20.0
LOOK_AGAIN_S = 0.1


class DaemonFailed(Exception):
    """The daemon did not start, or ended by itself."""


def seconds_to(moment: datetime) -> float:
    """How far `moment` is ahead of this machine's clock."""
    return (moment - datetime.now(SITE_ZONE)).total_seconds()


def program(name: str) -> Path:
    """A command of the environment this runs in."""
    return Path(sys.executable).parent / name


class DaemonProcess:
    """One `secd run` on a directory of its own; its log goes to `directory/secd.log`."""

    def __init__(
        self, directory: Path, site: Path, *, ahead_s: float, environment: Mapping[str, str] | None = None
    ) -> None:
        self._environment = {**os.environ, "NO_COLOR": "1", **(environment or {})}
        self.socket = directory / "runtime" / "secd.sock"
        self.log = directory / "secd.log"
        self.evidence = directory / "state" / "evidence"
        self._arguments = [
            "run", str(site), "--state", str(directory / "state"), "--runtime", str(directory / "runtime"),
        ]  # fmt: skip
        self._ahead = timedelta(seconds=ahead_s)
        self._state = directory / "state"
        self._process: asyncio.subprocess.Process | None = None
        self.answers_with = 0
        """The exit code of `secd status` once it runs: 5 where nobody here is an operator."""

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            words = (*self._arguments, "--simulated-time", self._simulated_now())
            self._process = await asyncio.create_subprocess_exec(
                str(program("secd")), *words, stdout=log, stderr=log, env=self._environment
            )
        try:
            async with asyncio.timeout(READY_S_MAX):
                while (await self.command("status"))[0] != self.answers_with:
                    if self._process.returncode is not None:
                        raise DaemonFailed(f"secd ended with {self._process.returncode}; its log: {self.log}")
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError as error:
            raise DaemonFailed(f"secd did not answer within {READY_S_MAX:.0f} s; its log: {self.log}") from error

    def _simulated_now(self) -> str:
        return (datetime.now(SITE_ZONE) + self._ahead).strftime("%Y-%m-%d %H:%M:%S")

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id, while it runs or as it was."""
        return 0 if self._process is None else self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def ended(self, *, within_s: float = STOP_S_MAX) -> int:
        """Wait for it to end by itself; returns its exit code, negative for a signal."""
        assert self._process is not None  # noqa: S101 -- it was started
        async with asyncio.timeout(within_s):
            return await self._process.wait()

    async def stop(self) -> int:
        """End it as systemd would; returns its exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_S_MAX):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        return self._process.returncode or 0

    async def replay(self, site: Path) -> tuple[int, str]:
        """Judge its log again; it need not be running."""
        return await self._run("replay", str(site), "--state", str(self._state))

    async def command(self, *words: str) -> tuple[int, str]:
        """Run one `secd` command against it; returns its exit code and what it printed."""
        return await self._run(*words, "--socket", str(self.socket))

    async def _run(self, *words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            str(program("secd")), *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(COMMAND_S_MAX):
            printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()
