"""THE JUDGE: one event in, one verdict out. Pure: the state is not touched, nothing is awaited, no clock is read.

In: the running tables, the state, an event, and now. Out: findings, alarms, orders, desired modes and the changes of the
state. Everything is decided as of the moment the event was seen (`event.detected`), so that the log judged again gives the
same; `now` only says how long a read has waited. Refused: to act on what is late (S8).
"""

from collections.abc import Callable
from dataclasses import replace

from secd.model.doors import LockState
from secd.model.entry import Verdict
from secd.model.event import Event
from secd.model.facts import (
    ButtonState,
    CardPresented,
    CommandGiven,
    OutputRead,
    PanicPressed,
    PointChanged,
    TimerElapsed,
)
from secd.model.time import Instant
from secd.policies.alarms import book, watch
from secd.policies.cabinets import losses
from secd.policies.cabinets.points import alarm_points_of
from secd.policies.commands import command
from secd.policies.doors import exits, passage
from secd.policies.doors.admit import is_late, present_card
from secd.policies.doors.modes import plan_review, review_doors
from secd.policies.fire import zones
from secd.policies.levels import refresh_levels
from secd.policies.overrides import permits
from secd.policies.rows import DOOR, OVERRIDE, PANIC, OpenAlarm
from secd.policies.state import JudgeState, next_due
from secd.policies.step import Step
from secd.policies.tables import DoorTable, Tables

__all__ = ["JudgeState", "decide", "next_due"]

_DEVICE_KINDS = ("camera.", "power.", "device.tamper")


def decide(tables: Tables, state: JudgeState, event: Event, now: Instant) -> Verdict:
    """What becomes of one event."""
    step = Step(tables, state, event)
    branch = _BRANCHES.get(event.kind)
    if branch is not None:
        branch(step, now)
    watch.watch(step)
    return step.verdict()


def _card(step: Step, now: Instant) -> None:
    if isinstance(step.event.fact, CardPresented):
        present_card(step, step.event.fact, now)


def _at_door(act: Callable[[Step, DoorTable, PointChanged, Instant], None]) -> Callable[[Step, Instant], None]:
    def at_door(step: Step, now: Instant) -> None:
        table = step.table(step.event.subject)
        if table is not None and isinstance(step.event.fact, PointChanged):
            act(step, table, step.event.fact, now)

    return at_door


