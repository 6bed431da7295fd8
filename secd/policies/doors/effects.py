"""What each effect of the door machine does: pure leaves from a door to the door after it and what was said on the way.

In: the door, its settings, the moment. Out: the new door; findings and acts in order. `advance` is the only one that reads
the table; `classify_opening` gives an opening its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from secd.model.doors import DoorMode, PhysicalState
from secd.model.facts import DoorFinding, Passage
from secd.model.names import EventId, HolderId
from secd.model.order import RelockDoor
from secd.model.time import Instant
from secd.policies.doors.machine import TABLE, DoorInput, Effect, Phase
from secd.policies.doors.state import DoorState, Grant
from secd.policies.tables import DoorTable

RELEASE_MARGIN_S = 1.0
"""How long after a release ended its opening may still be reported."""
BOLT_S_MAX = 3.0
TRAVEL_MARGIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A finding about this door."""

    kind: str
    fact: DoorFinding | Passage


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something to do at this door. `urgent`: ahead of what is under way there, which ends."""

    act: RelockDoor
    urgent: bool


@dataclass(frozen=True, slots=True)
class StillThere:
    """An alarm's condition, unknown for a while, was seen again."""


Said: TypeAlias = Found | Act | StillThere
Result: TypeAlias = tuple[DoorState, list[Said]]
TIMER_INPUTS = {
    "release": DoorInput.RELEASE_OVER,
    "grace": DoorInput.GRACE_OVER,
    "held_warn": DoorInput.WARN_DUE,
    "held_alarm": DoorInput.ALARM_DUE,
}


def advance(door: DoorState, table: DoorTable, happened: DoorInput, at: Instant) -> Result:
    """One step of the machine."""
    transition = TABLE[door.phase, happened]
    said: list[Said] = []
    for effect in transition.effects:
        door, more = _LEAVES[effect](door, table, at)
        said += more
    if transition.to is not Phase.UNEXPLAINED and transition.to is not Phase.UNEXPLAINED_SHUT:
        door = door.due(grace=None)
    return (door if door.phase is transition.to else replace(door, phase=transition.to)), said


def classify_opening(door: DoorState, at: Instant, *, initial: bool) -> DoorInput:
    """The reason of an opening. A first reading after a gap has none of its own: nobody saw when it opened."""
    if door.grants:
        return DoorInput.OPENED_ON_GRANT
    if initial:
        return DoorInput.READ_OPEN
    if door.mode is not DoorMode.UNLOCKED and exit_explains(door, at):
        return DoorInput.OPENED_FOR_EXIT
    if stands_free(door, at):
        return DoorInput.OPENED_FREELY
    return DoorInput.OPENED


def stands_free(door: DoorState, at: Instant) -> bool:
    """Whether the lock is open by our doing: by its mode, a release, or a motor that has not thrown the bolt yet."""
    return door.mode is DoorMode.UNLOCKED or max(door.released_until_s, door.bolting_until_s) > at.mono_s


def bolt_s_max(table: DoorTable) -> float:
    """How long after a closing the bolt may take to follow."""
    return max(BOLT_S_MAX, table.travel_s + TRAVEL_MARGIN_S if table.travel_s else 0.0)


def exit_explains(door: DoorState, at: Instant) -> bool:
    """Whether a request to exit, not used yet and not stuck, covers this moment."""
    return door.rex_fresh and not door.rex_stuck and (door.rex_active or at.mono_s <= door.rex_until_s)


def _await_passage(door: DoorState, table: DoorTable, at: Instant) -> Result:
    extra_s = max((grant.extra_s for grant in door.grants), default=0.0)
    over_s = at.mono_s + table.release_s + extra_s + table.travel_s + RELEASE_MARGIN_S
    return door.due(release=max(over_s, door.timers.get("release", 0.0))), []


def _take(door: DoorState, table: DoorTable, at: Instant) -> Result:
    how = "taken" if len(door.grants) == 1 else "shared_opening"
    door, said = _passed(door, table, at, how)
    return replace(door, opened_at=at.utc), said


