"""What we accepted: one event, and the table of every kind there is.

To add a kind: one row in KINDS. The stream decides where the station reads it; the lane, which mailbox it waits in.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from secd.model import facts
from secd.model.facts import Fact
from secd.model.names import AreaId, EventId
from secd.model.time import Instant


class Stream(StrEnum):
    """The three numbered streams of a site (MQTT contract)."""

    ALARM = "alarm"
    EVENT = "event"
    HEALTH = "health"


@dataclass(frozen=True, slots=True, kw_only=True)
class KindInfo:
    """A row of KINDS. `urgent`: waits in the priority mailbox and is never shed."""

    stream: Stream
    fact: type
    urgent: bool = False


def _rows(stream: Stream, fact: type, *kinds: str, urgent: bool = False) -> dict[str, KindInfo]:
    return {kind: KindInfo(stream=stream, fact=fact, urgent=urgent) for kind in kinds}


KINDS: dict[str, KindInfo] = {
    # inputs: what intake makes of observations
    **_rows(Stream.EVENT, facts.CardPresented, "access.requested"),
    **_rows(Stream.EVENT, facts.PointChanged, "door.opened", "door.closed", "door.contact_faulted"),
    **_rows(Stream.EVENT, facts.PointChanged, "exit.requested", "exit.ended", "exit.input_faulted"),
    **_rows(Stream.EVENT, facts.PointChanged, "door.bolt_thrown", "door.bolt_withdrawn", "door.bolt_faulted"),
    **_rows(Stream.EVENT, facts.OutputRead, "door.lock_energised", "door.lock_deenergised"),
    **_rows(Stream.ALARM, facts.PointChanged, "panic.activated", "panic.restored", "panic.faulted", urgent=True),
    **_rows(Stream.ALARM, facts.PanicPressed, "panic.pressed", urgent=True),
    **_rows(Stream.HEALTH, facts.ButtonState, "panic.checked_in", "panic.battery_low", "panic.tampered"),
    **_rows(Stream.HEALTH, facts.ButtonState, "panic.went_silent"),
    **_rows(Stream.ALARM, facts.PointChanged, "fire.activated", "fire.cleared", "fire.faulted", urgent=True),
    **_rows(Stream.HEALTH, facts.PointChanged, "device.tampered", "device.tamper_restored", urgent=True),
    **_rows(Stream.HEALTH, facts.PointChanged, "reader.tampered", "reader.tamper_restored", urgent=True),
    **_rows(Stream.HEALTH, facts.PointChanged, "power.failed", "power.restored", "power.input_faulted"),
    **_rows(Stream.EVENT, facts.CameraSaw, "camera.motion_started", "camera.motion_stopped"),
    **_rows(Stream.EVENT, facts.CameraSaw, "camera.input_activated", "camera.input_restored"),
    **_rows(Stream.HEALTH, facts.CameraSaw, "camera.tampered", "camera.tamper_restored"),
    **_rows(Stream.HEALTH, facts.LinkChanged, "device.went_offline", "device.came_back"),
    **_rows(Stream.HEALTH, facts.DeviceTold, "device.restarted", "device.reads_lost", "device.refused", "device.misbehaved"),
    **_rows(Stream.HEALTH, facts.DeviceTold, "device.clock_off", "device.replaced", "device.limited"),
    **_rows(Stream.HEALTH, facts.DeviceTold, "device.watchdog_tripped"),
    **_rows(Stream.EVENT, facts.OrderEnded, "order.done", "order.failed", "order.expired", "order.abandoned"),
    **_rows(Stream.EVENT, facts.OrderEnded, "camera.snapshot_taken"),
    **_rows(Stream.EVENT, facts.CommandGiven, "operator.commanded", "operator.refused", urgent=True),
    **_rows(Stream.EVENT, facts.CommissionTold, "commission.step_passed", "commission.step_failed"),
    **_rows(Stream.EVENT, facts.CommissionTold, "commission.step_skipped", "commission.completed"),
    **_rows(Stream.EVENT, facts.TimerElapsed, "timer.elapsed"),
    **_rows(Stream.EVENT, facts.PolicyActivated, "policy.activated"),
    **_rows(Stream.HEALTH, facts.Trouble, "config.rejected", "config.restored", "config.not_kept", "config.kept"),
    **_rows(Stream.HEALTH, facts.Trouble, "store.degraded", "store.recovered", urgent=True),
    **_rows(Stream.HEALTH, facts.Trouble, "clock.untrusted", "clock.trusted"),
    **_rows(Stream.HEALTH, facts.Trouble, "broker.lost", "broker.found", "broker.refused", "station.lost", "station.found"),
    **_rows(Stream.HEALTH, facts.Trouble, "secd.started", "secd.stopped", "events.shed"),
    # findings: what the judge makes of them
    **_rows(Stream.EVENT, facts.AccessDecided, "access.granted", "access.denied", "access.read_late"),
    **_rows(Stream.EVENT, facts.AccessDecided, "exit.refused"),
    **_rows(Stream.EVENT, facts.Passage, "access.taken", "access.not_taken", "access.not_known"),
    **_rows(Stream.EVENT, facts.DoorFinding, "door.forced_open", "door.held_open", "door.held_warned", "door.secured"),
    **_rows(Stream.EVENT, facts.DoorFinding, "door.not_secured", "door.opened_while_away", "door.released_outside_secd"),
    **_rows(Stream.EVENT, facts.DoorFinding, "door.exited", "rex.stuck", "rex.cleared"),
    **_rows(Stream.HEALTH, facts.DoorFinding, "door.points_untrusted", "door.points_trusted"),
    **_rows(Stream.EVENT, facts.ModeChanged, "door.mode_changed"),
    **_rows(Stream.EVENT, facts.LevelChanged, "threat_level.changed"),
    **_rows(Stream.HEALTH, facts.LossFound, "infrastructure.lost", "infrastructure.restored"),
    **_rows(Stream.HEALTH, facts.LossFound, "cabinet.power_lost", "cabinet.power_restored"),
    **_rows(Stream.EVENT, facts.OverrideMoved, "override.set", "override.ended"),
    **_rows(Stream.EVENT, facts.HandedOver, "overrides.handed_over"),
    **_rows(Stream.HEALTH, facts.OverrideMoved, "panic.taken_out_of_service", "panic.returned_to_service"),
    **_rows(Stream.ALARM, facts.FireEnded, "fire.restored"),
    **_rows(Stream.EVENT, facts.Mustered, "fire.muster"),
    **_rows(
        Stream.ALARM, facts.AlarmMoved,
        "alarm.raised", "alarm.repeated", "alarm.upgraded", "alarm.cleared", "alarm.acknowledged", "alarm.closed", "alarm.received",
        "alarm.changed",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An accepted input or a finding. `subject` is the door, point, camera, device or alarm it is about.

    `occurred` is when it happened as far as the device knows, `detected` when secd saw it. `cause` is the input a
    finding came from. `author` is the operator of a command. `late`: too old to act on (S8).
    """

    id: EventId
    kind: str
    subject: str
    area: AreaId | None
    source: str
    occurred: datetime
    detected: Instant
    fact: Fact
    late: bool = False
    after_gap: bool = False
    cause: EventId | None = None
    author: str = ""
