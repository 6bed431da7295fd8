"""From events to alarms: every input and every finding is held against the rules, panic presses against their points.

In: the step with what it has found so far. Out: alarms raised, repeated or cleared, and what the rules say to do. A press
that no rule matches is an alarm all the same (S13); a silent rule does nothing that could be noticed (S12).
"""

from dataclasses import replace

from secd.model.event import Event
from secd.model.facts import (
    AccessDecided,
    ButtonState,
    CameraSaw,
    DeviceTold,
    DoorFinding,
    InputState,
    LinkChanged,
    LossFound,
    OrderEnded,
    OverrideMoved,
    PanicPressed,
    PointChanged,
    PressKind,
    Trouble,
)
from secd.model.names import RuleId
from secd.model.order import TakeSnapshot
from secd.policies import levels
from secd.policies.alarms.book import (
    ALSO_RESTORED_BY,
    OF_THE_SITE,
    PANIC,
    RESTORED_BY,
    SECURED_CLEARS,
    Match,
    cameras_of,
    clear,
    still_there,
    strike,
)
from secd.policies.cabinets.consequences import LOWEST, tell_consequences
from secd.policies.cabinets.points import PRIORITIES, SupplyPoint, supply_point
from secd.policies.cabinets.state import LOSS
from secd.policies.doors.contacts import is_unsound
from secd.policies.doors.modes import first_card_passed
from secd.policies.overrides.permits import RETURNED, TAKEN_OUT, permit_of, suppresses
from secd.policies.overrides.state import OUT_OF_SERVICE
from secd.policies.rows import PanicState
from secd.policies.step import SNAPSHOT_VALID_S, Step
from secd.policies.tables import AlarmRule, FireTable, PanicTable

BUILT_IN = RuleId("built-in")
CHECK_INS_MISSED = 3
STRANGERS_MAX = 64
_BUILT_IN_PRESS = AlarmRule(id=BUILT_IN, label="panic", priority=1, silent=False, latching=True)
_BUILT_IN_TROUBLE = AlarmRule(id=BUILT_IN, label="panic point", priority=2, silent=False, latching=True)
_BUILT_IN_FIRE = AlarmRule(id=BUILT_IN, label="fire alarm", priority=1, silent=False, latching=True)
_BUILT_IN_FIRE_TROUBLE = AlarmRule(id=BUILT_IN, label="fire panel's line", priority=2, silent=False, latching=True)
_BUILT_IN_EXIT = AlarmRule(id=BUILT_IN, label="refused exit", priority=3, silent=False, latching=False)
_TROUBLES: dict[str, AlarmRule] = {
    "fire.faulted": _BUILT_IN_FIRE_TROUBLE,
    "exit.refused": _BUILT_IN_EXIT,
    **dict.fromkeys(("panic.faulted", "panic.went_silent"), _BUILT_IN_TROUBLE),
    TAKEN_OUT: _BUILT_IN_TROUBLE,
    **dict.fromkeys(
        ("cabinet.power_lost", "infrastructure.lost", "power.failed", "power.input_faulted", "device.tampered"),
        AlarmRule(id=BUILT_IN, label="supply", priority=3, silent=False, latching=True),
    ),
    "device.went_offline": AlarmRule(id=BUILT_IN, label="device", priority=4, silent=False, latching=True),
}
"""What is an alarm even where no rule says so: nothing that guards goes away in silence (S13, S17)."""
_PRESSES = frozenset({"panic.activated", "panic.pressed"})
_ENDS = [*((end, kind) for kind, end in RESTORED_BY.items()), *ALSO_RESTORED_BY.items()]
_CLEARED_BY = {end: frozenset(kind for cause, kind in _ENDS if cause == end) for end, _ in _ENDS}


def watch(step: Step) -> None:
    """Hold the event and everything found in this step, also by the rules themselves, against the rules."""
    consider(step, step.event)
    index = 0
    while index < len(step.findings):
        finding = step.findings[index]
        index += 1
        if not finding.kind.startswith("alarm."):
            consider(step, finding)
    for name in step.still_there:
        for opened in step.alarms_of(name):
            still_there(step, opened)


def press(step: Step, fact: PanicPressed | PointChanged) -> None:
    """A panic point was pressed, or found pressed (S11). Never too late, never too often."""
    event = step.event
    point = step.tables.panic_points.get(event.subject)
    if isinstance(fact, PanicPressed):
        kind, times, seen_again = fact.press, max(1, fact.presses), False
    else:
        kind = point.press if point is not None else PressKind.HELP
        times, seen_again = max(1, fact.activations), fact.initial and fact.activations <= 1
    match = Match(
        kind=PANIC,
        point=event.subject if point is not None else _stranger(step),
        label=point.label if point is not None else event.subject,
        area=point.area if point is not None else event.area,
        cause=event,
        times=times,
        press=kind.value,
        reason=_when_pressed(event, fact),
        seen_again=seen_again,
    )
    clear(step, event.subject, frozenset({"panic.faulted"}), "it can be read again")
    if permit_of(step, OUT_OF_SERVICE, event.subject) is not None:
        _act(step, _of_service(step, event.subject), replace(match, kind=TAKEN_OUT, press="", reason="pressed"))
        return
    for rule in step.tables.rules_of_press.get((event.subject, kind)) or (_BUILT_IN_PRESS,):
        _act(step, rule, match)


