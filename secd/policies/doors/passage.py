"""What happens at a door, carried into the door machine: contact, release, request to exit, relay and bolt.

In: one event about one door. Out: the door's next state with its findings and orders, through the step. The contact's
machine is in `machine.py`; relay, bolt and request to exit are facts beside it and are kept here.
"""

from dataclasses import replace

from secd.model.doors import DoorMode, LockState, PhysicalState
from secd.model.facts import DoorFinding, InputState, OutputRead, PointChanged
from secd.model.order import ReleaseDoor
from secd.model.time import Instant
from secd.policies.doors.contacts import Whole, contact_says, contacts_lost, is_several, still_differ
from secd.policies.doors.effects import (
    TIMER_INPUTS,
    Act,
    Found,
    Said,
    StillThere,
    advance,
    bolt_s_max,
    classify_opening,
    cut_release,
    noticed,
    secured,
)
from secd.policies.doors.machine import DoorInput, Phase
from secd.policies.doors.state import DoorState, Grant
from secd.policies.step import Step
from secd.policies.tables import DoorTable

RELAY_GRACE_S = 0.9
GRANTS_MAX = 32
NOT_BOLTED = "closed, but the bolt is not thrown"
RELEASED_OUTSIDE = "the lock is released, and not by secd"


def happen(step: Step, table: DoorTable, happened: DoorInput) -> None:
    """One input of the door machine, with all that follows."""
    door, said = advance(step.door(table.name), table, happened, step.at)
    _keep(step, table, door, said)


def release(step: Step, table: DoorTable, *, duration_s: float, grant: Grant | None) -> None:
    """Let one passage through. A door that is unlocked anyway needs no order."""
    door = step.door(table.name)
    if door.mode is not DoorMode.UNLOCKED:
        step.order(ReleaseDoor(door=table.name, duration_s=duration_s))
        until_s = max(door.released_until_s, step.at.mono_s + duration_s)
        bolting_s = until_s + table.travel_s if table.travel_s else door.bolting_until_s
        allowed_s = max(door.allowed_until_s, until_s)
        door = replace(door, released_until_s=until_s, allowed_until_s=allowed_s, bolting_until_s=bolting_s)
    if grant is not None:
        door = replace(door, grants=(*door.grants, grant)[-GRANTS_MAX:])
    step.set_door(table.name, door)
    if grant is not None:
        happen(step, table, DoorInput.GRANTED)


def read_contact(step: Step, table: DoorTable, fact: PointChanged, *, opened: bool) -> None:
    """A contact was read; of several, what they say together is what counts."""
    if not is_several(table):
        _read_whole(step, table, fact, opened=opened)
        return
    said = PhysicalState.OPEN if opened else PhysicalState.CLOSED
    _weigh_contacts(step, table, fact, said)


def fault_contact(step: Step, table: DoorTable, fact: PointChanged) -> None:
    """A contact's line is cut or shorted."""
    if is_several(table):
        _weigh_contacts(step, table, fact, PhysicalState.FAULT)
    else:
        lose_contact(step, table, PhysicalState.FAULT)


def lose_contact(step: Step, table: DoorTable, physical: PhysicalState) -> None:
    """The contact cannot be read: silence is never closed."""
    step.set_door(table.name, replace(step.door(table.name), physical=physical))
    happen(step, table, DoorInput.CONTACT_LOST)


def lose_device(step: Step, table: DoorTable, device: str | None) -> None:
    """A device that the door is wired to went away (None: all of them): what it told is unknown."""
    door = step.door(table.name)
    if device in {None, table.rex_device}:
        door = replace(door, rex_active=False, rex_fresh=False, rex_stuck=False).due(rex_stuck=None)
    if device in {None, table.lock_device}:
        door = replace(door, lock=LockState.UNKNOWN).due(lock_check=None)
    if device in {None, table.bolt_device}:
        door = replace(door, bolt=LockState.UNKNOWN).due(bolt=None)
    step.set_door(table.name, door)
    if is_several(table):
        door, whole = contacts_lost(door, table, device, step.at)
        step.set_door(table.name, door)
        if isinstance(whole, PhysicalState):
            lose_contact(step, table, whole)
    elif device in {None, table.contact_device}:
        lose_contact(step, table, PhysicalState.UNKNOWN)


