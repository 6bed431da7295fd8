"""What the daemon is seen to do: the events it stored, read through its own command line.

In: the lines of `secd events --follow --json`. Out: waits for an event that fits, bounded by a deadline.
"""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

from simulators.demo.daemon import LOOK_AGAIN_S, DaemonProcess, program

EVENTS_MAX = 10_000
LINE_BYTES_MAX = 1_048_576
SEEN_S_MAX = 10.0

Event = dict[str, Any]


class NotSeen(Exception):
    """What a step expected did not happen in time."""


class Witness:
    """Follows the log of one daemon. `seen` holds every event so far, oldest first; `before`: what an earlier witness of
    the same log saw, since a new one is shown the newest thousand only.
    """

    def __init__(self, daemon: DaemonProcess, *, before: Iterable[Event] = ()) -> None:
        self.seen: list[Event] = list(before)
        self._daemon = daemon
        self._more = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None

    async def follow(self) -> None:
        """Read events until the daemon ends."""
        self._process = await asyncio.create_subprocess_exec(
            str(program("secd")), "events", "--follow", "--json", "--limit", "1000", "--socket", str(self._daemon.socket),
            stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MAX,
        )  # fmt: skip
        assert self._process.stdout is not None  # noqa: S101 -- it was asked for above
        async for line in self._process.stdout:
            event = json.loads(line)
            if event["seq"] <= self.mark():
                continue
            async with self._more:
                self.seen.append(event)
                del self.seen[:-EVENTS_MAX]
                self._more.notify_all()

    async def close(self) -> None:
        """End the command that follows."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def all_devices_up(self) -> None:
        """Wait until every device's link is up."""
        async with asyncio.timeout(SEEN_S_MAX):
            while any(device["state"] != "up" for device in await self.devices()):
                await asyncio.sleep(LOOK_AGAIN_S)

    async def devices(self) -> list[dict[str, Any]]:
        """Every device as `secd devices` shows it."""
        _, printed = await self._daemon.command("devices", "--json")
        devices: list[dict[str, Any]] = json.loads(printed)["devices"]
        return devices

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once `holds()` of what was seen. Bound it by a timeout."""
        async with self._more:
            await self._more.wait_for(holds)

    def mark(self) -> int:
        """The newest sequence number seen so far: a step looks only after it."""
        return int(self.seen[-1]["seq"]) if self.seen else 0

    async def event(
        self, kind: str, subject: str = "", *, after: int = 0, fits: Callable[[Event], bool] | None = None
    ) -> Event:
        """Wait for an event of `kind` about `subject`, numbered after `after`."""

        def find() -> Event | None:
            for event in self.seen:
                right = event["seq"] > after and event["kind"] == kind and subject in ("", event["subject"])
                if right and (fits is None or fits(event)):
                    return event
            return None

        try:
            async with asyncio.timeout(SEEN_S_MAX), self._more:
                while (found := find()) is None:
                    await self._more.wait()
                return found
        except TimeoutError as error:
            raise NotSeen(f"no {kind} {subject} was stored within {SEEN_S_MAX:.0f} s") from error

    def none_of(self, kind: str, subject: str, *, after: int) -> None:
        """Raise if an event of `kind` about `subject` was stored after `after`."""
        for event in self.seen:
            if event["seq"] > after and event["kind"] == kind and event["subject"] == subject:
                raise NotSeen(f"{kind} {subject} was stored, and should not have been")