def told_by_point(step: Step, fact: PointChanged) -> None:
    """A wired panic point: pressed, restored or faulted. A press and its end may come in one report."""
    point = step.event.subject
    known = step.panic(point)
    if step.event.kind == "panic.activated" or (
        step.event.kind == "panic.restored" and fact.activations and not (fact.initial and known.state == "active")
    ):
        press(step, fact)
    state = {"panic.activated": "active", "panic.faulted": "faulted"}.get(step.event.kind, "normal")
    if step.event.kind == "panic.activated" and fact.state is InputState.NORMAL:
        state = "normal"
        clear(step, point, (PANIC,), "a short press")
    step.set_panic(point, replace(known, state=state))


def told_by_button(step: Step, fact: PanicPressed | ButtonState) -> None:
    """A wireless button: whatever it sends proves its radio (S15)."""
    point = step.tables.panic_points.get(step.event.subject)
    if isinstance(fact, PanicPressed):
        press(step, fact)
    if point is not None:
        expect_check_in(step, point)
        if step.event.kind != "panic.checked_in":
            clear(step, point.name, ("panic.went_silent",), "it was heard again")


def expect_check_in(step: Step, point: PanicTable) -> None:
    """Start waiting for a wireless button's next sign of life."""
    if point.check_in_s > 0:
        due_s = step.at.mono_s + CHECK_INS_MISSED * point.check_in_s
        step.set_panic(point.name, PanicState(state="normal", timers={"check_in": due_s}))


def miss_check_ins(step: Step, name: str) -> None:
    """A wireless button was not heard for too long."""
    point = step.tables.panic_points.get(name)
    step.set_panic(name, PanicState(state="unknown", silent=True))
    if point is not None:
        step.find("panic.went_silent", name, point.area, ButtonState(point=name))


def _stranger(step: Step) -> str:
    """Where the press of a point nobody configured is noted: by its name, and once those are many, by its device."""
    known = step.tables.panic_points
    strangers = [one for one in step.state.open_alarms() if one.kind == PANIC and one.point not in known]
    many = len(strangers) >= STRANGERS_MAX and all(one.point != step.event.subject for one in strangers)
    return step.event.source if many else step.event.subject


def consider(step: Step, event: Event) -> None:
    """Hold one event or finding against the rules: what it ends, and what it raises."""
    supplied = supply_point(step.tables.supply, event)
    if event.kind == "door.secured" and isinstance(event.fact, DoorFinding):
        clear(step, event.subject, SECURED_CLEARS.get(event.fact.why, frozenset()), event.fact.why)
    elif event.kind in OF_THE_SITE:
        for opened in step.state.open_alarms():
            if opened.kind in _CLEARED_BY[event.kind]:
                clear(step, opened.point, _CLEARED_BY[event.kind], event.kind)
    elif event.kind in _CLEARED_BY and not _one_of_several(step, event):
        subject = supplied.alarm_point if supplied is not None else event.subject
        clear(step, subject, _CLEARED_BY[event.kind], event.kind)
    if event.kind == RETURNED:
        _read_again(step, event)
    by_design = bool(getattr(event.fact, "suppressed", ""))
    if event.kind in _PRESSES or by_design or suppresses(step, event) or _waits(step, event):
        return
    rules = step.tables.rules_of_event.get(event.kind, ())
    matching = [rule for rule in rules if _matches(rule, event)]
    if event.kind in _TROUBLES and not matching:
        matching = [_built_in(step, event, supplied)]
    if event.kind == "fire.activated":
        matching.append(_BUILT_IN_FIRE)  # whatever else the site wants: priority 1 to the station (S16)
    if matching:
        match, floor = _match(step, event, supplied), _consequences(step, event)[1]
        for rule in matching:
            _act(step, replace(rule, priority=floor) if floor < rule.priority else rule, match)
    if event.kind == "access.taken":
        table = step.table(event.subject)
        if table is not None and not getattr(event.fact, "out", False):
            first_card_passed(step, table, getattr(event.fact, "holder", None))


def _one_of_several(step: Step, event: Event) -> bool:
    """Whether one contact of a door tells what another, still at fault, does not."""
    return event.kind in {"door.opened", "door.closed"} and is_unsound(step.door(event.subject))


def _matches(rule: AlarmRule, event: Event) -> bool:
    if rule.subjects is not None and event.subject not in rule.subjects:
        return False
    if rule.areas is not None and event.area not in rule.areas:
        return False
    return rule.reasons is None or (isinstance(event.fact, AccessDecided) and event.fact.reason in rule.reasons)


