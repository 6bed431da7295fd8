"""An alarm's life: raised, repeated, upgraded, cleared, acknowledged, received, closed. One open alarm per (rule, kind, point).

In: a rule and what it matched, or a person's or station's word. Out: the alarm's next revision with the finding that tells
it. A latching alarm closes once its cause is gone and a person took it; one that does not latch, once a person took it.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from secd.model.alarm import Acknowledgement, Alarm, Condition
from secd.model.entry import Answer
from secd.model.event import Event
from secd.model.facts import PressKind
from secd.model.names import AreaId, CameraId
from secd.policies.rows import OpenAlarm
from secd.policies.step import Step
from secd.policies.tables import AlarmRule

PANIC = "panic.activated"
"""The kind of every panic alarm, wired or wireless."""
RESTORED_BY: dict[str, str] = {
    PANIC: "panic.restored",
    "panic.faulted": "panic.restored",
    "panic.went_silent": "panic.checked_in",
    "door.forced_open": "door.secured",
    "door.held_open": "door.secured",
    "door.held_warned": "door.secured",
    "door.opened_while_away": "door.secured",
    "door.not_secured": "door.secured",
    "door.released_outside_secd": "door.secured",
    "door.contact_faulted": "door.closed",
    "exit.input_faulted": "exit.ended",
    "door.bolt_faulted": "door.bolt_thrown",
    "rex.stuck": "rex.cleared",
    "door.points_untrusted": "door.points_trusted",
    "fire.activated": "fire.restored",
    "fire.faulted": "fire.cleared",
    "reader.tampered": "reader.tamper_restored",
    "device.went_offline": "device.came_back",
    "device.refused": "device.came_back",
    "device.tampered": "device.tamper_restored",
    "power.failed": "power.restored",
    "cabinet.power_lost": "cabinet.power_restored",
    "infrastructure.lost": "infrastructure.restored",
    "panic.taken_out_of_service": "panic.returned_to_service",
    "power.input_faulted": "power.restored",
    "camera.motion_started": "camera.motion_stopped",
    "camera.input_activated": "camera.input_restored",
    "camera.tampered": "camera.tamper_restored",
    "store.degraded": "store.recovered",
    "clock.untrusted": "clock.trusted",
    "config.rejected": "config.restored",
    "config.not_kept": "config.kept",
    "broker.lost": "broker.found",
    "broker.refused": "broker.found",
    "station.lost": "station.found",
}
"""Which event says that a kind's cause is gone. A kind that is not here is over as soon as it has happened."""
ALSO_RESTORED_BY: dict[str, str] = {
    "door.opened": "door.contact_faulted",
    "exit.requested": "exit.input_faulted",
    "exit.ended": "exit.input_faulted",
    "fire.activated": "fire.faulted",
    "door.bolt_thrown": "door.bolt_faulted",
    "door.bolt_withdrawn": "door.bolt_faulted",
}
"""A faulted input that reads anything again is no longer faulted."""
SAID_BY_SECD = frozenset({"panic.taken_out_of_service"})
"""These are no device's word: they stand whether or not a device can be seen."""
OF_THE_SITE = frozenset({"store.recovered", "clock.trusted", "config.restored", "config.kept"})
"""These end a trouble of the whole site, wherever it was seen."""
SECURED_CLEARS: dict[str, frozenset[str]] = {
    "closed": frozenset({"door.forced_open", "door.held_open", "door.held_warned", "door.opened_while_away"}),
    "mode_unlocked": frozenset({"door.held_open", "door.held_warned", "door.not_secured"}),
    "bolt_thrown": frozenset({"door.not_secured"}),
    "relay_locked": frozenset({"door.released_outside_secd"}),
}
"""What `door.secured` clears, by its reason."""
_PRESS_RANK = {"": 0, PressKind.HELP.value: 1, PressKind.LOCKDOWN.value: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What a rule matched. `times`: presses that came together. `seen_again`: only a first reading after a gap."""

    kind: str
    point: str
    label: str
    area: AreaId | None
    cause: Event
    times: int = 1
    press: str = ""
    reason: str = ""
    seen_again: bool = False


def strike(step: Step, rule: AlarmRule, match: Match) -> bool:
    """Raise an alarm, or repeat the open one. True where somebody has to look anew: raised, upgraded or re-alarmed.

    A first reading after a gap may be the same cause still there; only a panic that a person took already alarms anew.
    """
    opened = step.alarm_of(rule.id, match.kind, match.point)
    if opened is None:
        _raise(step, rule, match)
        return True
    taken = opened.alarm.ack is Acknowledgement.ACKED
    if match.seen_again and not (match.kind == PANIC and taken):
        still_there(step, opened)
        return False
    return _repeat(step, opened, rule, match)


def clear(step: Step, point: str, kinds: Container[str], note: str = "") -> None:
    """The cause of these alarms is gone."""
    for opened in step.alarms_of(point):
        if opened.alarm.kind in kinds and opened.alarm.condition is not Condition.CLEARED:
            cleared = _with(opened, condition=Condition.CLEARED)
            _settle(step, step.move_alarm(cleared, "cleared", note=note))


def lose_sight(step: Step, opened: Iterable[OpenAlarm]) -> None:
    """Whether the cause is still there cannot be seen: unknown, which is neither there nor gone."""
    for one in opened:
        seen = one.alarm.kind in RESTORED_BY and one.alarm.kind not in SAID_BY_SECD
        if one.alarm.condition is Condition.ACTIVE and seen:
            step.move_alarm(_with(one, condition=Condition.UNKNOWN), "changed", note="cannot be seen at present")


def still_there(step: Step, opened: OpenAlarm) -> None:
    """The cause was seen again after it could not be seen."""
    if opened.alarm.condition is Condition.UNKNOWN:
        step.move_alarm(_with(opened, condition=Condition.ACTIVE), "changed", note="seen again")


def acknowledge(step: Step, alarm: str, rev: str, *, by: str, note: str) -> Answer:
    """A person takes it, having seen revision `rev`. An older one is refused: something worse has happened since."""
    opened = step.alarm(alarm)
    if opened is None:
        return Answer(done=False, code="unknown_target", detail=f"there is no open alarm {alarm}")
    if opened.alarm.ack is Acknowledgement.ACKED:
        if opened.alarm.acked_by == by:
            return Answer(done=True, detail=f"{alarm} was yours already")
        return Answer(done=False, code="already_acknowledged", detail=f"{opened.alarm.acked_by} has taken {alarm}")
    if not rev.isdecimal():
        return Answer(done=False, code="rev_required", detail="say which revision you saw: rev")
    if not opened.told_rev <= int(rev) <= opened.alarm.rev:
        return Answer(
            done=False,
            code="stale_rev",
            detail=f"{alarm} has changed since revision {rev}; look at revision {opened.alarm.rev}",
        )
    taken = _with(opened, ack=Acknowledgement.ACKED, acked_by=by, acked_at=step.at.utc)
    taken = step.move_alarm(taken, "acknowledged", by=by, note=note)
    if not has_restoration(step, taken.alarm) and taken.alarm.kind != PANIC:
        taken = _with(taken, condition=Condition.CLEARED)
    _settle(step, taken)
    return Answer(done=True, detail=f"{alarm} is yours")


def receive(step: Step, alarm: str, station: str) -> Answer:
    """A station shows it."""
    opened = step.alarm(alarm)
    if opened is None:
        return Answer(done=False, code="unknown_target", detail=f"there is no open alarm {alarm}")
    if station and station not in opened.alarm.received_by:
        received = _with(opened, received_by=(*opened.alarm.received_by, station))
        step.move_alarm(received, "received", by=station)
    return Answer(done=True)


def close(step: Step, alarm: str, rev: str, note: str) -> Answer:
    """A person ends it: acknowledged, and its cause gone or beyond what can be seen."""
    opened = step.alarm(alarm)
    if opened is None:
        return Answer(done=False, code="unknown_target", detail=f"there is no open alarm {alarm}")
    if rev.isdecimal() and not opened.told_rev <= int(rev) <= opened.alarm.rev:
        return Answer(done=False, code="stale_rev", detail=f"{alarm} has changed; look at revision {opened.alarm.rev}")
    if opened.alarm.ack is not Acknowledgement.ACKED:
        return Answer(done=False, code="not_acknowledged", detail=f"acknowledge {alarm} first")
    if opened.alarm.condition is Condition.ACTIVE and has_restoration(step, opened.alarm):
        return Answer(
            done=False, code="still_active", detail=f"the cause of {alarm} is still there: {opened.alarm.point}"
        )
    closed = _with(opened, closed=True, reason=note or opened.alarm.reason)
    if closed.alarm.condition is Condition.ACTIVE:
        closed = _with(closed, condition=Condition.CLEARED)
    step.move_alarm(closed, "closed", by=step.event.author, note=note)
    return Answer(done=True, detail=f"{alarm} is closed")


def has_restoration(step: Step, alarm: Alarm) -> bool:
    """Whether an event can say that this alarm's cause is gone. A wireless button never tells that it was let go."""
    if alarm.kind != PANIC:
        return alarm.kind in RESTORED_BY
    point = step.tables.panic_points.get(alarm.point)
    return point is not None and not point.wireless


def cameras_of(step: Step, rule: AlarmRule, point: str) -> tuple[CameraId, ...]:
    """The cameras that look at what a rule matched."""
    table = step.table(point)
    of_door = table.cameras if rule.snapshot_of_door and table is not None else ()
    return (*rule.snapshot, *(camera for camera in of_door if camera not in rule.snapshot))


def _raise(step: Step, rule: AlarmRule, match: Match) -> None:
    alarm = Alarm(
        id=step.alarm_id(match.cause.id),
        rev=0,
        kind=match.kind,
        rule=rule.id,
        point=match.point,
        label=match.label,
        area=match.area,
        priority=rule.priority,
        silent=rule.silent,
        latched=rule.latching,
        condition=Condition.ACTIVE,
        ack=Acknowledgement.UNACKED,
        mode=step.tables.mode,
        occurrences=match.times,
        occurred=match.cause.occurred,
        detected=step.at.utc,
        last=match.cause.occurred,
        cause=match.cause.id,
        press=match.press,
        cameras=cameras_of(step, rule, match.point),
        procedure=rule.procedure,
        reason=match.reason,
    )
    step.move_alarm(OpenAlarm(alarm=alarm, told_rev=1, latching=rule.latching), "raised")


def _repeat(step: Step, opened: OpenAlarm, rule: AlarmRule, match: Match) -> bool:
    old = opened.alarm
    upgraded = _PRESS_RANK[match.press] > _PRESS_RANK[old.press]
    realarmed = old.ack is Acknowledgement.ACKED
    repeated = _with(
        opened,
        condition=Condition.ACTIVE,
        occurrences=old.occurrences + match.times,
        last=max(old.last, match.cause.occurred),
        press=match.press if upgraded else old.press,
        priority=min(old.priority, rule.priority),
        ack=Acknowledgement.REALARMED if realarmed else old.ack,
        acked_by="" if realarmed else old.acked_by,
        acked_at=None if realarmed else old.acked_at,
    )
    step.move_alarm(replace(repeated, told_rev=old.rev + 1), "upgraded" if upgraded else "repeated")
    return upgraded or realarmed


def _settle(step: Step, opened: OpenAlarm) -> None:
    alarm = opened.alarm
    over = alarm.condition is Condition.CLEARED or not opened.latching
    if over and alarm.ack is Acknowledgement.ACKED:
        step.move_alarm(_with(opened, closed=True), "closed", by=alarm.acked_by)


def _with(opened: OpenAlarm, **changes: object) -> OpenAlarm:
    return replace(opened, alarm=replace(opened.alarm, **changes))  # type: ignore[arg-type]
