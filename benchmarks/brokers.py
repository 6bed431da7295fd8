"""The broker of a benchmark: Mosquitto where it is installed, as on a real site; else the demonstration's own.

The embedded one (rumqttd) stops answering a station that is slower than a storm for a while, and then for good; what is
then measured is not secd.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.site import PASSWORD, STATION
from simulators.broker import EmbeddedBroker, free_port

_SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_inflight_messages 100
max_queued_messages 100000
"""
LISTENING_S_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where it listens on the loopback, and which one it is."""

    port: int
    is_mosquitto: bool

    @property
    def address(self) -> str:
        """As a site names it."""
        return f"mqtt://127.0.0.1:{self.port}"


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    """A broker for the length of the block."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")
    if program is None:
        async with EmbeddedBroker(users={"secd": PASSWORD, STATION: PASSWORD}) as embedded:
            yield Broker(port=embedded.port, is_mosquitto=False)
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="secd-bench-broker-") as directory:
        settings = Path(directory) / "mosquitto.conf"
        settings.write_text(_SETTINGS.format(port=port))
        process = await asyncio.create_subprocess_exec(
            program, "-c", str(settings), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            await _until_listening(port)
            yield Broker(port=port, is_mosquitto=True)
        finally:
            process.terminate()
            await process.wait()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(LISTENING_S_MAX):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)
