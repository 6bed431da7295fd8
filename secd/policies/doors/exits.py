"""Requests to exit: what they explain, what they release, and when they are stuck (S6).

In: a request at a door's inside, its end, its fault. Out: an opening explained, a release where the door says so. Ignoring
a request touches alarms only, never a release; nothing that stands over a door holds anybody in (S5).
"""

from dataclasses import replace

from secd.model.doors import PhysicalState
from secd.model.facts import InputState, PointChanged
from secd.model.time import Instant
from secd.policies.doors.machine import DoorInput, Phase
from secd.policies.doors.passage import find, happen, release
from secd.policies.doors.state import DoorState
from secd.policies.step import Step
from secd.policies.tables import DoorTable

REX_MASKS_S = 10.0
REX_STUCK_S = 60.0


def request_exit(step: Step, table: DoorTable, fact: PointChanged, *, late: bool) -> None:
    """Somebody wants out. It explains one opening; where the door says so it releases, whatever stands above (S5)."""
    door = step.door(table.name)
    active = fact.state is not InputState.NORMAL
    if door.rex_active and active and not fact.activations:
        return
    explains = not _is_ignored(door, table, step.at)
    fresh = replace(door, rex_active=active)
    if explains:
        fresh = replace(fresh, rex_fresh=not door.rex_stuck, rex_until_s=step.at.mono_s + REX_MASKS_S)
    if active and "rex_stuck" not in fresh.timers and not fresh.rex_stuck:
        fresh = fresh.due(rex_stuck=step.at.mono_s + REX_STUCK_S)
    step.set_door(table.name, fresh)
    if table.rex_releases and not late and not fact.initial and not door.rex_stuck:
        release(step, table, duration_s=table.rex_release_s, grant=None)
    if explains and fresh.rex_fresh:
        happen(step, table, DoorInput.EXIT_REQUESTED)


def _is_ignored(door: DoorState, table: DoorTable, at: Instant) -> bool:
    """Whether a request explains no later opening (S6): it is of somebody who comes in. An opening in its grace may need it."""
    if not table.rex_ignored_s or door.phase in {Phase.UNEXPLAINED, Phase.UNEXPLAINED_SHUT}:
        return False
    shut_s = at.mono_s - door.closed_at_s if door.closed_at_s is not None else table.rex_ignored_s
    return door.physical is PhysicalState.OPEN or shut_s < table.rex_ignored_s


def end_exit(step: Step, table: DoorTable, fact: PointChanged, *, late: bool) -> None:
    """The request ended; one that came and went between two scans was still a request."""
    if fact.activations and not step.door(table.name).rex_active and not fact.initial:
        request_exit(step, table, replace(fact, state=InputState.NORMAL), late=late)
        return
    door = step.door(table.name)
    if door.rex_stuck:
        find(step, table, "rex.cleared", "the request to exit ended")
    step.set_door(table.name, replace(door, rex_active=False, rex_stuck=False).due(rex_stuck=None))
