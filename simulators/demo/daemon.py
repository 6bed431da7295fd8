"""`secd run` as its own process, as a new user would start it."""

import asyncio
import os
import sys
from pathlib import Path

READY_S_MAX = 30.0
STOP_S_MAX = 10.0
COMMAND_S_MAX = 20.0
LOOK_AGAIN_S = 0.1


class DaemonFailed(Exception):
    """The daemon did not start, or ended by itself."""


def program(name: str) -> Path:
    """A command of the environment this runs in."""
    return Path(sys.executable).parent / name


class DaemonProcess:
    """One `secd run` on a directory of its own; its log goes to `directory/secd.log`."""

    def __init__(self, directory: Path, site: Path, *, simulated_time: str) -> None:
        self.socket = directory / "runtime" / "secd.sock"
        self.log = directory / "secd.log"
        self.evidence = directory / "state" / "evidence"
        self._arguments = [
            "run", str(site), "--state", str(directory / "state"), "--runtime", str(directory / "runtime"),
            "--simulated-time", simulated_time,
        ]  # fmt: skip
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(program("secd")), *self._arguments, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"}
            )
        try:
            async with asyncio.timeout(READY_S_MAX):
                while (await self.command("status"))[0] != 0:
                    if self._process.returncode is not None:
                        raise DaemonFailed(f"secd ended with {self._process.returncode}; its log: {self.log}")
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError as error:
            raise DaemonFailed(f"secd did not answer within {READY_S_MAX:.0f} s; its log: {self.log}") from error

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

    async def command(self, *words: str) -> tuple[int, str]:
        """Run one `secd` command against it; returns its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            str(program("secd")), *words, "--socket", str(self.socket),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(COMMAND_S_MAX):
            printed, _ = await process.communicate()
        return process.returncode or 0, printed.decode()
