"""Who decides a door's mode (S2): fire, lockdown, then an operator's override, a threat level, the schedule, and last: locked.

In: what stands over a door at a moment. Out: its mode, the layer that decides it, and, where that changed, the finding and
the desired lock. While the clock is not trusted a schedule locks but does not unlock (S10).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from secd.model.doors import DoorMode, Layer, PhysicalState
from secd.model.facts import ModeChanged
from secd.model.names import EventId, HolderId
from secd.model.order import DesiredLock
from secd.model.time import Instant
from secd.policies.doors.effects import bolt_s_max
from secd.policies.doors.machine import DoorInput
from secd.policies.doors.passage import forgive_bolt, happen
from secd.policies.doors.state import DoorState
from secd.policies.step import Step
from secd.policies.tables import DoorTable, ModeRow, Tables

REVIEW_S_MIN = 0.05
REVIEW_S_MAX = 6 * 3600.0
"""At least this often the schedule is compared with the wall clock, which drifts against the second count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The mode a door should have now, and who says so."""

    mode: DoorMode
    layer: Layer
    why: str = ""
    until: datetime | None = None


_LOCKED = Standing(mode=DoorMode.LOCKED, layer=Layer.LOCKED)
WAITS = "unlocking waits until the clock is trusted"


def review_doors(step: Step, names: Iterable[str]) -> None:
    """Evaluate the modes of these doors as of now, and say what changed."""
    for name in names:
        table = step.table(name)
        if table is not None:
            _review(step, table)


def plan_review(step: Step) -> None:
    """Set the timer of the next scheduled change."""
    site = step.site()
    due_s = next_review_s(step.tables, step.at)
    timers = {name: due for name, due in site.timers.items() if name != "modes"}
    step.set_site(replace(site, timers=timers if due_s is None else {**timers, "modes": due_s}))


def next_review_s(tables: Tables, at: Instant) -> float | None:
    """When a schedule next changes a mode, as a second count; None where no door follows one."""
    if not tables.mode_conditions:
        return None
    horizon = at.utc + timedelta(seconds=REVIEW_S_MAX)
    change = tables.calendar.next_change(tables.mode_conditions, at.utc, horizon) or horizon
    return at.mono_s + max(REVIEW_S_MIN, (change - at.utc).total_seconds())


def standing_of(step: Step, table: DoorTable) -> Standing:
    """The highest layer that has something to say about a door."""
    below = _below_fire(step, table)
    door = step.door(table.name)
    if not door.fire:
        return below
    why = f"fire alarm in {door.fire}"
    if table.unlock_on_fire:
        return Standing(mode=DoorMode.UNLOCKED, layer=Layer.FIRE, why=why)
    by_operator = below.layer is Layer.OVERRIDE and below.mode is DoorMode.UNLOCKED
    if not table.fire_hardwired or by_operator:
        return below
    # The mode stays as it is; locked by this layer, its relay is written to by nobody (S16).
    return Standing(mode=door.mode or DoorMode.LOCKED, layer=Layer.FIRE, why=f"{why}: the hardware decides")


def _below_fire(step: Step, table: DoorTable) -> Standing:
    levels = step.levels_of(table.name)
    lockdowns = [level for level in levels if level.lockdown]
    if lockdowns:
        return Standing(mode=DoorMode.LOCKED, layer=Layer.LOCKDOWN, why=f"{lockdowns[0].level} in {lockdowns[0].area}")
    override = step.override(table.name)
    if override is not None and override.timers["end"] > step.at.mono_s:  # one that ended while secd was down is over
        return Standing(mode=override.mode, layer=Layer.OVERRIDE, why=override.reason, until=override.until)
    if levels:
        return Standing(mode=DoorMode.LOCKED, layer=Layer.THREAT_LEVEL, why=f"{levels[0].level} in {levels[0].area}")
    return _scheduled(step, table)


def untrusted(step: Step) -> bool:
    """Whether the wall clock may not be believed (S10)."""
    return step.site().clock_untrusted or not step.at.trusted


def _scheduled(step: Step, table: DoorTable) -> Standing:
    calendar = step.tables.calendar
    current = [row for row in table.modes if calendar.holds(row.when, step.at.utc)]
    if any(not row.unlocks for row in current):
        return Standing(mode=DoorMode.LOCKED, layer=Layer.SCHEDULE, why=_named(current, unlocks=False))
    seen = step.door(table.name).first_cards
    if any(not row.first_card or _name_of(row) in seen for row in current):
        return Standing(mode=DoorMode.UNLOCKED, layer=Layer.SCHEDULE, why=_named(current, unlocks=True))
    return _LOCKED


def _named(rows: list[ModeRow], *, unlocks: bool) -> str:
    return _name_of(next(row for row in rows if row.unlocks is unlocks))


def _name_of(row: ModeRow) -> str:
    name = row.when.schedule or "always"
    return f"not {name}" if row.when.negated else name


def _review(step: Step, table: DoorTable) -> None:
    _forget_first_card(step, table)
    standing = standing_of(step, table)
    door = step.door(table.name)
    waits = (
        standing.mode is DoorMode.UNLOCKED
        and standing.layer is Layer.SCHEDULE
        and door.mode is not DoorMode.UNLOCKED
        and untrusted(step)
    )
    if waits:
        standing = replace(_LOCKED, why=WAITS)
    _take_up(step, table, door, standing, waits=waits)


def _take_up(step: Step, table: DoorTable, door: DoorState, standing: Standing, *, waits: bool) -> None:
    changed = (door.mode, door.layer, door.until) != (standing.mode, standing.layer, standing.until)
    first = door.mode is None
    flipped = not first and door.mode is not standing.mode
    taken_up = replace(
        door,
        mode=standing.mode,
        layer=standing.layer,
        why=standing.why,
        until=standing.until,
        waits_for_clock=waits,
        allowed_until_s=max(door.allowed_until_s, step.at.mono_s) if flipped else door.allowed_until_s,
    )
    if flipped and standing.mode is DoorMode.LOCKED and table.travel_s:
        taken_up = replace(taken_up, bolting_until_s=step.at.mono_s + table.travel_s)
    if flipped and standing.mode is DoorMode.LOCKED and door.physical is PhysicalState.CLOSED and table.bolt_device:
        taken_up = taken_up.due(bolt=step.at.mono_s + bolt_s_max(table))
    step.set_door(table.name, taken_up)
    if not changed and not first:
        return
    if not (first and standing == _LOCKED):
        step.find(
            "door.mode_changed",
            table.name,
            table.area,
            ModeChanged(
                door=table.name,
                mode=standing.mode.value,
                layer=standing.layer.value,
                why=standing.why,
                until=standing.until,
            ),
        )
    step.desire(DesiredLock(door=table.name, mode=standing.mode, layer=standing.layer, cause=EventId(step.event.id)))
    if flipped and standing.mode is DoorMode.UNLOCKED:
        forgive_bolt(step, table)
    if flipped:
        happen(step, table, DoorInput.MODE_LOCKED if standing.mode is DoorMode.LOCKED else DoorInput.MODE_UNLOCKED)


def first_card_passed(step: Step, table: DoorTable, holder: HolderId | None) -> None:
    """Somebody came in: the first of a row's groups starts its day."""
    person = step.tables.people.holders.get(holder) if holder is not None else None
    if person is None:
        return
    calendar, seen = step.tables.calendar, set(step.door(table.name).first_cards)
    started = {
        _name_of(row)
        for row in table.modes
        if not row.first_card.isdisjoint(person.groups) and calendar.holds(row.when, step.at.utc)
    }
    if started - seen:
        step.set_door(table.name, replace(step.door(table.name), first_cards=tuple(sorted(started | seen))))
        _review(step, table)


def _forget_first_card(step: Step, table: DoorTable) -> None:
    door = step.door(table.name)
    if not door.first_cards:
        return
    calendar = step.tables.calendar
    current = {_name_of(row) for row in table.modes if row.first_card and calendar.holds(row.when, step.at.utc)}
    kept = tuple(name for name in door.first_cards if name in current)
    if kept != door.first_cards:
        step.set_door(table.name, replace(door, first_cards=kept))
