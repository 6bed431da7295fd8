"""Where observations wait for the engine: a latch per panic point, an urgent and an ordinary lane, all bounded.

In: `report`, from drivers, links, operators and secd itself; it never blocks and never raises. Out: `take`, one at a
time. When it presses, level facts of one point merge; card reads never do: they stay in their device, which tells them
again. A press cannot be lost: it waits in its point's latch, whatever else is full (safety rule S11).
"""

import logging
from dataclasses import dataclass

from secd.events.merge import LEVELS, level_key, merge_levels, merge_presses, same_level
from secd.model.doors import Role
from secd.model.event import KINDS
from secd.model.facts import CommandGiven, PanicPressed, PointChanged, PolicyActivated, Trouble
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor, Observation
from secd.model.wiring import Wiring
from secd.runtime.clock import Clock, Quiescence
from secd.runtime.mailbox import TwoLaneMailbox

_log = logging.getLogger(__name__)
URGENT_MAX = 1024
ORDINARY_MAX = 8192
LATCHES_MAX = 4096
URGENT_POINTS = frozenset({Role.PANIC, Role.FIRE, Role.TAMPER, Role.READER_TAMPER})
SECD = DeviceId("secd")

Key = tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Slot:
    """A place in a lane. `observation` is None for one that only wakes the reader."""

    observation: Observation | None
    key: Key | None = None


class Inbox:
    """One reader, any number of reporters, one loop. `rewire` tells it which points are panic and tamper points."""

    def __init__(
        self,
        *,
        clock: Clock,
        wiring: Wiring | None = None,
        quiescence: Quiescence | None = None,
        urgent_max: int = URGENT_MAX,
        ordinary_max: int = ORDINARY_MAX,
    ) -> None:
        self._clock = clock
        self._wiring = wiring or Wiring()
        self._quiescence = quiescence
        self._lanes: TwoLaneMailbox[_Slot] = TwoLaneMailbox(urgent_max=urgent_max, ordinary_max=ordinary_max)
        self._pressed_from = ordinary_max // 2
        self._latches: dict[Key, Observation] = {}
        self._levels: dict[Key, _Slot] = {}
        self._held_back: dict[DeviceId, DeviceCursor] = {}
        self._shed_in_episode = 0
        self.shed_count = 0

    def rewire(self, wiring: Wiring) -> None:
        """Other points are panic and tamper points from now on."""
        self._wiring = wiring

    def report(self, observation: Observation) -> None:
        """Take one observation, merge it, or count it as shed."""
        latch = self._latch_of(observation)
        if latch is not None:
            self._put_latch(latch, observation)
        elif not self._must_wait_in_device(observation) and not (self._merge(observation) or self._put(observation)):
            self._shed(observation)

    def take(self) -> Observation | None:
        """The next observation: presses, then urgent, then ordinary, then what there is to say about shedding."""
        if self._latches:
            key = next(iter(self._latches))
            return self._taken(self._latches.pop(key))
        while (slot := self._lanes.take()) is not None:
            if slot.key is not None and self._levels.get(slot.key) is slot:
                del self._levels[slot.key]
            if slot.observation is not None:
                return self._taken(slot.observation)
        return self._tell_shedding()

    async def arrival(self) -> None:
        """Return when there is something to take."""
        if not self._latches:
            await self._lanes.arrival()

    def __len__(self) -> int:
        return len(self._latches) + len(self._lanes)

    # --- presses -----------------------------------------------------------------------------------------------------

    def _latch_of(self, observation: Observation) -> Key | None:
        fact = observation.fact
        if isinstance(fact, PanicPressed):
            key: Key = ("pressed", observation.device, fact.point, "retained" if fact.retained else "")
        elif isinstance(fact, PointChanged) and self._role_of(observation.device, fact.point) is Role.PANIC:
            key = ("panic", observation.device, fact.point)
        else:
            return None
        return key if key in self._latches or len(self._latches) < LATCHES_MAX else None

    def _put_latch(self, key: Key, observation: Observation) -> None:
        waiting = self._latches.get(key)
        if waiting is not None:
            self._latches[key] = merge_presses(waiting, observation)
            return
        self._latches[key] = observation
        self._begin()
        self._lanes.put(_Slot(None), urgent=True)  # wakes the reader; when the lanes are full it is awake already

    # --- the lanes ---------------------------------------------------------------------------------------------------

    def _put(self, observation: Observation) -> bool:
        key = level_key(observation)
        slot = _Slot(observation, key)
        if self._lanes.put(slot, urgent=self._is_urgent(observation)):
            self._begin()
            if key is not None:
                self._levels[key] = slot
            return True
        waiting = self._levels.get(key) if key is not None else None
        if waiting is None or waiting.observation is None:
            return False
        waiting.observation = merge_levels(waiting.observation, observation)
        return True

    def _merge(self, observation: Observation) -> bool:
        """Merge with what waits of the same point, where that loses nothing; only under pressure, to keep the order."""
        if not isinstance(observation.fact, LEVELS) or len(self._lanes) < self._pressed_from:
            return False
        waiting = self._levels.get(level_key(observation) or ())
        if waiting is None or waiting.observation is None or not same_level(waiting.observation, observation):
            return False
        waiting.observation = merge_levels(waiting.observation, observation)
        return True

    def _is_urgent(self, observation: Observation) -> bool:
        fact = observation.fact
        match fact:
            case CommandGiven() | PolicyActivated() | PanicPressed():
                return True
            case Trouble():
                return observation.kind in KINDS and KINDS[observation.kind].urgent
            case PointChanged():
                return self._role_of(observation.device, fact.point) in URGENT_POINTS
            case _:
                return False

    def _role_of(self, device: DeviceId, point: str) -> Role | None:
        placement = self._wiring.points.get((device, point))
        return None if placement is None else placement.role

    # --- shedding ----------------------------------------------------------------------------------------------------

    def _must_wait_in_device(self, observation: Observation) -> bool:
        """After a numbered read was refused, newer ones of that device are too while it presses, so that none is skipped:
        the device tells all that are not committed again, in order.
        """
        refused, cursor = self._held_back.get(observation.device), observation.cursor
        if refused is None or cursor is None:
            return False
        newer = cursor.boot_id == refused.boot_id and cursor.sequence > refused.sequence
        if newer and len(self._lanes) >= self._pressed_from:
            return True
        del self._held_back[observation.device]
        return False

    def _shed(self, observation: Observation) -> None:
        if observation.cursor is not None:
            self._held_back[observation.device] = observation.cursor
        if self._shed_in_episode == 0:
            _log.error("observations are shed: the engine does not keep up", extra={"device": observation.device})
        self._shed_in_episode += 1
        self.shed_count += 1

    def _tell_shedding(self) -> Observation | None:
        if self._shed_in_episode == 0:
            return None
        what = f"{self._shed_in_episode} observations were not taken: more came than secd could judge"
        self._shed_in_episode = 0
        trouble = Trouble(what=what, remedy="look which device floods: secd events --kind events.shed")
        return Observation(device=SECD, fact=trouble, seen=self._clock.now(), kind="events.shed")

    def _taken(self, observation: Observation) -> Observation:
        if self._quiescence is not None:
            self._quiescence.end()
        return observation

    def _begin(self) -> None:
        if self._quiescence is not None:
            self._quiescence.begin()