def _waits(step: Step, event: Event) -> bool:
    """Whether this loss belongs to a common cause, or may show to do so within seconds (S17)."""
    return event.kind == "device.went_offline" and step.kept(LOSS, event.subject) is not None


def _built_in(step: Step, event: Event, supplied: SupplyPoint | None) -> AlarmRule:
    if event.kind == TAKEN_OUT:
        return _of_service(step, event.subject)
    rule = _TROUBLES[event.kind]
    return rule if supplied is None else replace(rule, priority=PRIORITIES[supplied.what])


def _of_service(step: Step, point: str) -> AlarmRule:
    """The alarm that stands while a panic point is out of service: as silent as its presses are (S12)."""
    return replace(_TROUBLES[TAKEN_OUT], silent=point in step.tables.silent_points)


def _read_again(step: Step, event: Event) -> None:
    """A panic point is back in service: what it says now counts, also what it began to say before (S11)."""
    point, known = step.tables.panic_points.get(event.subject), step.panic(event.subject)
    if point is None:
        return
    if known.state == "active":
        match = Match(
            kind=PANIC, point=point.name, label=point.label, area=point.area, cause=event, press=point.press.value,
            reason="active when it returned to service",
        )  # fmt: skip
        for rule in step.tables.rules_of_press.get((point.name, point.press)) or (_BUILT_IN_PRESS,):
            _act(step, rule, match)
    elif known.state == "faulted":
        fault = PointChanged(point="", state=InputState.UNKNOWN, initial=True)
        step.find("panic.faulted", point.name, point.area, fault)
    elif known.silent:
        step.find("panic.went_silent", point.name, point.area, ButtonState(point=point.name))


def _consequences(step: Step, event: Event) -> tuple[str, int]:
    """What goes with a loss, and how urgent that makes it."""
    supply = step.tables.supply
    if isinstance(event.fact, LossFound):
        cause = supply.causes.get(event.fact.cause)
        return tell_consequences(event.fact, len(cause.members) if cause is not None else 0)
    lost = supply.dependents.get(event.subject) if event.kind == "device.went_offline" else None
    if lost is None:
        return "", LOWEST
    found = LossFound(cause="", devices=(), panic_points=lost.panic_points, doors=lost.doors, cameras=lost.cameras)
    return tell_consequences(found)


def _zone(step: Step, event: Event) -> FireTable | None:
    return step.tables.fire_zones.get(event.subject) if event.kind.startswith("fire.") else None


def _match(step: Step, event: Event, supplied: SupplyPoint | None) -> Match:
    named = (
        supplied or _zone(step, event) or step.table(event.subject) or step.tables.panic_points.get(event.subject)
        or (step.tables.supply.causes.get(event.subject) if isinstance(event.fact, LossFound) else None)
    )  # fmt: skip
    consequences = _consequences(step, event)[0]
    nameless = isinstance(event.fact, OrderEnded) and event.subject == event.fact.order
    return Match(
        kind=event.kind,
        point=supplied.alarm_point if supplied is not None else event.source if nameless else event.subject,
        label=named.label if named is not None else event.subject,
        area=getattr(named, "area", event.area),
        cause=event,
        reason="; ".join(part for part in (_reason(event), consequences) if part),
        seen_again=bool(getattr(event.fact, "initial", False)),
    )


def _reason(event: Event) -> str:
    match event.fact:
        case AccessDecided():
            return event.fact.reason
        case DoorFinding():
            return event.fact.why
        case LinkChanged():
            return event.fact.reason
        case DeviceTold():
            return event.fact.detail or event.fact.what
        case OverrideMoved():
            order = f"work order {event.fact.work_order}" if event.fact.work_order else ""
            by = f"by {event.fact.by} and {event.fact.second}" if event.fact.second else f"by {event.fact.by}"
            return ", ".join(part for part in (order, by, f"until {event.fact.until.isoformat()}") if part)
        case Trouble() | CameraSaw():
            return event.fact.what
        case PointChanged():
            return event.fact.state.value
        case _:
            return ""


def _when_pressed(event: Event, fact: PanicPressed | PointChanged) -> str:
    if isinstance(fact, PanicPressed):
        return "late: it waited on its way" if fact.queued or event.late else ""
    if fact.initial:
        return "found active" if fact.state is not InputState.NORMAL else "pressed while nobody could see it"
    return "late" if event.late else ""


def _act(step: Step, rule: AlarmRule, match: Match) -> None:
    anew = strike(step, rule, match)
    if anew:
        for camera in cameras_of(step, rule, match.point):
            step.order(TakeSnapshot(camera=camera), urgent=match.kind == PANIC, valid_s=SNAPSHOT_VALID_S)
    if not match.seen_again or anew:
        for level, area in rule.levels:
            levels.set_level(step, level, area, by=f"alarm {rule.id}", reason=f"{match.label}: {match.kind}")
