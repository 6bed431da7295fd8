"""What every point of every device says now, and how it came to: for people who stand before a cabinet.

In: each observation, as it is reported. Out: points with their levels, and the moves since a mark, the newest first
forgotten last. Also points that nothing in the site names. Refuses nothing, decides nothing, and keeps no card: of a read
it keeps how many bits and which formats they fit.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from secd.events.kinds import after_polarity, levels_between
from secd.model.facts import ButtonState, CardRead, InputState, OutputRead, PanicPressed, PointChanged
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.secret import CardBits
from secd.model.wiring import Placement

POINTS_MAX = 4_096
MOVES_MAX = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point. `raw` is what the device says, `level` what it means where it is wired; `changes` since secd runs."""

    device: DeviceId
    address: str
    raw: str
    level: str
    since: datetime
    changes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of one point. `before` is "" for the first that was heard of it. `edges`: as the board counted them."""

    number: int
    device: DeviceId
    address: str
    before: str
    level: str
    raw: str
    at: datetime
    mono_s: float
    edges: int = 0


class Points:
    """All of them. `place` says how a point is wired at present, `describe` what a card's bits fit."""

    def __init__(
        self, *, place: Callable[[DeviceId, str], Placement | None], describe: Callable[[CardBits], str]
    ) -> None:
        self._place = place
        self._describe = describe
        self._points: dict[tuple[DeviceId, str], Point] = {}
        self._states: dict[tuple[DeviceId, str], InputState] = {}
        self._moves: deque[Move] = deque(maxlen=MOVES_MAX)
        self._moved = asyncio.Event()
        self.mark = 0

    def see(self, observation: Observation) -> None:
        """One observation, of whatever kind. Never blocks, never raises."""
        device, fact = observation.device, observation.fact
        match fact:
            case PointChanged():
                self._see_input(device, fact, observation)
            case OutputRead():
                raw = "energised" if fact.energised else "de-energised"
                self._move(device, f"output/{fact.output}", raw, raw, observation)
            case CardRead():
                says = self._describe(fact.bits)
                self._move(device, f"reader/{fact.reader}", says, "read", observation, always=True)
            case PanicPressed():
                self._move(device, _button(fact.point), f"pressed: {fact.press}", "pressed", observation, always=True)
            case ButtonState():
                battery = "" if fact.battery_percent is None else f", battery {fact.battery_percent} %"
                raw = f"{'tampered' if fact.tampered else 'there'}{battery}"
                self._move(device, _button(fact.point), raw, "checked in", observation)
            case _:
                return

    def of(self, device: DeviceId) -> tuple[Point, ...]:
        """The points of one device that were heard of, in order."""
        mine = (point for point in self._points.values() if point.device == device)
        return tuple(sorted(mine, key=lambda point: _order(point.address)))

    def now(self, device: DeviceId, address: str) -> Point | None:
        """One point; None while nothing was heard of it."""
        return self._points.get((device, address))

    def since(self, mark: int) -> tuple[Move, ...]:
        """The moves after `mark` that are still remembered, oldest first."""
        return tuple(move for move in self._moves if move.number > mark)

    async def moved(self, mark: int) -> None:
        """Return once there is a move after `mark`. Bound it by a timeout."""
        while self.mark <= mark:
            await self._moved.wait()

    def _see_input(self, device: DeviceId, fact: PointChanged, observation: Observation) -> None:
        key = (device, fact.point)
        place = self._place(*key)
        inverted = place is not None and place.inverted
        levels = levels_between(self._states.get(key), fact.state, fact.activations, inverted=inverted)
        self._states[key] = fact.state
        for at, raw in enumerate(levels):
            level = after_polarity(raw, inverted=inverted)
            self._move(device, fact.point, raw, level, observation, edges=fact.activations if at == 0 else 0)

    def _move(
        self, device: DeviceId, address: str, raw: str, level: str, observation: Observation, *, edges: int = 0,
        always: bool = False,
    ) -> None:  # fmt: skip
        known = self._points.get((device, address))
        if known is None and len(self._points) >= POINTS_MAX:
            return
        if known is not None and known.raw == raw and known.level == level and not (always or edges):
            return
        at = _earlier(observation.seen.utc, observation.age_s)
        self.mark += 1
        self._points[device, address] = Point(
            device=device, address=address, raw=str(raw), level=str(level), since=at,
            changes=0 if known is None else known.changes + 1,
        )  # fmt: skip
        self._moves.append(
            Move(
                number=self.mark, device=device, address=address, before="" if known is None else known.level,
                level=str(level), raw=str(raw), at=at, mono_s=observation.seen.mono_s, edges=edges,
            )
        )  # fmt: skip
        waiting, self._moved = self._moved, asyncio.Event()
        waiting.set()


def _button(point: str) -> str:
    return point if point.startswith("button/") else f"button/{point}"


def _order(address: str) -> list[tuple[int, str]]:
    kind, _, number = address.partition("/")
    return [(0, kind), (int(number), "") if number.isdecimal() else (0, number)]


def _earlier(moment: datetime, age_s: float) -> datetime:
    try:
        return moment - timedelta(seconds=max(0.0, age_s))
    except (OverflowError, ValueError):
        return moment