def _weigh_contacts(step: Step, table: DoorTable, fact: PointChanged, said: PhysicalState) -> None:
    door, whole = contact_says(step.door(table.name), table, (step.event.source, fact.point), said, step.at)
    step.set_door(table.name, door)
    alone = replace(fact, activations=0)
    match whole:
        case PhysicalState.OPEN | Whole.BLINKED:
            _read_whole(step, table, alone, opened=True)
            if whole is Whole.BLINKED:
                _read_whole(step, table, alone, opened=False)
        case PhysicalState.CLOSED:
            _read_whole(step, table, alone, opened=False)
        case PhysicalState():
            lose_contact(step, table, whole)
        case _:
            return


def _miss_agreement(step: Step, table: DoorTable) -> None:
    """A pair of contacts contradicted itself for too long: at fault, not forced."""
    door = step.door(table.name)
    if still_differ(door, table) and not door.split:
        step.set_door(table.name, replace(door, split=True))
        fact = PointChanged(point="contacts", state=InputState.UNKNOWN)
        step.find("door.contact_faulted", table.name, table.area, fact)
        lose_contact(step, table, PhysicalState.FAULT)


def _read_whole(step: Step, table: DoorTable, fact: PointChanged, *, opened: bool) -> None:
    # A closed one that was open in between counts as an opening and a closing.
    door = step.door(table.name)
    between = not opened and fact.activations > 0 and door.phase in {Phase.CLOSED, Phase.RELEASED, Phase.LOST_SHUT}
    if opened or between:
        door = replace(door, physical=PhysicalState.OPEN)
        step.set_door(table.name, door)
        happen(step, table, classify_opening(door, step.at, initial=fact.initial))
    if not opened:
        door = replace(step.door(table.name), physical=PhysicalState.CLOSED)
        if table.rex_ignored_s and not fact.initial:
            door = replace(door, closed_at_s=step.at.mono_s)
        step.set_door(table.name, door)
        happen(step, table, DoorInput.READ_CLOSED if fact.initial else DoorInput.CLOSED)


def read_relay(step: Step, table: DoorTable, fact: OutputRead) -> None:
    """The lock's relay as the board reports it. Released without our doing is a finding within a second."""
    door = step.door(table.name)
    lock = LockState.UNLOCKED if fact.energised == table.energise_to_unlock else LockState.LOCKED
    allowed_s = door.allowed_until_s
    if fact.initial:
        allowed_s = max(allowed_s, step.at.mono_s)
    elif fact.pulsing and door.released_until_s > step.at.mono_s:
        # The board began our pulse just now, later than we ordered it.
        allowed_s = max(allowed_s, step.at.mono_s + table.release_s)
    _keep(step, table, replace(door, lock=lock, allowed_until_s=allowed_s), [])


def read_bolt(step: Step, table: DoorTable, bolt: LockState) -> None:
    """The bolt's own feedback. One that is not thrown where it should be has a moment to follow."""
    door = replace(step.door(table.name), bolt=bolt)
    if bolt is LockState.LOCKED:
        door = door.due(bolt=None)
        if door.not_secured:
            _keep(step, table, replace(door, not_secured=False), [secured(table, "bolt_thrown")])
            return
    elif _should_be_bolted(door, table) and not door.not_secured and "bolt" not in door.timers:
        door = door.due(bolt=max(step.at.mono_s, door.released_until_s) + bolt_s_max(table))
    step.set_door(table.name, door)


def _should_be_bolted(door: DoorState, table: DoorTable) -> bool:
    shut = door.physical is PhysicalState.CLOSED or not table.contacts
    return shut and door.mode is not DoorMode.UNLOCKED


