"""Alarms, rows and entries for the tests of delivery."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from secd.delivery.ports import SiteNames
from secd.model.alarm import Acknowledgement, Alarm, AlarmMode, Condition
from secd.model.entry import Entry, Verdict
from secd.model.event import KINDS, Event
from secd.model.facts import AlarmMoved, Fact, InputState, PointChanged
from secd.model.names import AlarmId, AreaId, CameraId, Digest, EventId, RuleId
from secd.model.stream import StreamRow
from secd.model.time import Instant

START = datetime(2026, 11, 21, 17, 59, 4, 123000, tzinfo=UTC)
SITE = SiteNames(instance="county-a", site="courthouse", mode=AlarmMode.SIMULATED)
ACTUAL_SITE = replace(SITE, mode=AlarmMode.ACTUAL)


def an_alarm(number: int = 1, **changes: Any) -> Alarm:
    alarm = Alarm(
        id=AlarmId(f"A{number}"),
        rev=1,
        kind="panic",
        rule=RuleId("courtroom-duress"),
        point="bench-a",
        label="Bench, courtroom A",
        area=AreaId("courtroom-a"),
        priority=1,
        silent=True,
        latched=True,
        condition=Condition.ACTIVE,
        ack=Acknowledgement.UNACKED,
        mode=AlarmMode.ACTUAL,
        occurrences=1,
        occurred=START,
        detected=START + timedelta(milliseconds=40),
        last=START,
        cause=EventId("E1"),
        press="help",
        cameras=(CameraId("courtroom-a-cam"),),
        procedure="courtroom-duress",
    )
    return replace(alarm, **changes)


def an_event(id_: str, kind: str, fact: Fact, subject: str = "bench-a", *, number: float = 0.0) -> Event:
    return Event(
        id=EventId(id_),
        kind=kind,
        subject=subject,
        area=AreaId("courtroom-a"),
        source="panic-panel",
        occurred=START,
        detected=Instant(utc=START + timedelta(milliseconds=40), mono_s=START.timestamp() + number),
        fact=fact,
    )


def moved(alarm: Alarm, event_id: str, transition: str = "raised", **fact: str) -> Event:
    told = AlarmMoved(alarm=alarm.id, rev=alarm.rev, transition=transition, **fact)
    return an_event(event_id, f"alarm.{transition}", told, f"alarm/{alarm.id}")


def a_row(sequence: int, event: Event, alarm: Alarm | None = None) -> StreamRow:
    stored = START + timedelta(milliseconds=90)
    return StreamRow(stream=KINDS[event.kind].stream, sequence=sequence, event=event, stored=stored, alarm=alarm)


def alarm_entry(alarm: Alarm, transition: str = "raised") -> Entry:
    """A panic input and the alarm's step, as one transaction."""
    id_ = f"{alarm.id}-{alarm.rev}"
    pressed = an_event(id_, "panic.activated", PointChanged(point="input/1", state=InputState.ACTIVE))
    step = replace(moved(alarm, f"{id_}.1", transition), cause=pressed.id)
    return Entry(event=pressed, verdict=Verdict(findings=(step,), alarms=(alarm,)), policy=Digest("0" * 64))


def door_entry(number: int) -> Entry:
    opened = an_event(
        f"D{number}", "door.opened", PointChanged(point="input/3", state=InputState.ACTIVE), "east-entrance"
    )
    return Entry(event=opened, verdict=Verdict(), policy=Digest("0" * 64))
