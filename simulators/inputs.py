"""A supervised input with its counters, and a schedule of what happens to it. Pure: `now` is an argument, nothing waits.

In: contacts and wires as people move them. Out: what a board measures and counts. A counter counts from the board's
start; of the activations nobody acknowledged it remembers the times of the first 64.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from secd.model.facts import InputState
from secd.wire.registers import WORD_MAX, BoardInput

SCHEDULED_MAX: Final = 10_000
PENDING_TIMES_MAX: Final = 64


class Schedule:
    """What happens later, in its order: `at(due, act)`; `act` is given its own due time."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Callable[[float], None]]] = []
        self._tie = count()

    @property
    def due(self) -> float:
        """When the next one is due; infinity when none is."""
        return self._waiting[0][0] if self._waiting else math.inf

    def at(self, due: float, act: Callable[[float], None]) -> None:
        """Do `act` at `due`."""
        if len(self._waiting) >= SCHEDULED_MAX:
            raise ValueError(f"{SCHEDULED_MAX} things are going to happen already")
        heapq.heappush(self._waiting, (due, next(self._tie), act))

    def run(self, now: float) -> None:
        """Do all that is due."""
        while self._waiting and self._waiting[0][0] <= now:
            due, _, act = heapq.heappop(self._waiting)
            act(due)


@dataclass(slots=True, kw_only=True)
class SupervisedInput:
    """One input: the contact behind it, and its wire. `fault` is CUT or SHORT while the wire is broken."""

    active: bool = False
    fault: InputState | None = None
    activations: int = 0
    acknowledged: int = 0
    last_activation: float = -math.inf
    _pending_since: list[float] = field(default_factory=list)

    @property
    def state(self) -> InputState:
        """What the board measures at the end of the wire."""
        return self.fault or (InputState.ACTIVE if self.active else InputState.NORMAL)

    @property
    def pending(self) -> int:
        """Activations not acknowledged."""
        return self.activations - self.acknowledged

    @property
    def first_pending(self) -> float:
        """When the first pending activation was; never later than it truly was."""
        return self._pending_since[0] if self._pending_since else self.last_activation

    def set_contact(self, active: bool, now: float) -> None:
        """The contact opens or closes; a change to ACTIVE is counted."""
        before = self.state
        self.active = active
        self._count(before, now)

    def set_wire(self, fault: InputState | None, now: float) -> None:
        """The wire is cut, shorted, or (None) mended; if that shows an active contact, it counts."""
        before = self.state
        self.fault = fault
        self._count(before, now)

    def acknowledge(self, counter: int) -> None:
        """Take activations up to `counter` as seen; lower than before changes nothing."""
        taken = counter - self.acknowledged
        if taken <= 0:
            return
        self.acknowledged = counter
        keep = 0 if counter == self.activations else 1
        del self._pending_since[: min(taken, len(self._pending_since) - keep)]

    def boot(self) -> None:
        """Forget what was counted; the contact and the wire stay as they are."""
        self.activations = self.acknowledged = 0
        self.last_activation = -math.inf
        self._pending_since.clear()

    def words(self) -> BoardInput:
        """As the wire says it."""
        return BoardInput(state=self.state, activations=self.activations, pending=min(self.pending, WORD_MAX))

    def _count(self, before: InputState, now: float) -> None:
        if self.state is InputState.ACTIVE and before is not InputState.ACTIVE:
            self.activations += 1
            self.last_activation = now
            if len(self._pending_since) < PENDING_TIMES_MAX:
                self._pending_since.append(now)
