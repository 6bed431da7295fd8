"""Interlock: of the doors of a sally port only one at a time lets anybody in (S5).

In: a door that shall be released for somebody who comes in. Out: the doors that stand against it. A grant reserves its
door until it is used or over; what is not known to be shut and locked counts as open. Leaving never asks here.
"""

from secd.model.doors import DoorMode, LockState, PhysicalState
from secd.model.time import Instant
from secd.policies.doors.effects import stands_free
from secd.policies.doors.state import DoorState
from secd.policies.step import Step
from secd.policies.tables import DoorTable


def doors_against(step: Step, table: DoorTable) -> tuple[str, ...]:
    """The doors that must be shut first; none while a fire alarm stands over this one (S2)."""
    if not table.interlocked or step.door(table.name).fire:
        return ()
    others = {name for _, doors in table.interlocked for name in doors}
    return tuple(name for name in sorted(others) if _stands_against(step, name))


def is_shut(table: DoorTable, door: DoorState, at: Instant) -> bool:
    """Whether a door is known to be closed and locked, and nobody is about to open it."""
    locked = door.lock is LockState.LOCKED and (not table.bolt_device or door.bolt is LockState.LOCKED)
    closed = door.physical is PhysicalState.CLOSED and not door.tampered
    return closed and locked and door.mode is not DoorMode.UNLOCKED and not door.grants and not stands_free(door, at)


def _stands_against(step: Step, name: str) -> bool:
    table = step.table(name)
    return table is None or not is_shut(table, step.door(name), step.at)
