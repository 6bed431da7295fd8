"""Several contacts as one: the leaves of a wide door, or a pair on one leaf that must agree.

In: what each contact last said. Out: what the door is, and whether its contacts contradict each other. A door whose pair
disagrees longer than `rex_grace` has a faulted contact; that is never an opening, nor a door that is shut (S7).
"""

from dataclasses import replace
from enum import StrEnum

from secd.model.doors import PhysicalState
from secd.model.time import Instant
from secd.policies.doors.state import DoorState
from secd.policies.tables import DoorTable

_WORST_OF_LEAVES = (PhysicalState.OPEN, PhysicalState.FAULT, PhysicalState.UNKNOWN, PhysicalState.CLOSED)
_WORST_OF_PAIR = (PhysicalState.FAULT, PhysicalState.UNKNOWN)


class Whole(StrEnum):
    """What several contacts say together, besides the states of a door."""

    SAME = "same"
    """Nothing new."""
    DIFFER = "differ"
    """A pair contradicts itself."""
    BLINKED = "blinked"
    """A pair was open and is shut again: each of them said so, one after the other."""


def is_several(table: DoorTable) -> bool:
    """Whether a door has more than one contact."""
    return len(table.contacts) > 1


def contact_says(
    door: DoorState, table: DoorTable, contact: tuple[str, str], said: PhysicalState, at: Instant
) -> tuple[DoorState, PhysicalState | Whole]:
    """One of several contacts was read."""
    key = "/".join(contact)
    if contact not in table.contacts:
        return door, Whole.SAME
    opened = {key: at.mono_s} if said is PhysicalState.OPEN and table.contacts_agree else {}
    told = replace(
        door, contacts={**door.contacts, key: said.value}, contacts_opened={**door.contacts_opened, **opened}
    )
    return _weigh(told, table, at)


def contacts_lost(
    door: DoorState, table: DoorTable, device: str | None, at: Instant
) -> tuple[DoorState, PhysicalState | Whole]:
    """A device went away (None: all of them), and what its contacts said with it."""
    lost = {"/".join(one): PhysicalState.UNKNOWN.value for one in table.contacts if device in {None, one[0]}}
    return _weigh(replace(door, contacts={**door.contacts, **lost}, contacts_opened={}), table, at)


def still_differ(door: DoorState, table: DoorTable) -> bool:
    """Whether a pair contradicts itself."""
    return _together(door, table) is None


def is_unsound(door: DoorState) -> bool:
    """Whether one of several contacts is at fault, whatever the others say."""
    return door.split or PhysicalState.FAULT.value in door.contacts.values()


def _together(door: DoorState, table: DoorTable) -> PhysicalState | None:
    said = {PhysicalState(door.contacts.get("/".join(one), PhysicalState.UNKNOWN)) for one in table.contacts}
    if not table.contacts_agree:
        return next(state for state in _WORST_OF_LEAVES if state in said)
    worst = next((state for state in _WORST_OF_PAIR if state in said), None)
    return worst if worst is not None or len(said) > 1 else said.pop()


def _weigh(door: DoorState, table: DoorTable, at: Instant) -> tuple[DoorState, PhysicalState | Whole]:
    whole = _together(door, table)
    if whole is None:
        waits = door.split or "contacts" in door.timers
        return door if waits else door.due(contacts=at.mono_s + table.rex_grace_s), Whole.DIFFER
    settled = replace(door.due(contacts=None), split=False)
    if whole is PhysicalState.CLOSED and door.physical is PhysicalState.CLOSED and _all_blinked(settled, table, at):
        return replace(settled, contacts_opened={}), Whole.BLINKED
    if whole is PhysicalState.OPEN:
        settled = replace(settled, contacts_opened={})
    return settled, Whole.SAME if whole is door.physical else whole


def _all_blinked(door: DoorState, table: DoorTable, at: Instant) -> bool:
    opened = [door.contacts_opened.get("/".join(one)) for one in table.contacts]
    return all(one is not None and at.mono_s - one <= table.rex_grace_s for one in opened)
