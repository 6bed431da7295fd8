"""Devices that go away together are one alarm: that of the cabinet, switch or device they hang on (S17).

In: a device that went away or came back, and the window's end. Out: the common cause with everything that is lost with it,
by name, or the single losses. Only the alarm of a lost device waits, for `WINDOW_S` after the first of them at most; a
press, a fault and whatever else a device says never does. One that has nothing in common with any other does not wait.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import cast

from secd.model.alarm import Condition
from secd.model.event import Event
from secd.model.facts import LinkChanged, LossFound
from secd.model.names import EventId
from secd.policies.alarms import watch
from secd.policies.cabinets.consequences import tell_consequences
from secd.policies.cabinets.state import LOSS, LossState
from secd.policies.cabinets.supply import Cause
from secd.policies.rows import OpenAlarm
from secd.policies.step import Step

WINDOW_S = 3.0
LOST = "device.went_offline"
LOST_KINDS = {"cabinet": "cabinet.power_lost", "switch": "infrastructure.lost", "device": "infrastructure.lost"}
RESTORED_KINDS = {"cabinet.power_lost": "cabinet.power_restored", "infrastructure.lost": "infrastructure.restored"}


def lose(step: Step) -> None:
    """A device went away: alone, with a cause that stands, or to be seen."""
    device, supply = step.event.subject, step.tables.supply
    causes = supply.causes_of.get(device, ())
    if not causes or step.kept(LOSS, device) is not None:
        return
    standing = sorted({loss.cause for loss in _losses(step).values()} & set(causes))
    loss = LossState(
        device=device, event=step.event.id, occurred=step.event.occurred, reason=getattr(step.event.fact, "reason", "")
    )
    if standing:
        step.keep(LOSS, device, replace(loss, cause=standing[0]))
        _tell_change(step, standing[0])
        return
    ends_s = min([*(due for one in _losses(step).values() for due in one.timers.values()), step.at.mono_s + WINDOW_S])
    step.keep(LOSS, device, replace(loss, timers={"window": ends_s}))


def settle(step: Step) -> None:
    """The window is over, or the first of them is back: say what went away, and why."""
    pending = {name: loss for name, loss in _losses(step).items() if not loss.cause}
    found, alone = step.tables.supply.explain(pending)
    for cause, devices in found:
        for device in devices:
            step.keep(LOSS, device, replace(pending[device], cause=cause.name, timers={}))
        kind = LOST_KINDS[cause.kind]
        step.find(kind, cause.name, cause.area, loss_of(step, cause.name, devices))
    for device in alone:
        step.forget(LOSS, device)
        watch.consider(step, _as_it_was(step, pending[device]))


def recover(step: Step) -> None:
    """A device came back. With the last one of a cause, the cause is gone."""
    device = step.event.subject
    loss = cast("LossState | None", step.kept(LOSS, device))
    if loss is not None and not loss.cause:
        settle(step)
        loss = cast("LossState | None", step.kept(LOSS, device))
    if loss is not None:
        _forget(step, loss)


def forget_removed(step: Step) -> None:
    """Devices that the running configuration no longer has are lost no more."""
    for device, loss in _losses(step).items():
        if device not in step.tables.supply.devices:
            _forget(step, loss)


def loss_of(step: Step, cause: str, devices: Collection[str]) -> LossFound:
    """What is lost with these devices."""
    lost = step.tables.supply.all_dependents(devices)
    return LossFound(
        cause=cause,
        devices=tuple(sorted(devices)),
        panic_points=lost.panic_points,
        doors=lost.doors,
        cameras=lost.cameras,
    )


def _forget(step: Step, loss: LossState) -> None:
    step.forget(LOSS, loss.device)
    if not loss.cause:
        return
    if any(one.cause == loss.cause for one in _losses(step).values()):
        _tell_change(step, loss.cause)
        return
    for opened in _alarms(step, loss.cause):
        cause = step.tables.supply.causes.get(loss.cause)
        area = cause.area if cause is not None else opened.alarm.area
        kind = RESTORED_KINDS[opened.alarm.kind]
        step.find(kind, loss.cause, area, loss_of(step, loss.cause, (loss.device,)))
        return


def _tell_change(step: Step, cause: str) -> None:
    """More or fewer devices are lost than when the alarm was raised: it says which, and how urgent that is."""
    lost = [loss.device for loss in _losses(step).values() if loss.cause == cause]
    found = loss_of(step, cause, lost)
    reason, floor = tell_consequences(found, _members(step, cause))
    for opened in _alarms(step, cause):
        alarm = opened.alarm
        if alarm.condition is Condition.CLEARED or alarm.reason == reason:
            continue
        changed = replace(alarm, reason=reason, priority=min(alarm.priority, floor))
        step.move_alarm(replace(opened, alarm=changed), "changed", note=f"{len(lost)} devices are lost now")


def _members(step: Step, cause: str) -> int:
    known: Cause | None = step.tables.supply.causes.get(cause)
    return len(known.members) if known is not None else 0


def _alarms(step: Step, cause: str) -> list[OpenAlarm]:
    return [opened for opened in step.alarms_of(cause) if opened.alarm.kind in RESTORED_KINDS]


def _losses(step: Step) -> dict[str, LossState]:
    return cast("dict[str, LossState]", step.all_kept(LOSS))


def _as_it_was(step: Step, loss: LossState) -> Event:
    return replace(
        step.event,
        id=EventId(loss.event),
        kind=LOST,
        subject=loss.device,
        source=loss.device,
        area=None,
        occurred=loss.occurred,
        fact=LinkChanged(up=False, reason=loss.reason),
    )
