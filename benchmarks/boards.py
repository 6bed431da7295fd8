"""Many simulated boards in one process of their own, so that their cost is never in the daemon's figures.

In: one JSON object a line on standard input, `{"do": ...}`. Out: one JSON object a line on standard output for each, with
what was measured; moments are wall-clock seconds, which all processes of one machine share. Ends with its input.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from benchmarks.commands import say, serve_commands
from benchmarks.site import HOLDERS, Extent, card_of
from simulators.door_controller.building import wire_doors
from simulators.door_controller.controller import DoorController
from simulators.faults import FaultyLink
from simulators.panic_panel.panel import PanicPanel

REX_S = 0.15


class Asked:
    """When a board was asked: gaps between two requests, once `begin` was called."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.requests = 0
        self._last = 0.0
        self._kept = False

    def begin(self) -> None:
        """Count from now on."""
        self.gaps, self.requests, self._last, self._kept = [], 0, time.monotonic(), True

    def end(self) -> None:
        """Count no more; the gap that is still open counts."""
        self.gaps.append(time.monotonic() - self._last)
        self._kept = False

    def one(self) -> None:
        """A request came."""
        if self._kept:
            now = time.monotonic()
            self.gaps.append(now - self._last)
            self._last = now
            self.requests += 1


class TimedBoard(DoorController):
    """A door controller that notes when it was asked and when a pulse was ordered."""

    def __init__(self, name: str, doors: int) -> None:
        super().__init__(name=name, doors=wire_doors(doors))
        self.asked = Asked()
        self.pulses: list[tuple[int, float]] = []
        self._answered = 0
        self._pulse_ends = [relay.pulse_ends for relay in self.board.relays]

    def noticed(self) -> None:
        """A request was answered, or something was done to the board."""
        if self._server.request_count != self._answered:
            self._answered = self._server.request_count
            self.asked.one()
            for at, relay in enumerate(self.board.relays):
                if relay.pulse is not None and relay.pulse_ends != self._pulse_ends[at]:
                    self.pulses.append((at + 1, time.time()))
                    self._pulse_ends[at] = relay.pulse_ends
        super().noticed()


