"""Fire zones: from the panel's first word until an operator restores, and what stands over doors meanwhile (S16).

In: the input of a zone, an operator's `fire.restore`. Out: the alarm as it stands over doors, who was inside, and, once it
is over, every door evaluated as of now. A fault is trouble and not fire; silence ends nothing; no lockdown is ended here.
"""

from dataclasses import replace
from typing import cast

from secd.model.entry import Answer
from secd.model.event import Event
from secd.model.facts import CommandGiven, FireEnded, Mustered
from secd.model.names import AreaId, HolderId
from secd.policies.doors.machine import DoorInput
from secd.policies.doors.modes import review_doors
from secd.policies.doors.passage import happen, tell_what_stays
from secd.policies.fire.state import FIRE, FireState
from secd.policies.step import Step
from secd.policies.tables import FireTable

_TOLD = {"fire.activated": "active", "fire.cleared": "normal", "fire.faulted": "faulted"}


def fire_zone(step: Step, zone: str) -> FireState:
    """A zone as it stands in this step."""
    kept = step.kept(FIRE, zone)
    return cast("FireState", kept) if kept is not None else FireState(zone=zone)


def told_by_panel(step: Step, event: Event) -> None:
    """The panel's input was read. Fire stands from the first moment; a second one musters anew."""
    table = step.tables.fire_zones.get(event.subject)
    state = fire_zone(step, event.subject)
    told = _TOLD[event.kind]
    fire = told == "active"
    begins = fire and state.since is None
    anew = fire and state.told == "normal"
    if table is not None and (begins or anew):
        _muster(step, table)
    _keep(step, replace(state, told=told, since=state.since or (step.at.utc if fire else None)))
    if begins:
        _stand(step, event.subject, table.doors if table is not None else ())


def restore(step: Step, given: CommandGiven) -> Answer:
    """An operator says that it is over; the panel must have said so first."""
    zone = given.target
    state = fire_zone(step, zone)
    known = step.tables.fire_zones.get(zone)
    if known is None and state.since is None:
        return Answer(done=False, code="unknown_target", detail=f"there is no fire zone {zone}")
    if state.since is None:
        return Answer(done=False, code="not_active", detail=f"no fire alarm stands in {zone}")
    if known is not None and state.told != "normal":
        code = "still_active" if state.told == "active" else "not_reset"
        return Answer(done=False, code=code, detail=f"the fire panel's input of {zone} is {state.told}: reset it first")
    doors = state.doors
    _keep(step, FireState(zone=zone, told=state.told))
    area = known.areas[0] if known is not None else None
    step.find("fire.restored", zone, area, FireEnded(zone=zone, doors=doors, why=given.reason))
    for name in doors:
        _mark(step, name)
    for name in doors:
        table = step.table(name)
        if table is not None and not step.door(name).fire:
            happen(step, table, DoorInput.FIRE_OVER)
            tell_what_stays(step, table)
    review_doors(step, doors)
    return Answer(done=True, detail=f"{zone} is restored; its doors follow their modes again")


def refresh_fires(step: Step) -> None:
    """A new policy runs: doors that it adds to a zone in alarm come under it, none leaves it by an edit."""
    for zone in step.all_kept(FIRE):
        state = fire_zone(step, zone)
        table = step.tables.fire_zones.get(zone)
        if state.since is not None:
            _stand(step, zone, table.doors if table is not None else ())
        elif table is None:
            step.forget(FIRE, zone)


def lose_fire_inputs(step: Step, device: str | None) -> list[str]:
    """A board went away (None: all of them): its zones cannot be seen, which is neither fire nor its end."""
    lost = [name for name, table in step.tables.fire_zones.items() if device in {None, table.device}]
    for zone in lost:
        _keep(step, replace(fire_zone(step, zone), told="unknown"))
    return lost


def _stand(step: Step, zone: str, doors: tuple[str, ...]) -> None:
    state = fire_zone(step, zone)
    _keep(step, replace(state, doors=tuple(sorted({*state.doors, *doors}))))
    for name in fire_zone(step, zone).doors:
        _mark(step, name)
    review_doors(step, fire_zone(step, zone).doors)


def _mark(step: Step, door: str) -> None:
    standing = [fire_zone(step, zone) for zone in step.all_kept(FIRE)]
    over = ", ".join(state.zone for state in standing if state.since is not None and door in state.doors)
    step.set_door(door, replace(step.door(door), fire=over))


def _keep(step: Step, state: FireState) -> None:
    if state != fire_zone(step, state.zone):
        step.keep(FIRE, state.zone, state)


def _muster(step: Step, table: FireTable) -> None:
    inside = tuple(HolderId(holder) for holder, area in sorted(last_seen(step).items()) if area in table.areas)
    step.find("fire.muster", table.name, table.areas[0], Mustered(zone=table.name, areas=table.areas, inside=inside))


def last_seen(step: Step) -> dict[str, str]:
    """The area that each person's latest known passage led into; a door remembers the last of its own."""
    latest: dict[str, tuple[float, str]] = {}
    for name, table in step.tables.doors.items():
        door = step.door(name)
        if door.taken_by is None or door.taken_at is None:
            continue
        at_s = door.taken_at.timestamp()
        area = table.from_area if door.taken_out else table.area
        if at_s >= latest.get(door.taken_by, (0.0, AreaId("")))[0]:
            latest[door.taken_by] = (at_s, area)
    return {holder: area for holder, (_, area) in latest.items()}
