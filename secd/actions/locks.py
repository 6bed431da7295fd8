"""Keeps each door's lock at its desired mode: compares with what the board reports, and writes only what differs.

In: desired locks, what boards report of relays and contacts, links that come and go, releases of ours that run. Out:
SetOutput orders, and for each door whether its mode is achieved, pending or failed. Refuses to write before the modes
were restored (S2), where the relay stands right already (S4: no click on restart), against a release that runs, where
fire has released the lock by hardware (S16), and while the link is down.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from secd.actions.translate import energised_when
from secd.actions.turns import Turns
from secd.model.doors import Achieved, DoorMode, Layer
from secd.model.event import Event
from secd.model.facts import LinkChanged, OutputRead, PointChanged
from secd.model.names import DeviceId, DoorId, OrderId
from secd.model.order import DesiredLock, DeviceOrder, Outcome, SetOutput
from secd.model.wiring import LockWiring, Wiring
from secd.runtime.backoff import Backoff
from secd.runtime.clock import Clock, Quiescence
from secd.runtime.supervisor import Supervisor

WRITE_S_MAX = 2.0
CONFIRM_S = 3.0
"""How long a board may take to report the level it was told, before the write counts as failed."""
PULSE_GRACE_S = 1.0
"""How long after a pulse should have ended its report may still come."""

_CONTACTS = {"door.opened": True, "door.closed": False}

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class _Door:
    """One door's lock. `energised` is None while nobody knows; `forced` wants a write whatever the last report said."""

    lock: LockWiring
    desired: DesiredLock | None = None
    energised: bool | None = None
    pulsing: bool = False
    open_contacts: set[tuple[str, str]] = field(default_factory=set)
    released_until_mono_s: float = 0.0
    forced: bool = False
    writing: bool = False
    unconfirmed: bool = False
    failed: bool = False
    not_before_mono_s: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)
    cancel_timer: Callable[[], None] | None = None

    @property
    def wanted(self) -> bool | None:
        """The coil's level that the desired mode asks for."""
        return None if self.desired is None else energised_when(self.desired.mode, self.lock)

    @property
    def left_to_hardware(self) -> bool:
        """Whether fire released this lock by hardware: it is told nothing that locks (S16)."""
        return self.desired is not None and (self.desired.layer, self.desired.mode) == (Layer.FIRE, DoorMode.LOCKED)

    def releasing(self, now_mono_s: float) -> bool:
        """Whether a release of ours runs, as far as we or the board know."""
        return self.pulsing or now_mono_s < self.released_until_mono_s

    def held(self) -> bool:
        """Whether the coil is held at the desired level."""
        return self.energised is self.wanted and not self.pulsing

    def right(self, now_mono_s: float) -> bool:
        """Whether there is nothing to write."""
        if self.desired is None or self.left_to_hardware:
            return True
        if self.forced:
            return False
        if self.desired.mode is DoorMode.UNLOCKED:
            return self.held()
        return self.energised is self.wanted or self.releasing(now_mono_s)

    def start_over(self) -> None:
        """Something changed: what was tried before does not count."""
        self.failed = self.unconfirmed = False
        self.not_before_mono_s = 0.0
        self.backoff.reset()

    def disarm(self) -> None:
        """No look at a later time is needed."""
        if self.cancel_timer is not None:
            self.cancel_timer()
        self.cancel_timer = None


