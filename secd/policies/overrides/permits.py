"""Permits: what operators set aside for a while, always with an end, a reason and an author (S13, S19).

A held or shunted door keeps its alarms to itself until the permit ends; what is still wrong then is told at once. A
disabled reader lets nobody in; leaving never asks it. A panic point is never masked: out of service takes two people and a
work order, and an alarm says so while it lasts. A lockdown stands above all of them but the last (S2).
"""

from typing import cast

from secd.model.doors import DoorMode
from secd.model.event import Event
from secd.model.facts import DoorFinding, OverrideMoved
from secd.policies.doors.machine import Phase
from secd.policies.overrides.state import ASKED, HOLD, OUT_OF_SERVICE, PERMIT, READER_DISABLED, SHUNT, PermitState
from secd.policies.rows import OverrideState
from secd.policies.step import Step

TAKEN_OUT, RETURNED = "panic.taken_out_of_service", "panic.returned_to_service"
_HELD = frozenset({"door.held_warned", "door.held_open"})
SUPPRESSES = {HOLD: _HELD, SHUNT: _HELD | {"door.forced_open"}}
_OF_DOORS = frozenset(kind for kinds in SUPPRESSES.values() for kind in kinds)
_STANDING = {
    Phase.FORCED: "door.forced_open",
    Phase.LOST_FORCED: "door.forced_open",
    Phase.HELD: "door.held_open",
    Phase.LOST_HELD: "door.held_open",
    Phase.WARNED: "door.held_warned",
}


def permit_of(step: Step, what: str, target: str) -> PermitState | None:
    """The permit that stands, if one does."""
    return cast("PermitState | None", step.kept(PERMIT, f"{what}/{target}"))


def permits(step: Step) -> list[PermitState]:
    """Every permit that stands, by key."""
    return [cast("PermitState", permit) for permit in step.all_kept(PERMIT).values()]


def set_permit(step: Step, permit: PermitState) -> None:
    """A permit begins, in place of an earlier one."""
    before = permit_of(step, permit.what, permit.target)
    if before is not None and permit.what != ASKED:
        _tell(step, "override.ended", before, ended="replaced")
    step.keep(PERMIT, permit.key, permit)
    if permit.what != ASKED:
        _tell(step, "override.set", permit)
    if permit.what == OUT_OF_SERVICE:
        _tell(step, TAKEN_OUT, permit)


def end_permit(step: Step, permit: PermitState, *, ended: str) -> None:
    """A permit is over: what it kept quiet, and is still so, is told now."""
    step.forget(PERMIT, permit.key)
    if permit.what == ASKED:
        return
    _tell(step, "override.ended", permit, ended=ended)
    if permit.what == OUT_OF_SERVICE:
        _tell(step, RETURNED, permit, ended=ended)
    elif permit.what in SUPPRESSES:
        tell_what_stands(step, permit.target, f"still so when the {permit.what} ended")


def elapse(step: Step, key: str) -> None:
    """A permit's end has come."""
    permit = cast("PermitState | None", step.kept(PERMIT, key))
    if permit is not None:
        end_permit(step, permit, ended="expired")


def forget_removed(step: Step) -> None:
    """Doors and panic points that the running configuration no longer has."""
    for permit in permits(step):
        points = permit.what in {OUT_OF_SERVICE, ASKED}
        known = permit.target in (step.tables.panic_points if points else step.tables.doors)
        if not known:
            end_permit(step, permit, ended="removed")


def suppresses(step: Step, event: Event) -> bool:
    """Whether a permit keeps this from becoming an alarm."""
    if event.kind in _OF_DOORS:
        if locked_down(step, event.subject):
            return False
        return any(
            event.kind in kinds and permit_of(step, what, event.subject) is not None
            for what, kinds in SUPPRESSES.items()
        )
    if event.kind.startswith("panic.") and event.kind not in {TAKEN_OUT, RETURNED}:
        return permit_of(step, OUT_OF_SERVICE, event.subject) is not None
    return False


def reader_is_disabled(step: Step, door: str) -> bool:
    """Whether the reader of this door lets nobody in. During a lockdown its `admit` groups pass all the same (S3)."""
    return permit_of(step, READER_DISABLED, door) is not None and not locked_down(step, door)


def locked_down(step: Step, door: str) -> bool:
    """Whether a lockdown stands over a door."""
    return any(level.lockdown for level in step.levels_of(door))


def tell_what_stands(step: Step, door: str, why: str) -> None:
    """A door that is forced or held and has no alarm for it, now that nothing keeps it quiet, has one."""
    table = step.table(door)
    kind = _STANDING.get(step.door(door).phase)
    if table is None or kind is None or step.door(door).fire:  # a fire's end tells it by itself (S16)
        return
    if not any(opened.alarm.kind == kind for opened in step.alarms_of(door)):
        step.find(kind, door, table.area, DoorFinding(door=table.name, why=why, since=step.door(door).opened_at))


def lock_down(step: Step, doors: list[str]) -> None:
    """A lockdown begins: no permit keeps anything of these doors quiet."""
    for door in doors:
        if any(permit_of(step, what, door) is not None for what in SUPPRESSES):
            tell_what_stands(step, door, "a lockdown ends what was permitted here")


def tell_mode(step: Step, override: OverrideState, *, ended: str = "") -> None:
    """An operator's mode of a door was set, or ended."""
    table = step.table(override.door)
    step.find(
        "override.ended" if ended else "override.set",
        override.door,
        table.area if table is not None else None,
        OverrideMoved(
            what=mode_name(override),
            target=override.door,
            until=override.until,
            by=override.by,
            reason=override.reason,
            ended=ended,
        ),
    )


def mode_name(override: OverrideState) -> str:
    """How an operator names a door's mode of theirs."""
    return "unlock" if override.mode is DoorMode.UNLOCKED else "lock"


def _tell(step: Step, kind: str, permit: PermitState, *, ended: str = "") -> None:
    table, point = step.table(permit.target), step.tables.panic_points.get(permit.target)
    area = table.area if table is not None else point.area if point is not None else None
    step.find(
        kind,
        permit.target,
        area,
        OverrideMoved(
            what=permit.what,
            target=permit.target,
            until=permit.until,
            by=permit.by,
            reason=permit.reason,
            second=permit.second,
            work_order=permit.work_order,
            ended=ended,
        ),
    )
