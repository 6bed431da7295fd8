"""What operators may set aside, and what they are told: hold, shunt, disable a reader, take a panic point out of service.

In: one command with its end and reason. Out: the answer, and the permit. Refused: no end, an end too far away, a panic point
where a door belongs (S13), one operator alone or no work order where it takes two people and a paper.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from secd.model.entry import Answer
from secd.model.facts import CommandGiven, HandedOver
from secd.policies.doors.modes import review_doors
from secd.policies.overrides.permits import end_permit, mode_name, permit_of, set_permit, tell_mode
from secd.policies.overrides.standing import standing_in
from secd.policies.overrides.state import ASKED, HOLD, OUT_OF_SERVICE, READER_DISABLED, SHUNT, PermitState
from secd.policies.step import Step

DAY_S = 86400.0
SECOND_OPERATOR_S_MAX = 600.0
HANDED_OVER_MAX = 500
Verb = Callable[[Step, CommandGiven], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What a permit is called, how long it may last, and what an operator is told once it stands."""

    what: str
    s_max: float
    told: str


_KINDS = {
    HOLD: _Kind(what=HOLD, s_max=DAY_S, told="may be held open"),
    SHUNT: _Kind(what=SHUNT, s_max=DAY_S, told="raises no forced or held alarm"),
    READER_DISABLED: _Kind(what=READER_DISABLED, s_max=31 * DAY_S, told="lets nobody in by card"),
    OUT_OF_SERVICE: _Kind(what=OUT_OF_SERVICE, s_max=DAY_S, told="is OUT OF SERVICE"),
}


def bad_end(step: Step, until: datetime | None, s_max: float) -> Answer | None:
    """Why this cannot be the end of an override; None where it can (S19)."""
    if until is None:
        return Answer(done=False, code="until_required", detail="say until when: every override ends (S19)")
    if until <= step.at.utc:
        return Answer(done=False, code="until_past", detail="until has passed already")
    if until - step.at.utc > timedelta(seconds=s_max):
        hours = f"{s_max / 3600:g} hours" if s_max <= DAY_S else f"{s_max / DAY_S:g} days"
        return Answer(done=False, code="until_too_far", detail=f"such an override lasts at most {hours}")
    return None


def _for_door(what: str) -> Verb:
    kind = _KINDS[what]

    def for_door(step: Step, given: CommandGiven) -> Answer:
        refused = _not_a_door(step, given.target) or bad_end(step, given.until, kind.s_max)
        if refused is not None:
            return refused
        table = step.table(given.target)
        if what == READER_DISABLED and table is not None and not table.has_reader:
            return Answer(done=False, code="no_reader", detail=f"{given.target} has no reader")
        set_permit(step, _permit(step, given, what))
        return Answer(done=True, detail=_told(kind, given.target, given.until))

    return for_door


def _not_a_door(step: Step, name: str) -> Answer | None:
    if step.table(name) is not None:
        return None
    if name in step.tables.panic_points:
        return Answer(
            done=False,
            code="panic_never_masked",
            detail=f"{name} is a panic point: it is never masked; out of service takes two people and a work order (S13)",
        )
    return Answer(done=False, code="unknown_target", detail=f"there is no door {name}")


def _enable(step: Step, given: CommandGiven) -> Answer:
    return _end(step, f"{READER_DISABLED}/{given.target}", f"the reader of {given.target} is not disabled")


def _end_override(step: Step, given: CommandGiven) -> Answer:
    what, _, door = given.target.partition("/")
    override = step.override(door)
    if override is not None and what == mode_name(override):
        step.set_override(door, None)
        tell_mode(step, override, ended="ended")
        review_doors(step, [door])
        return Answer(done=True, detail=f"{given.target} is ended")
    if what == "level":
        return Answer(done=False, code="a_level", detail="a threat level is ended by `secd doors end-lock-down`")
    return _end(step, given.target, f"no such override stands: {given.target}; `secd overrides` lists them")


def _end(step: Step, key: str, unknown: str) -> Answer:
    what, _, target = key.partition("/")
    permit = permit_of(step, what, target)
    if permit is None or what == ASKED:
        return Answer(done=False, code="unknown_target", detail=unknown)
    end_permit(step, permit, ended="ended")
    return Answer(done=True, detail=f"{key} is ended")


def _out_of_service(step: Step, given: CommandGiven) -> Answer:
    point, order = given.target, given.args.get("work_order", "").strip()
    if point not in step.tables.panic_points:
        return Answer(done=False, code="unknown_target", detail=f"there is no panic point {point}")
    if not order:
        return Answer(done=False, code="work_order_required", detail="name the work order: it is put on record (S13)")
    refused = bad_end(step, given.until, _KINDS[OUT_OF_SERVICE].s_max)
    if refused is not None or given.until is None:
        return refused or Answer(done=False, code="until_required")
    asked = permit_of(step, ASKED, point)
    if asked is None or asked.by == step.event.author or asked.work_order != order or not step.event.author:
        return _ask(step, given, order)
    end_permit(step, asked, ended="granted")
    until = min(given.until, asked.until)
    set_permit(step, _permit(step, given, OUT_OF_SERVICE, until=until, first=asked, work_order=order))
    return Answer(done=True, detail=_told(_KINDS[OUT_OF_SERVICE], point, until))


def _ask(step: Step, given: CommandGiven, order: str) -> Answer:
    asked = _permit(step, given, ASKED, work_order=order, lapses_s=SECOND_OPERATOR_S_MAX)
    set_permit(step, asked)
    return Answer(
        done=False,
        code="second_operator_required",
        detail=f"noted; another operator gives the same command with work order {order} within ten minutes (S13)",
    )


def _permit(
    step: Step, given: CommandGiven, what: str, *, until: datetime | None = None, first: PermitState | None = None,
    work_order: str = "", lapses_s: float | None = None,
) -> PermitState:  # fmt: skip
    ends = until or given.until or step.at.utc
    left_s = (ends - step.at.utc).total_seconds() if lapses_s is None else lapses_s
    return PermitState(
        what=what,
        target=given.target,
        until=ends,
        by=step.event.author if first is None else first.by,
        second="" if first is None else step.event.author,
        reason=given.reason if first is None else first.reason,
        since=step.at.utc,
        timers={"end": step.at.mono_s + left_s},
        work_order=work_order,
    )


def _told(kind: _Kind, target: str, until: datetime | None) -> str:
    return f"{target} {kind.told} until {until.isoformat(timespec='minutes') if until else ''}"


def _hand_over(step: Step, given: CommandGiven) -> Answer:
    standing = standing_in(step)
    lines = [one.line for one in standing[:HANDED_OVER_MAX]]
    if len(standing) > HANDED_OVER_MAX:
        lines.append(f"and {len(standing) - HANDED_OVER_MAX} more")
    to = given.args.get("to", "")
    step.find("overrides.handed_over", "overrides", None, HandedOver(to=to, standing=tuple(lines)))
    return Answer(done=True, detail=f"{len(standing)} handed over{f' to {to}' if to else ''}")


VERBS: dict[str, Verb] = {
    "door.hold": _for_door(HOLD),
    "door.shunt": _for_door(SHUNT),
    "reader.disable": _for_door(READER_DISABLED),
    "reader.enable": _enable,
    "point.out_of_service": _out_of_service,
    "override.end": _end_override,
    "overrides.hand_over": _hand_over,
}
