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
    if door.mode is DoorMode.UNLOCKED or door.released_until_s > at.mono_s:
        return DoorInput.OPENED_FREELY
    if exit_explains(door, at):
        return DoorInput.OPENED_FOR_EXIT
    return DoorInput.OPENED


def exit_explains(door: DoorState, at: Instant) -> bool:
    """Whether a request to exit, not used yet and not stuck, covers this moment."""
    return door.rex_fresh and not door.rex_stuck and (door.rex_active or at.mono_s <= door.rex_until_s)


def _await_passage(door: DoorState, table: DoorTable, at: Instant) -> Result:
    extra_s = max((grant.extra_s for grant in door.grants), default=0.0)
    over_s = at.mono_s + table.release_s + extra_s + RELEASE_MARGIN_S
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
        passages=door.passages + len(door.grants),
        extra_s=max(door.extra_s, extra_s),
        grants=(),
    )
    return taken.due(release=None), said


def _drop(how: str) -> Callable[[DoorState, DoorTable, Instant], Result]:
    def drop(door: DoorState, table: DoorTable, at: Instant) -> Result:
        said: list[Said] = [Found(kind="access.not_taken", fact=_passage(table, how, grant)) for grant in door.grants]
        return replace(door, grants=()).due(release=None), said

    return drop


def _forget(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return replace(door, grants=()).due(release=None), []


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
    if door.released_until_s <= at.mono_s:
        return door, []
    ended = replace(door, released_until_s=at.mono_s, allowed_until_s=at.mono_s)
    if door.mode is DoorMode.UNLOCKED:
        return ended, []
    return ended, [Act(act=RelockDoor(door=table.name), urgent=urgent)]


def _shut(door: DoorState, table: DoorTable, at: Instant) -> Result:
    said: list[Said] = []
    if door.away:
        said.append(_finding("door.secured", table, "closed"))
    shut = replace(door, opened_at=None, passages=0, extra_s=0.0, away=False)
    return shut.due(bolt=at.mono_s + BOLT_S_MAX if table.bolt_device else None), said


def _exited(door: DoorState, table: DoorTable, at: Instant) -> Result:
    said: list[Said] = [_finding("door.exited", table, "request_to_exit", door)]
    return replace(door, rex_fresh=False, opened_at=door.opened_at or at.utc), said


def _forced(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [_finding("door.forced_open", table, "no release and no request to exit", door)]


def _warn(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [_finding("door.held_warned", table, "open too long", door)]


def _held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door.due(held_warn=None), [_finding("door.held_open", table, "open too long", door)]


def _away(door: DoorState, table: DoorTable, at: Instant) -> Result:
    if door.mode is DoorMode.UNLOCKED or exit_explains(door, at):
        return door, []
    return replace(door, away=True), [
        _finding("door.opened_while_away", table, "closed when last seen, open now", door)
    ]


def _secured(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return replace(door, away=False), [_finding("door.secured", table, "closed", door)]


def _no_longer_held(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [_finding("door.secured", table, "mode_unlocked", door)]


def _still(door: DoorState, table: DoorTable, at: Instant) -> Result:
    return door, [StillThere()]


def _finding(kind: str, table: DoorTable, why: str, door: DoorState | None = None) -> Found:
    return Found(
        kind=kind, fact=DoorFinding(door=table.name, why=why, since=door.opened_at if door is not None else None)
    )


def _passage(table: DoorTable, how: str, grant: Grant) -> Passage:
    holder = HolderId(grant.holder) if grant.holder is not None else None
    return Passage(door=table.name, how=how, holder=holder, grant=EventId(grant.event))


_LEAVES: dict[Effect, Callable[[DoorState, DoorTable, Instant], Result]] = {
    Effect.AWAIT_PASSAGE: _await_passage,
    Effect.TAKE: _take,
    Effect.ASSUME: _assume,
    Effect.NOT_TAKEN: _drop("not_taken"),
    Effect.PREEMPT: _drop("preempted"),
    Effect.FORGET: _forget,
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