class TimedPanel(PanicPanel):
    """A panic panel that notes when it was asked."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.asked = Asked()
        self._answered = 0

    def noticed(self) -> None:
        """A request was answered, or something was done to the panel."""
        if self._server.request_count != self._answered:
            self._answered = self._server.request_count
            self.asked.one()
        super().noticed()


class Boards:
    """Every board, and what may be done with all of them. The first `cabled` boards can be cut off."""

    def __init__(self, extent: Extent, cabled: int) -> None:
        self._extent = extent
        doors = [0] * extent.boards
        for number in range(extent.doors):
            doors[extent.door(number)[0]] += 1
        self._boards = [TimedBoard(f"board-{at}", count or 1) for at, count in enumerate(doors)]
        self._panels = [TimedPanel(f"panel-{at}") for at in range(extent.panels)]
        self._cabled = cabled
        self._cut = False
        self._cables: list[FaultyLink] = []
        self._stack = AsyncExitStack()
        self._chance = random.Random(1)

    async def start(self) -> dict[str, Any]:
        """Listen everywhere."""
        everything: list[TimedBoard | TimedPanel] = [*self._boards, *self._panels]
        for one in everything:
            await one.start()
            self._stack.push_async_callback(one.stop)
        for board in self._boards[: self._cabled]:
            self._cables.append(await self._stack.enter_async_context(FaultyLink(board.port, name=board.name)))
        ends: list[Any] = [*self._cables, *self._boards[self._cabled :], *self._panels]
        return {"ports": [one.port for one in ends]}

    async def stop(self) -> None:
        """Close everything."""
        await self._stack.aclose()

    async def watch(self, seconds: float) -> dict[str, Any]:
        """How the boards that are not cut off were asked: requests, and gaps between them."""
        reachable = self._boards[self._cabled if self._cut else 0 :]
        watched = [board.asked for board in reachable] + [panel.asked for panel in self._panels]
        for asked in watched:
            asked.begin()
        started, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        took_s, cpu_s = time.monotonic() - started, time.process_time() - cpu
        for asked in watched:
            asked.end()
        requests = sum(asked.requests for asked in watched)
        gaps = sorted(gap for asked in watched for gap in asked.gaps)
        return {
            "boards": len(watched),
            "requests": requests,
            "took_s": took_s,
            "own_core_percent": 100 * cpu_s / took_s,
            "gaps": _tail(gaps),
        }

    async def cut(self) -> dict[str, Any]:
        """The cabled boards fall silent: their connections stay, nothing passes."""
        for cable in self._cables:
            await cable.cut()
        self._cut = True
        return {}

    async def mend(self) -> dict[str, Any]:
        """The cabled boards are back."""
        for cable in self._cables:
            await cable.restore()
        self._cut = False
        return {}

    async def badges(self, per_s: float, seconds: float) -> dict[str, Any]:
        """Cards at the doors in turn, in another order each round. Returns (door, moment) of cards and pulses."""
        for board in self._boards:
            board.pulses.clear()
        doors = list(range(self._extent.doors))
        shown: list[tuple[int, float]] = []
        async for number in self._paced(per_s, seconds):
            if number % len(doors) == 0:
                self._chance.shuffle(doors)
            shown.append((doors[number % len(doors)], time.time()))
            self._badge(doors[number % len(doors)])
        await asyncio.sleep(1.0)
        return {"shown": shown, "pulses": self._pulses()}

    async def presses(self, points: list[int], per_s: float) -> dict[str, Any]:
        """Pull panic points, one after the other; returns (point, moment)."""
        pulled: list[tuple[int, float]] = []
        async for number in self._paced(per_s, 2 * len(points) / per_s):
            if number == len(points):
                break
            panel, n = self._extent.point(points[number])
            pulled.append((points[number], time.time()))
            self._panels[panel].pull(n)
        return {"pulled": pulled}

    async def flood(self, per_s: float, seconds: float, contact_share: float, card_share: float) -> dict[str, Any]:
        """Doors in a storm: `per_s` changes of inputs and card reads. A request to exit is two: it begins and ends."""
        happened = 0
        contacts: dict[int, bool] = {}
        things_per_s = per_s / (2 - contact_share - card_share)
        async for _ in self._paced(things_per_s, seconds):
            number, dice = self._chance.randrange(self._extent.doors), self._chance.random()
            board = self._boards[self._extent.door(number)[0]]
            name = str(self._extent.door(number)[1])
            if dice < contact_share:
                contacts[number] = not contacts.get(number, False)
                board.force(name) if contacts[number] else board.close(name)
            elif dice < contact_share + card_share:
                self._badge(number)
            else:
                board.press_rex(name, ms=REX_S * 1000)
                happened += 1
            happened += 1
        return {"happened": happened, "per_s": happened / seconds}

    def _badge(self, door: int) -> None:
        board, reader = self._extent.door(door)
        self._boards[board].present_card(reader, card_of(self._chance.randrange(HOLDERS)))

    def _pulses(self) -> list[tuple[int, float]]:
        found = [
            (number, at)
            for number in range(self._extent.doors)
            for n, at in self._boards[self._extent.door(number)[0]].pulses
            if n == self._extent.door(number)[1]
        ]
        return sorted(found, key=lambda pulse: pulse[1])

    async def _paced(self, per_s: float, seconds: float) -> AsyncIterator[int]:
        """0, 1, 2 ... at `per_s` with random spacing, none left out when this process was late."""
        started, number, due = time.monotonic(), 0, 0.0
        while due < seconds:
            wait_s = started + due - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            yield number
            number += 1
            due += self._chance.uniform(0.5, 1.5) / per_s


def _tail(ranked: list[float]) -> dict[str, float]:
    """What is worth knowing of many sorted gaps."""
    return {
        "count": len(ranked),
        "p50_s": ranked[len(ranked) // 2],
        "p99_s": ranked[int(len(ranked) * 0.99)],
        "p999_s": ranked[int(len(ranked) * 0.999)],
        "worst_s": ranked[-1],
        "over_200_ms": sum(gap >= 0.2 for gap in ranked),
    }


async def serve(arguments: dict[str, Any]) -> None:
    """Serve the boards until the input ends."""
    boards = Boards(Extent(**arguments["extent"]), arguments["cabled"])
    say(await boards.start())
    await serve_commands(boards)
    await boards.stop()


if __name__ == "__main__":
    uvloop.run(serve(json.loads(sys.argv[1])))