class Locks:
    """All doors' locks."""

    def __init__(
        self, *, wiring: Wiring, turns: Turns, clock: Clock, supervisor: Supervisor, quiescence: Quiescence
    ) -> None:
        self._turns = turns
        self._clock = clock
        self._supervisor = supervisor
        self._quiescence = quiescence
        self._doors = {DoorId(door): _Door(lock=lock) for door, lock in wiring.locks.items()}
        self._up: set[DeviceId] = set()
        self._numbers = count(1)
        self.restored = False

    def rewire(self, wiring: Wiring) -> None:
        """Another wiring from now on: unchanged locks keep what is known of them."""
        former, self._doors = self._doors, {}
        for name, lock in wiring.locks.items():
            door = former.pop(DoorId(name), None)
            if door is None or door.lock != lock:
                desired, contacts = (door.desired, door.open_contacts) if door is not None else (None, set())
                if door is not None:
                    door.disarm()
                door = _Door(lock=lock, desired=desired, open_contacts=contacts)
            self._doors[DoorId(name)] = door
        for removed in former.values():
            removed.disarm()
        for name in self._doors:
            self._settle(name)

    def restore(self, desired: Iterable[DesiredLock]) -> None:
        """The modes as stored: before this, no output is written."""
        for lock in desired:
            if lock.door in self._doors:
                self._doors[lock.door].desired = lock
        self.restored = True
        for door in self._doors:
            self._settle(door)

    def desire(self, desired: DesiredLock) -> bool:
        """Keep a door at a mode from now on. True: it begins a lockdown there, which cuts short what is released."""
        door = self._doors.get(desired.door)
        if door is None:
            return False
        former, door.desired = door.desired, desired
        if former is not None and (former.mode, former.layer) == (desired.mode, desired.layer):
            return False
        locking_down = desired.mode is DoorMode.LOCKED and desired.layer is Layer.LOCKDOWN
        if locking_down:
            door.forced = door.releasing(self._clock.now().mono_s)
            door.released_until_mono_s = 0.0
        door.start_over()
        self._settle(desired.door)
        return locking_down

    def standing(self, door: DoorId) -> DoorMode:
        """The mode a door is to return to; locked where none was ever desired."""
        known = self._doors.get(door)
        return known.desired.mode if known is not None and known.desired is not None else DoorMode.LOCKED

    def stands_unlocked(self, door: DoorId) -> bool:
        """Whether a door's mode is unlocked and its lock is held so."""
        known = self._doors.get(door)
        return known is not None and self.standing(door) is DoorMode.UNLOCKED and known.held() and not known.writing

    def released_until(self, door: DoorId, mono_s: float) -> None:
        """A release of ours may run until then: the lock is not at fault meanwhile. 0: none runs any more."""
        known = self._doors.get(door)
        if known is not None:
            known.released_until_mono_s = mono_s and mono_s + PULSE_GRACE_S
            self._settle(door)

    def observe(self, event: Event) -> None:
        """See what a board said of a link, a relay or a contact."""
        match event.fact:
            case LinkChanged(up=up):
                self._link(DeviceId(event.source), up=up)
            case OutputRead() as read if DoorId(event.subject) in self._doors:
                self._read(DoorId(event.subject), read)
            case PointChanged(point=point) if event.kind in _CONTACTS and DoorId(event.subject) in self._doors:
                known = self._doors[DoorId(event.subject)].open_contacts
                (known.add if _CONTACTS[event.kind] else known.discard)((event.source, point))

    def achieved(self) -> dict[DoorId, Achieved]:
        """How every door with a desired mode stands."""
        return {name: self._achieved(door) for name, door in self._doors.items() if door.desired is not None}

    def _achieved(self, door: _Door) -> Achieved:
        if door.lock.device not in self._up or door.energised is None:
            return Achieved.PENDING
        if door.failed:
            return Achieved.FAILED
        if door.writing or not door.right(self._clock.now().mono_s):
            return Achieved.PENDING
        lockdown = door.desired is not None and door.desired.layer is Layer.LOCKDOWN
        return Achieved.PENDING if lockdown and door.open_contacts else Achieved.ACHIEVED

    def _link(self, device: DeviceId, *, up: bool) -> None:
        (self._up.add if up else self._up.discard)(device)
        for name, door in self._doors.items():
            if door.lock.device == device:
                door.start_over()
                if not up:
                    door.energised, door.pulsing, door.forced = None, False, False
                    door.released_until_mono_s = 0.0
                self._settle(name)

    def _read(self, name: DoorId, read: OutputRead) -> None:
        door = self._doors[name]
        door.energised, door.pulsing = read.energised, read.pulsing
        if door.held():
            door.start_over()
        self._settle(name)

    def _settle(self, name: DoorId) -> None:
        """Write now, look again later, or be content: called whenever anything about the door changed."""
        door = self._doors.get(name)
        if door is None or door.writing or not self.restored:
            return
        door.disarm()
        now_mono_s = self._clock.now().mono_s
        if door.lock.device not in self._up:
            return
        if door.right(now_mono_s):
            if now_mono_s < door.released_until_mono_s:
                self._look_again(name, door, door.released_until_mono_s)
        elif now_mono_s < door.not_before_mono_s:
            self._look_again(name, door, door.not_before_mono_s)
        else:
            if door.unconfirmed:
                self._fail(name, door, "the board does not report what it was told")
            door.writing = True
            self._quiescence.begin()
            writing = self._supervisor.start(f"lock of {name}", self._write(name, door))
            writing.add_done_callback(lambda done: self._quiescence.end())

    async def _write(self, name: DoorId, door: _Door) -> None:
        level, forced = bool(door.wanted), door.forced
        door.forced = False
        now_mono_s = self._clock.now().mono_s
        order = DeviceOrder(
            id=OrderId(f"lock/{name}/{next(self._numbers)}"),
            device=door.lock.device,
            act=SetOutput(output=door.lock.output, energised=level),
            expires_mono_s=now_mono_s + WRITE_S_MAX,
        )
        try:
            outcome = await self._turns.perform(order, urgent=True)
        finally:
            door.writing = False
        if door.wanted is level and not door.forced:
            self._note(name, door, outcome, forced=forced)
        self._settle(name)

    def _note(self, name: DoorId, door: _Door, outcome: Outcome | None, *, forced: bool) -> None:
        """What a write came to, and when the next look is due."""
        now_mono_s, wait_s = self._clock.now().mono_s, door.backoff.next_wait_s()
        if outcome is None or not outcome.done:
            door.forced, door.unconfirmed = forced, False
            door.not_before_mono_s = now_mono_s + wait_s
            self._fail(name, door, outcome.detail if outcome is not None else "its device is busy")
        elif door.held():
            door.start_over()  # the last report agreed already: no other will come
        else:
            door.unconfirmed = True
            door.not_before_mono_s = now_mono_s + max(CONFIRM_S, wait_s)

    def _fail(self, name: DoorId, door: _Door, why: str) -> None:
        if not door.failed:
            mode = door.desired.mode.value if door.desired is not None else ""
            _log.error("a door's mode is not achieved", extra={"door": name, "mode": mode, "reason": why})
        door.failed = True

    def _look_again(self, name: DoorId, door: _Door, mono_s: float) -> None:
        door.cancel_timer = self._clock.call_at(mono_s, lambda: self._settle(name))