def _assume(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return _passed(door, table, at, "shared_opening" if door.passages else "assumed")


def _passed(door: DoorState, table: DoorTable, at: Instant, how: str) -> Result:
    said: list[Said] = [Found(kind="access.taken", fact=_passage(table, how, grant)) for grant in door.grants]
    if not door.grants:
        return door, said
    extra_s = max(grant.extra_s for grant in door.grants)
    taken = replace(
        door,
        taken_at=at.utc,
        taken_by=door.grants[-1].holder,
        taken_how=how,
        taken_out=door.grants[-1].out,
        passages=door.passages + len(door.grants),
        extra_s=max(door.extra_s, extra_s),
        grants=(),
    )
    return taken.due(release=None), said


def _drop(kind: str, how: str) -> Callable[[DoorState, DoorTable, Instant], Result]:
    def drop(door: DoorState, table: DoorTable, at: Instant) -> Result:
        said: list[Said] = [Found(kind=kind, fact=_passage(table, how, grant)) for grant in door.grants]
        return replace(door, grants=()).due(release=None), said

    return drop


def _await_reason(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return replace(door, opened_at=at.utc).due(grace=at.mono_s + table.rex_grace_s), []


def _watch_held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    opened = door if door.opened_at is not None else replace(door, opened_at=at.utc)
    if opened.mode is DoorMode.UNLOCKED:
        return opened, []
    since_s = opened.held_since_s if opened.held_since_s is not None else at.mono_s
    watched = replace(opened, held_since_s=since_s).due(
        held_warn=since_s + table.held_warn_s + opened.extra_s,
        held_alarm=since_s + table.held_alarm_s + opened.extra_s,
    )
    return watched, []


def _watch_held_again(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return _watch_held(replace(door, held_since_s=None), table, at)


def _pause_held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door.due(held_warn=None, held_alarm=None), []


def _stop_held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return replace(door, held_since_s=None).due(held_warn=None, held_alarm=None), []


def _relock(door: DoorState, table: DoorTable, at: Instant) -> Result:
    # An opening cuts the release of a strike short; a closing cuts it short at every lock.
    if door.physical is PhysicalState.OPEN and not table.relock_on_open:
        return door, []
    return _end_release(door, table, at, urgent=False)


def cut_release(door: DoorState, table: DoorTable, at: Instant) -> Result:
    """End a release of ours that still runs, or is only on its way; nothing where the door is unlocked anyway."""
    return _end_release(door, table, at, urgent=True)


def _end_release(door: DoorState, table: DoorTable, at: Instant, *, urgent: bool) -> Result:
    if door.released_until_s <= at.mono_s or (door.fire and table.fire_hardwired):
        return door, []  # where fire has released the lock by hardware, nothing is told to lock (S16)
    bolting_s = at.mono_s + table.travel_s if table.travel_s else door.bolting_until_s
    ended = replace(door, released_until_s=at.mono_s, allowed_until_s=at.mono_s, bolting_until_s=bolting_s)
    if door.mode is DoorMode.UNLOCKED:
        return ended, []
    return ended, [Act(act=RelockDoor(door=table.name), urgent=urgent)]


def _shut(door: DoorState, table: DoorTable, at: Instant) -> Result:
    said: list[Said] = []
    if door.away:
        said.append(secured(table, "closed"))
    shut = replace(door, opened_at=None, passages=0, extra_s=0.0, away=False)
    return shut.due(bolt=at.mono_s + bolt_s_max(table) if table.bolt_device else None), said


def _exited(door: DoorState, table: DoorTable, at: Instant) -> Result:
    said: list[Said] = [
        Found(kind="door.exited", fact=DoorFinding(door=table.name, why="request_to_exit", since=door.opened_at))
    ]
    return replace(door, rex_fresh=False, opened_at=door.opened_at or at.utc), said


def _forced(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [noticed("door.forced_open", door, table, "no release and no request to exit")]


def _warn(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [noticed("door.held_warned", door, table, "open too long")]


def _held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door.due(held_warn=None), [noticed("door.held_open", door, table, "open too long")]


def _away(door: DoorState, table: DoorTable, at: Instant) -> Result:
    if door.mode is DoorMode.UNLOCKED or exit_explains(door, at):
        return door, []
    return replace(door, away=True), [noticed("door.opened_while_away", door, table, "closed when last seen, open now")]


def _secured(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return replace(door, away=False), [secured(table, "closed", door)]


def _no_longer_held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [secured(table, "mode_unlocked", door)]


def _still(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [StillThere()]


def noticed(kind: str, door: DoorState, table: DoorTable, why: str) -> Found:
    """Something is wrong with a door; while a fire alarm stands over it that is on record and no alarm (S16)."""
    suppressed = f"by design: fire alarm in {door.fire}" if door.fire else ""
    return Found(kind=kind, fact=DoorFinding(door=table.name, why=why, since=door.opened_at, suppressed=suppressed))


def secured(table: DoorTable, why: str, door: DoorState | None = None) -> Found:
    """What was wrong is no longer so."""
    since = door.opened_at if door is not None else None
    return Found(kind="door.secured", fact=DoorFinding(door=table.name, why=why, since=since))


def _passage(table: DoorTable, how: str, grant: Grant) -> Passage:
    holder = HolderId(grant.holder) if grant.holder is not None else None
    return Passage(door=table.name, how=how, holder=holder, grant=EventId(grant.event), out=grant.out)


_LEAVES: dict[Effect, Callable[[DoorState, DoorTable, Instant], Result]] = {
    Effect.AWAIT_PASSAGE: _await_passage,
    Effect.TAKE: _take,
    Effect.ASSUME: _assume,
    Effect.NOT_TAKEN: _drop("access.not_taken", "not_taken"),
    Effect.PREEMPT: _drop("access.not_taken", "preempted"),
    Effect.FORGET: _drop("access.not_known", "not_known"),
    Effect.AWAIT_REASON: _await_reason,
    Effect.WATCH_HELD: _watch_held,
    Effect.WATCH_HELD_AGAIN: _watch_held_again,
    Effect.PAUSE_HELD: _pause_held,
    Effect.STOP_HELD: _stop_held,
    Effect.RELOCK: _relock,
    Effect.CUT: cut_release,
    Effect.SHUT: _shut,
    Effect.EXITED: _exited,
    Effect.FORCED: _forced,
    Effect.WARN: _warn,
    Effect.HELD: _held,
    Effect.AWAY: _away,
    Effect.SECURED: _secured,
    Effect.NO_LONGER_HELD: _no_longer_held,
    Effect.STILL: _still,
}