def _opened(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
    passage.read_contact(step, table, fact, opened=True)


def _closed(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
    passage.read_contact(step, table, fact, opened=False)


def _contact_faulted(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
    passage.fault_contact(step, table, fact)


def _exit_requested(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
    exits.request_exit(step, table, fact, late=is_late(step.event, now))


def _exit_ended(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
    exits.end_exit(step, table, fact, late=is_late(step.event, now))


def _exit_faulted(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
    exits.end_exit(step, table, replace(fact, activations=0), late=True)


def _bolt(bolt: LockState) -> Callable[[Step, DoorTable, PointChanged, Instant], None]:
    def read(step: Step, table: DoorTable, fact: PointChanged, now: Instant) -> None:
        passage.read_bolt(step, table, bolt)

    return read


def _relay(step: Step, now: Instant) -> None:
    table = step.table(step.event.subject)
    if table is not None and isinstance(step.event.fact, OutputRead):
        passage.read_relay(step, table, step.event.fact)


def _wired_panic(step: Step, now: Instant) -> None:
    if isinstance(step.event.fact, PointChanged):
        watch.told_by_point(step, step.event.fact)


def _wireless_panic(step: Step, now: Instant) -> None:
    if isinstance(step.event.fact, PanicPressed | ButtonState):
        watch.told_by_button(step, step.event.fact)


def _device_lost(step: Step, now: Instant) -> None:
    device = step.event.subject
    doors = step.tables.doors_of_device.get(device, ())
    for name in doors:
        passage.lose_device(step, step.tables.doors[name], device)
    fires = zones.lose_fire_inputs(step, device)
    points = [point.name for point in step.tables.panic_points.values() if point.device == device]
    for name in points:
        step.set_panic(name, replace(step.panic(name), state="unknown"))
    book.lose_sight(step, [one for name in (*doors, *fires, *points) for one in step.alarms_of(name)])
    told = (device, *alarm_points_of(step.tables.supply, device))
    of_device = [one for point in told for one in step.alarms_of(point)]
    book.lose_sight(step, [one for one in of_device if one.alarm.kind.startswith(_DEVICE_KINDS)])
    losses.lose(step)


def _device_back(step: Step, now: Instant) -> None:
    losses.recover(step)


def _tampered(*, tampered: bool) -> Callable[[Step, Instant], None]:
    def told(step: Step, now: Instant) -> None:
        for name in step.tables.doors_of_device.get(step.event.subject, ()):
            passage.trust_points(step, step.tables.doors[name], step.event.subject, tampered=tampered)

    return told


def _fire(step: Step, now: Instant) -> None:
    zones.told_by_panel(step, step.event)


def _commanded(step: Step, now: Instant) -> None:
    if isinstance(step.event.fact, CommandGiven):
        step.answer = command(step, step.event.fact)


def _elapsed(step: Step, now: Instant) -> None:
    if not isinstance(step.event.fact, TimerElapsed):
        return
    key = step.event.fact.key
    due_s = step.state.due(key)
    if due_s is None or due_s > max(step.at.mono_s, step.event.fact.due_mono_s):
        return
    kind, _, rest = key.partition("/")
    name, _, timer = rest.rpartition("/")
    _TIMERS[kind](step, name, timer)


def _door_timer(step: Step, name: str, timer: str) -> None:
    table = step.table(name)
    if table is None:
        step.set_door(name, step.door(name).due(**{timer: None}))
    else:
        passage.elapse(step, table, timer)


def _override_ends(step: Step, name: str, timer: str) -> None:
    override = step.override(name)
    step.set_override(name, None)
    if override is not None:
        permits.tell_mode(step, override, ended="expired")
    review_doors(step, [name])


def _panic_timer(step: Step, name: str, timer: str) -> None:
    watch.miss_check_ins(step, name)


def _modes_due(step: Step, name: str, timer: str) -> None:
    _review_all(step)


def _permit_ends(step: Step, name: str, timer: str) -> None:
    permits.elapse(step, name)


def _losses_settle(step: Step, name: str, timer: str) -> None:
    losses.settle(step)


_TIMERS: dict[str, Callable[[Step, str, str], None]] = {
    "permit": _permit_ends,
    "loss": _losses_settle,
    "door": _door_timer,
    "override": _override_ends,
    "panic": _panic_timer,
    "site": _modes_due,
}


def _activated(step: Step, now: Instant) -> None:
    _forget_removed(step)
    refresh_levels(step)
    zones.refresh_fires(step)
    _review_all(step)
    for point in step.tables.panic_points.values():
        if point.wireless and not step.panic(point.name).timers and not step.panic(point.name).silent:
            watch.expect_check_in(step, point)


def _started(step: Step, now: Instant) -> None:
    """Nothing is known of the building until it has been read again; what operators and levels said still stands."""
    step.set_site(replace(step.site(), clock_untrusted=not step.at.trusted, store_failed=False))
    _forget_removed(step)
    refresh_levels(step)
    zones.refresh_fires(step)
    for table in step.tables.doors.values():
        passage.lose_device(step, table, None)
    zones.lose_fire_inputs(step, None)
    _review_all(step)
    for point in step.tables.panic_points.values():
        step.set_panic(point.name, replace(step.panic(point.name), state="unknown"))
        if point.wireless and not step.panic(point.name).silent:
            watch.expect_check_in(step, point)
    book.lose_sight(step, [opened for _, opened in sorted(step.state.alarms.items()) if _seen_by_device(opened)])


def _seen_by_device(opened: OpenAlarm) -> bool:
    return opened.alarm.kind.startswith(("door.", "rex.", "panic.", "fire.", "reader.", *_DEVICE_KINDS))


def _forget_removed(step: Step) -> None:
    for name in sorted(step.state.doors.keys() - step.tables.doors.keys()):
        step.forget(DOOR, name)
    for name in sorted(step.state.overrides.keys() - step.tables.doors.keys()):
        step.forget(OVERRIDE, name)
    for name in sorted(step.state.panic_points.keys() - step.tables.panic_points.keys()):
        step.forget(PANIC, name)
    permits.forget_removed(step)
    losses.forget_removed(step)


def _review_all(step: Step) -> None:
    review_doors(step, step.tables.door_names)
    plan_review(step)


def _store(*, failed: bool) -> Callable[[Step, Instant], None]:
    def store(step: Step, now: Instant) -> None:
        step.set_site(replace(step.site(), store_failed=failed))

    return store


def _clock(*, untrusted: bool) -> Callable[[Step, Instant], None]:
    def clock(step: Step, now: Instant) -> None:
        step.set_site(replace(step.site(), clock_untrusted=untrusted))
        _review_all(step)

    return clock


_BRANCHES: dict[str, Callable[[Step, Instant], None]] = {
    "access.requested": _card,
    "door.opened": _at_door(_opened),
    "door.closed": _at_door(_closed),
    "door.contact_faulted": _at_door(_contact_faulted),
    "exit.requested": _at_door(_exit_requested),
    "exit.ended": _at_door(_exit_ended),
    "exit.input_faulted": _at_door(_exit_faulted),
    "door.lock_energised": _relay,
    "door.lock_deenergised": _relay,
    "door.bolt_thrown": _at_door(_bolt(LockState.LOCKED)),
    "door.bolt_withdrawn": _at_door(_bolt(LockState.UNLOCKED)),
    "door.bolt_faulted": _at_door(_bolt(LockState.UNKNOWN)),
    "panic.activated": _wired_panic,
    "panic.restored": _wired_panic,
    "panic.faulted": _wired_panic,
    "panic.pressed": _wireless_panic,
    "panic.checked_in": _wireless_panic,
    "panic.battery_low": _wireless_panic,
    "panic.tampered": _wireless_panic,
    "device.went_offline": _device_lost,
    "device.came_back": _device_back,
    "device.tampered": _tampered(tampered=True),
    "device.tamper_restored": _tampered(tampered=False),
    "fire.activated": _fire,
    "fire.cleared": _fire,
    "fire.faulted": _fire,
    "operator.commanded": _commanded,
    "timer.elapsed": _elapsed,
    "policy.activated": _activated,
    "secd.started": _started,
    "store.degraded": _store(failed=True),
    "store.recovered": _store(failed=False),
    "clock.untrusted": _clock(untrusted=True),
    "clock.trusted": _clock(untrusted=False),
}
"""What the judge does with each kind it acts on. Every other kind is only held against the alarm rules."""