def elapse(step: Step, table: DoorTable, timer: str) -> None:
    """One of the door's timers is due."""
    door = step.door(table.name).due(**{timer: None})
    step.set_door(table.name, door)
    if timer in TIMER_INPUTS:
        happen(step, table, TIMER_INPUTS[timer])
    elif timer == "rex_stuck":
        step.set_door(table.name, replace(door, rex_stuck=True, rex_fresh=False))
        find(step, table, "rex.stuck", "active for more than a minute")
    elif timer == "bolt":
        _miss_bolt(step, table, door)
    elif timer == "contacts":
        _miss_agreement(step, table)
    else:
        _keep(step, table, door, [])


def preempt(step: Step, table: DoorTable) -> None:
    """A lockdown begins here: a release under way ends now (S3)."""
    happen(step, table, DoorInput.LOCKDOWN)


def relock(step: Step, table: DoorTable) -> None:
    """An operator locks: a release under way ends now."""
    door, said = cut_release(step.door(table.name), table, step.at)
    _keep(step, table, door, said)


def tell_what_stays(step: Step, table: DoorTable) -> None:
    """What of relay and bolt was suppressed while a fire alarm stood, and is still so."""
    door = step.door(table.name)
    if door.outside:
        _keep(step, table, door, [noticed("door.released_outside_secd", door, table, RELEASED_OUTSIDE)])
    if door.not_secured:
        _keep(step, table, door, [noticed("door.not_secured", door, table, NOT_BOLTED)])


def forgive_bolt(step: Step, table: DoorTable) -> None:
    """The door is to be unlocked: that its bolt is not thrown is no longer wrong."""
    door = step.door(table.name)
    if door.not_secured:
        _keep(step, table, replace(door, not_secured=False), [secured(table, "mode_unlocked")])


def trust_points(step: Step, table: DoorTable, device: str, *, tampered: bool) -> None:
    """The cabinet of one of the door's boards was opened or shut: while it is open, what its points say proves nothing."""
    door = step.door(table.name)
    if (device in door.tampered) is tampered:
        return
    boards = {*door.tampered, device} if tampered else {*door.tampered} - {device}
    step.set_door(table.name, replace(door, tampered=tuple(sorted(boards))))
    if tampered and not door.tampered:
        find(step, table, "door.points_untrusted", f"the cabinet of {device} is open")
    elif not boards:
        find(step, table, "door.points_trusted", f"the cabinet of {device} is shut")


def _miss_bolt(step: Step, table: DoorTable, door: DoorState) -> None:
    if not _should_be_bolted(door, table) or door.bolt is LockState.LOCKED or door.not_secured:
        return
    free_until_s = max(door.released_until_s, door.bolting_until_s)
    if free_until_s > step.at.mono_s:
        step.set_door(table.name, door.due(bolt=free_until_s + RELAY_GRACE_S))
        return
    missed = noticed("door.not_secured", door, table, NOT_BOLTED)
    _keep(step, table, replace(door, not_secured=True), [missed])


def _keep(step: Step, table: DoorTable, door: DoorState, said: list[Said]) -> None:
    watched, more = _watch_relay(door, table, step.at)
    step.set_door(table.name, watched)
    for one in (*said, *more):
        match one:
            case Found():
                step.find(one.kind, table.name, table.area, one.fact)
            case Act():
                step.order(one.act, urgent=one.urgent)
            case StillThere():
                step.still_there.append(table.name)


def _watch_relay(door: DoorState, table: DoorTable, at: Instant) -> tuple[DoorState, list[Said]]:
    ours = door.lock is not LockState.UNLOCKED or door.mode is DoorMode.UNLOCKED
    if door.outside:
        if not ours:
            return door, [StillThere()]
        if door.lock is LockState.UNKNOWN:
            return door, []
        return replace(door, outside=False), [secured(table, "relay_locked")]
    if ours:
        return door.due(lock_check=None), []
    due_s = door.allowed_until_s + RELAY_GRACE_S
    if due_s > at.mono_s:
        return door.due(lock_check=due_s), []
    found = noticed("door.released_outside_secd", door, table, RELEASED_OUTSIDE)
    return replace(door, outside=True).due(lock_check=None), [found]


def find(step: Step, table: DoorTable, kind: str, why: str) -> None:
    """Note a finding about a door."""
    step.find(kind, table.name, table.area, DoorFinding(door=table.name, why=why))
