"""What operators and stations may tell the judge: doors, threat levels, alarms. Each command is answered.

In: `operator.commanded`, authenticated and authorised before it came here. Out: the answer with a stable code, and what
the command does. Refused: a door command without a reason, an override without an end (S19), a lockdown ended by one (S3).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from secd.model.doors import DoorMode
from secd.model.entry import Answer
from secd.model.facts import CommandGiven
from secd.policies import levels
from secd.policies.alarms import book
from secd.policies.doors.interlock import doors_against
from secd.policies.doors.modes import review_doors
from secd.policies.doors.passage import release, relock
from secd.policies.doors.state import Grant
from secd.policies.fire.zones import restore
from secd.policies.overrides.permits import tell_mode
from secd.policies.overrides.verbs import VERBS
from secd.policies.rows import LevelState, OverrideState
from secd.policies.step import Step
from secd.policies.tables import DoorTable

OVERRIDE_S_MAX = 31 * 86400.0
SECOND_OPERATOR_S_MAX = 600.0


def command(step: Step, given: CommandGiven) -> Answer:
    """Carry out one command, or say why not."""
    verb = _VERBS.get(given.verb)
    if verb is None:
        return Answer(done=False, code="unknown_verb", detail=f"{given.verb} is not a command")
    if (
        given.verb.startswith(("reader.", "point.", "override", "door.", "level.", "fire."))
        and not given.reason.strip()
    ):
        return Answer(done=False, code="reason_required", detail="say why: it is put on record")
    return verb(step, given)


def _on_door(act: Callable[[Step, DoorTable, CommandGiven], Answer]) -> Callable[[Step, CommandGiven], Answer]:
    def on_door(step: Step, given: CommandGiven) -> Answer:
        table = step.table(given.target)
        if table is None:
            return Answer(done=False, code="unknown_target", detail=f"there is no door {given.target}")
        return act(step, table, given)

    return on_door


def _release(step: Step, table: DoorTable, given: CommandGiven) -> Answer:
    refused = _under_lockdown(step, table) or _interlocked(step, table)
    if refused is not None:
        return refused
    if table.deny_on_store_failure and step.site().store_failed:
        return Answer(
            done=False, code="store_unavailable", detail=f"{table.name} lets nobody in while nothing is stored"
        )
    release(step, table, duration_s=table.release_s, grant=Grant(event=step.event.id))
    return Answer(done=True, detail=f"{table.name} is released for {table.release_s:g} s")


def _unlock(step: Step, table: DoorTable, given: CommandGiven) -> Answer:
    refused = _under_lockdown(step, table) or _interlocked(step, table) or _bad_end(step, given.until)
    if refused is not None:
        return refused
    if given.until is None:
        return Answer(done=False, code="until_required", detail="say until when: every override ends (S19)")
    _override(step, table, DoorMode.UNLOCKED, given, given.until)
    return Answer(done=True, detail=f"{table.name} is unlocked until {given.until.isoformat(timespec='minutes')}")


def _lock(step: Step, table: DoorTable, given: CommandGiven) -> Answer:
    refused = _in_fire(step, table) or _bad_end(step, given.until)
    if refused is not None:
        return refused
    if given.until is not None:
        _override(step, table, DoorMode.LOCKED, given, given.until)
        relock(step, table)
        return Answer(
            done=True, detail=f"{table.name} is held locked until {given.until.isoformat(timespec='minutes')}"
        )
    ended = step.override(table.name)
    step.set_override(table.name, None)
    if ended is not None:
        tell_mode(step, ended, ended="ended")
    review_doors(step, [table.name])
    relock(step, table)
    door = step.door(table.name)
    if door.mode is DoorMode.UNLOCKED:
        detail = f"{table.name} stays unlocked by its {door.layer.value}; hold it locked with an end: until"
        return Answer(done=False, code="still_unlocked", detail=detail)
    return Answer(done=True, detail=f"{table.name} is locked")


def _interlocked(step: Step, table: DoorTable) -> Answer | None:
    against = doors_against(step, table)
    if not against:
        return None
    doors = ", ".join(against)
    return Answer(done=False, code="interlock", detail=f"first shut and lock: {doors}; only one lets anybody in (S5)")


def _in_fire(step: Step, table: DoorTable) -> Answer | None:
    fire = step.door(table.name).fire
    if not fire or not (table.fire_hardwired or table.unlock_on_fire):
        return None
    detail = f"a fire alarm stands in {fire}: {table.name} is given no lock order until it is restored (S16)"
    return Answer(done=False, code="fire", detail=detail)


def _under_lockdown(step: Step, table: DoorTable) -> Answer | None:
    level = next((level for level in step.levels_of(table.name) if level.lockdown), None)
    if level is None:
        return None
    return Answer(done=False, code="lockdown", detail=f"{level.level} stands in {level.area}; two operators can end it")


def _bad_end(step: Step, until: datetime | None) -> Answer | None:
    if until is None:
        return None
    if until <= step.at.utc:
        return Answer(done=False, code="until_past", detail="until has passed already")
    if until - step.at.utc > timedelta(seconds=OVERRIDE_S_MAX):
        return Answer(done=False, code="until_too_far", detail="an override lasts at most 31 days; change the schedule")
    return None


def _override(step: Step, table: DoorTable, mode: DoorMode, given: CommandGiven, until: datetime) -> None:
    ends_s = step.at.mono_s + (until - step.at.utc).total_seconds()
    before = step.override(table.name)
    override = OverrideState(
        door=table.name,
        mode=mode,
        until=until,
        by=step.event.author,
        reason=given.reason,
        since=step.at.utc,
        timers={"end": ends_s},
    )
    if before is not None:
        tell_mode(step, before, ended="replaced")
    step.set_override(table.name, override)
    tell_mode(step, override)
    review_doors(step, [table.name])


def _set_level(step: Step, given: CommandGiven) -> Answer:
    level, area = _level_and_area(given)
    if not area:
        return Answer(done=False, code="area_required", detail="a threat level always names its area (S9)")
    if not levels.set_level(step, level, area, by=step.event.author, reason=given.reason):
        what = f"threat level {level}" if level not in step.tables.levels else f"area {area}"
        return Answer(done=False, code="unknown_target", detail=f"there is no {what}")
    return Answer(done=True, detail=f"{level} stands in {area}")


def _end_level(step: Step, given: CommandGiven) -> Answer:
    level, area = _level_and_area(given)
    state = step.levels().get(f"{area}/{level}")
    if state is None:
        return Answer(done=False, code="unknown_target", detail=f"{level} does not stand in {area or 'any area'}")
    if state.two_operators and not _is_second(step, state):
        asked = replace(state, ending_by=step.event.author, ending_until_s=step.at.mono_s + SECOND_OPERATOR_S_MAX)
        step.set_level(state.key, asked)
        return Answer(
            done=False,
            code="second_operator_required",
            detail=f"noted; another operator ends {level} in {area} by the same command within ten minutes (S3)",
        )
    levels.end_level(step, state)
    return Answer(done=True, detail=f"{level} in {area} is ended")


def _is_second(step: Step, state: LevelState) -> bool:
    by = step.event.author
    return bool(by and state.ending_by) and by != state.ending_by and step.at.mono_s <= state.ending_until_s


def _level_and_area(given: CommandGiven) -> tuple[str, str]:
    return given.args.get("level", ""), given.args.get("area", "") or given.target


def _acknowledge(step: Step, given: CommandGiven) -> Answer:
    by = given.args.get("operator", "") or step.event.author
    return book.acknowledge(step, given.target, given.args.get("rev", ""), by=by, note=given.reason)


def _receive(step: Step, given: CommandGiven) -> Answer:
    return book.receive(step, given.target, given.args.get("station", "") or step.event.author)


def _close(step: Step, given: CommandGiven) -> Answer:
    return book.close(step, given.target, given.args.get("rev", ""), given.reason)


def _accept_clock(step: Step, given: CommandGiven) -> Answer:
    return Answer(done=True, detail="the wall clock is believed again")


_VERBS: dict[str, Callable[[Step, CommandGiven], Answer]] = {
    "door.release": _on_door(_release),
    "door.unlock": _on_door(_unlock),
    "door.lock": _on_door(_lock),
    "level.set": _set_level,
    "fire.restore": restore,
    "level.end": _end_level,
    **VERBS,
    "alarm.acknowledge": _acknowledge,
    "alarm.receive": _receive,
    "alarm.close": _close,
    "clock.accept": _accept_clock,
}
