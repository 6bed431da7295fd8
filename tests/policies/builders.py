"""A small courthouse for the judge's tests: its YAML, its people, and a `Scene` that tells the judge one thing after another."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import TypeAdapter

from secd.model.alarm import Alarm, AlarmMode
from secd.model.entry import Answer, StateRow, Verdict
from secd.model.event import Event
from secd.model.facts import (
    ButtonState,
    CameraSaw,
    CardPresented,
    CommandGiven,
    Fact,
    InputState,
    LinkChanged,
    OutputRead,
    PanicPressed,
    PointChanged,
    PolicyActivated,
    PressKind,
    TimerElapsed,
    Trouble,
)
from secd.model.names import AreaId, DeviceId, Digest, EventId, GroupId, HolderId
from secd.model.order import Act
from secd.model.people import Credential, Holder, People, Standing
from secd.model.time import Instant
from secd.policies.compile import Tables, compile_tables
from secd.policies.doors.state import DoorState
from secd.policies.judge import JudgeState, decide, next_due
from secd.policies.settings import SECTIONS

ZONE = ZoneInfo("America/Chicago")
MONDAY_TEN = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)

COURT = """
schedules:
  office-hours: {mon-fri: ["07:00-18:30"], holidays: closed}
  cleaning: {mon-fri: ["21:00-02:00"], holidays: closed}
holidays:
  thanksgiving: {dates: [2026-11-26, 2026-11-27]}
areas:
  courthouse: {}
  lobby: {within: courthouse}
  courtroom: {within: courthouse}
  evidence: {within: courthouse, restricted: true}
rules:
  staff: {who: [clerks], enter: [courthouse], including_inside: true, when: office-hours, with: card}
  cleaners: {who: [cleaners], enter: [lobby], when: cleaning, with: card}
  deputies-always: {who: [deputies], enter: [courthouse], including_inside: true, when: always, with: card}
  custodians: {who: [custodians], enter: [evidence], when: always, with: card}
  responders: {who: [deputies], enter: [evidence], when: always, with: card}
deny:
  temporary-at-night: {who: [temporary], enter: [courthouse], including_inside: true, when: {not: office-hours}}
door_modes:
  front: [{mode: unlocked, when: office-hours, after_first_card: not_needed}]
  annex: [{mode: unlocked, when: office-hours, after_first_card: [clerks]}]
threat_levels:
  lockdown: {admit: [deputies], close: {areas: [courthouse], including_restricted: true}, end_needs: 2 operators}
  elevated: {admit: [clerks, deputies], close: {areas: [lobby]}, end_needs: 1 operator, layer: threat_level}
doors:
  front:
    wiring: {reader: board/1, lock: board/1, contact: {input: board/1, closed_is: 1}, rex: board/2}
    cameras: [front-cam]
  east:
    wiring: {reader: board/2, lock: board/2, contact: {input: board/3, closed_is: 1}, rex: board/4}
    cameras: [east-cam]
  annex:
    wiring: {reader: board/3, lock: board/3, contact: {input: board/5, closed_is: 1}, rex: board/6}
  evidence-door:
    from: lobby
    to: evidence
    audit: strict
    on_store_failure: deny_entry
    wiring: {reader: wing/1, lock: wing/1, contact: {input: wing/1, closed_is: 1}, rex: wing/2}
  side:
    to: courtroom
    lock: maglock
    without_power: unlocked
    egress: sensor_and_button
    exit_release: hardwired
    fire_release: hardwired
    rex: releases
    relock: on_close
    wiring: {reader: wing/2, lock: wing/2, contact: {input: wing/3, closed_is: 1}, rex: wing/4, bolt: wing/5}
  blind:
    to: courtroom
    wiring: {reader: wing/3, lock: wing/3}
panic_points:
  bench: {input: panel/1, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: courtroom}
  desk: {input: panel/2, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: lobby}
  security: {input: panel/3, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: lobby, press: lockdown}
  unheard: {input: panel/4, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: lobby}
  badge: {button: radio/badge-1, check_in: 60s, area: courthouse}
alarms:
  duress: {when: {panic: [bench], press: any}, priority: 1, silent: true, do: [{snapshot: {cameras: [court-cam]}}]}
  desk-panic: {when: {panic: [desk], press: any}, priority: 1}
  lock-down:
    when: {panic: [security], press: lockdown}
    priority: 1
    do: [{set_threat_level: {level: lockdown, in: courthouse}}]
  badge-help: {when: {panic: [badge], press: any}, priority: 1, do: [{snapshot: {cameras: [east-cam]}}]}
  forced: {when: {event: door.forced_open}, priority: 2, do: [{snapshot: {cameras: of_the_door}}]}
  held: {when: {event: door.held_open}, priority: 3}
  outside-secd: {when: {event: door.released_outside_secd}, priority: 2}
  away: {when: {event: door.opened_while_away}, priority: 3}
  lost: {when: {event: device.went_offline}, priority: 3}
  guessing: {when: {event: access.denied, areas: [courthouse], reason: [unknown_credential]}, priority: 4, latching: false}
  motion: {when: {event: camera.motion_started, cameras: [east-cam]}, priority: 4, do: [{snapshot: {cameras: [east-cam]}}]}
procedures:
  duress: [Look at the camera., Send two deputies.]
"""

STRIKE = """
from: outside
to: lobby
lock: strike
without_power: locked
relay: energise_to_unlock
egress: lever
fire_release: not_needed
rex: shunt_only
relock: on_open
release: 5s
release_extended: 15s
held_open: {warn: 20s, alarm: 30s}
"""

GROUPS = {
    "rivera": ("clerks",),
    "lindqvist": ("deputies",),
    "abebe": ("custodians",),
    "park": ("temporary", "clerks"),
    "novak": ("cleaners",),
    "stranger": (),
    "slow": ("clerks",),
}


def site_values(text: str = COURT, **changed: str) -> dict[str, Any]:
    """Settings by section, from YAML read as text; `changed` replaces whole sections. Doors are strikes unless they say."""
    raw = _text(text) | {key: _text(new) for key, new in changed.items()}
    raw["doors"] = {name: {**_text(STRIKE), **door} for name, door in raw["doors"].items()}
    values: dict[str, Any] = {}
    for section in SECTIONS:
        adapter = TypeAdapter(dict[str, section.model])  # type: ignore[name-defined]
        values[section.key] = adapter.validate_python(raw.get(section.key) or {})
    return values


def _text(written: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(written, Loader=yaml.BaseLoader)  # noqa: S506 (it makes nothing but text)
    return read


def people(**changes: Mapping[str, Any]) -> People:
    """Everyone, each with one card named after them; `changes` are of their credential or holder."""
    holders, credentials = {}, {}
    for name, groups in GROUPS.items():
        change = dict(changes.get(name, {}))
        of_card = {key: change.pop(key) for key in ("standing", "card_from", "card_until") if key in change}
        holder = HolderId(name)
        holders[holder] = Holder(
            id=holder, groups=frozenset(GroupId(group) for group in groups), extended=name == "slow", **change
        )
        credentials["H10301", f"key-{name}"] = Credential(
            key=f"key-{name}",
            format="H10301",
            holder=holder,
            standing=of_card.get("standing", Standing.ACTIVE),
            valid_from=of_card.get("card_from"),
            valid_until=of_card.get("card_until"),
        )
    return People(holders=holders, credentials=credentials)


def court_tables(values: dict[str, Any] | None = None, register: People | None = None) -> Tables:
    """The court, compiled."""
    return compile_tables(
        values if values is not None else site_values(),
        register if register is not None else people(),
        digest=Digest("d" * 64),
        time_zone="America/Chicago",
        mode=AlarmMode.SIMULATED,
    )


def instant(moment: datetime, *, trusted: bool = True) -> Instant:
    """A moment on a site whose second count follows the wall clock."""
    return Instant(utc=moment.astimezone(UTC), mono_s=moment.timestamp(), trusted=trusted)


def through_json(state: JudgeState) -> JudgeState:
    """What a restart makes of a state."""
    rows = [(row.kind, row.key, row.value) for row in state.to_rows()]
    return JudgeState.from_rows(StateRow(kind=k, key=key, value=v) for k, key, v in json.loads(json.dumps(rows)))


@dataclass
class Scene:
    """The judge at a site. Every method tells it one thing now and returns its verdict; `pass_time` lets timers elapse."""

    tables: Tables = field(default_factory=court_tables)
    at: Instant = field(default_factory=lambda: instant(MONDAY_TEN))
    state: JudgeState = field(default_factory=JudgeState)
    events: list[Event] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    restarts: bool = False
    number: int = 0

    def tell(self, kind: str, subject: str, fact: Fact, **more: Any) -> Verdict:
        self.number += 1
        at = more.pop("at", self.at)
        event = Event(
            id=EventId(f"{self.number:026d}"),
            kind=kind,
            subject=subject,
            area=more.pop("area", None),
            source=more.pop("source", DeviceId("board")),
            occurred=at.utc - timedelta(seconds=more.pop("age_s", 0.0)),
            detected=at,
            fact=fact,
            **more,
        )
        verdict = decide(self.tables, self.state, event, self.at)
        self.state.apply(verdict)
        if self.restarts:
            self.state = through_json(self.state)
        self.events.append(event)
        self.verdicts.append(verdict)
        return verdict

    # --- time ---

    def pass_time(self, seconds: float) -> list[Verdict]:
        """Let time pass, timer by timer."""
        end_s = self.at.mono_s + seconds
        verdicts = []
        while (due := next_due(self.state)) is not None and due[0] <= end_s:
            self._move_to(max(due[0], self.at.mono_s))
            verdicts.append(self.tell("timer.elapsed", due[1], TimerElapsed(key=due[1], due_mono_s=due[0])))
        self._move_to(end_s)
        return verdicts

    def pass_until(self, moment: datetime) -> list[Verdict]:
        return self.pass_time((moment.astimezone(UTC) - self.at.utc).total_seconds())

    def _move_to(self, mono_s: float) -> None:
        moved = timedelta(seconds=mono_s - self.at.mono_s)
        self.at = replace(self.at, utc=self.at.utc + moved, mono_s=mono_s)

    def distrust(self) -> Verdict:
        self.at = replace(self.at, trusted=False)
        return self.tell("clock.untrusted", "secd", Trouble(what="the wall clock jumped"))

    def trust(self) -> Verdict:
        self.at = replace(self.at, trusted=True)
        return self.tell("clock.trusted", "secd", Trouble(what="the wall clock is believed again"))

    # --- doors ---

    def start(self) -> "Scene":
        """secd starts, every link comes up, every door is shut and locked."""
        self.tell("secd.started", "secd", Trouble(what="started"))
        self.activate(self.tables)
        for name, door in self.tables.doors.items():
            for device, point in door.contacts:
                self.contact(name, opened=False, initial=True, point=point, source=DeviceId(device))
            self.relay(name, unlocked=self.door(name).mode == "unlocked", initial=True)
            if door.bolt_device:
                self.bolt(name, thrown=True)
        return self

    def activate(self, tables: Tables) -> Verdict:
        self.tables = tables
        return self.tell("policy.activated", "policy", PolicyActivated(digest=tables.digest))

    def door(self, name: str) -> DoorState:
        return self.state.door(name)

    def card(self, door: str, holder: str, **more: Any) -> Verdict:
        keys = more.pop("keys", (("H10301", f"key-{holder}"),))
        reader = more.pop("reader", "board/1")
        fact = CardPresented(door=door, reader=reader, bit_count=26, keys=keys, masked="••••1001")
        return self.tell("access.requested", door, fact, area=self._area(door), **more)

    def leave(self, door: str, holder: str, **more: Any) -> Verdict:
        """A card at the reader on the inside."""
        return self.card(door, holder, reader=self.tables.doors[door].exit_reader, **more)

    def contact(self, door: str, *, opened: bool, **more: Any) -> Verdict:
        fact = PointChanged(
            point=more.pop("point", "input/1"),
            state=InputState.ACTIVE if opened else InputState.NORMAL,
            activations=more.pop("activations", int(opened)),
            initial=more.pop("initial", False),
        )
        return self.tell("door.opened" if opened else "door.closed", door, fact, area=self._area(door), **more)

    def open(self, door: str) -> Verdict:
        return self.contact(door, opened=True)

    def shut(self, door: str) -> Verdict:
        return self.contact(door, opened=False)

    def rex(self, door: str, *, active: bool = True, **more: Any) -> Verdict:
        fact = PointChanged(
            point="input/2",
            state=InputState.ACTIVE if active else InputState.NORMAL,
            activations=more.pop("activations", int(active)),
            initial=more.pop("initial", False),
        )
        return self.tell("exit.requested" if active else "exit.ended", door, fact, **more)

    def relay(self, door: str, *, unlocked: bool, **more: Any) -> Verdict:
        energised = unlocked == self.tables.doors[door].energise_to_unlock
        fact = OutputRead(
            output=1, energised=energised, pulsing=more.pop("pulsing", False), initial=more.pop("initial", False)
        )
        return self.tell("door.lock_energised" if energised else "door.lock_deenergised", door, fact, **more)

    def bolt(self, door: str, *, thrown: bool) -> Verdict:
        fact = PointChanged(point="input/5", state=InputState.NORMAL if thrown else InputState.ACTIVE)
        return self.tell("door.bolt_thrown" if thrown else "door.bolt_withdrawn", door, fact)

    def pulse(self, door: str) -> None:
        """The board carries out our release, and later ends it."""
        self.relay(door, unlocked=True, pulsing=True)

    def cut(self, door: str, *, point: str = "input/1", source: str = "board") -> Verdict:
        """The line of a contact is cut."""
        fact = PointChanged(point=point, state=InputState.CUT)
        return self.tell("door.contact_faulted", door, fact, area=self._area(door), source=DeviceId(source))

    # --- devices, panic, fire, cameras ---

    def tamper(self, device: str, *, opened: bool) -> Verdict:
        """The cabinet of a board."""
        state = InputState.ACTIVE if opened else InputState.NORMAL
        kind = "device.tampered" if opened else "device.tamper_restored"
        return self.tell(kind, device, PointChanged(point="tamper/1", state=state), source=DeviceId(device))

    def panel(self, zone: str, says: str, *, initial: bool = False) -> Verdict:
        """The fire panel's input: activated, cleared or faulted."""
        states = {"activated": InputState.ACTIVE, "cleared": InputState.NORMAL, "faulted": InputState.CUT}
        fact = PointChanged(point="input/8", state=states[says], initial=initial)
        return self.tell(f"fire.{says}", zone, fact, source=DeviceId("fire"))

    def link(self, device: str, *, up: bool) -> Verdict:
        fact = LinkChanged(up=up, reason="" if up else "no answer")
        return self.tell("device.came_back" if up else "device.went_offline", device, fact)

    def press(self, point: str, **more: Any) -> Verdict:
        fact = PointChanged(
            point="input/1",
            state=more.pop("state", InputState.ACTIVE),
            activations=more.pop("activations", 1),
            initial=more.pop("initial", False),
        )
        return self.tell("panic.activated", point, fact, **more)

    def restore(self, point: str, **more: Any) -> Verdict:
        fact = PointChanged(point="input/1", state=InputState.NORMAL, **more)
        return self.tell("panic.restored", point, fact)

    def fault(self, point: str) -> Verdict:
        return self.tell("panic.faulted", point, PointChanged(point="input/1", state=InputState.CUT))

    def badge(self, point: str, press: PressKind = PressKind.HELP, **more: Any) -> Verdict:
        fact = PanicPressed(point=point, press=press, presses=more.pop("presses", 1), queued=more.pop("queued", False))
        return self.tell("panic.pressed", point, fact, **more)

    def check_in(self, point: str) -> Verdict:
        return self.tell("panic.checked_in", point, ButtonState(point=point, battery_percent=80))

    def motion(self, camera: str, *, active: bool) -> Verdict:
        kind = "camera.motion_started" if active else "camera.motion_stopped"
        return self.tell(kind, camera, CameraSaw(what="motion", active=active))

    def store(self, *, failed: bool) -> Verdict:
        return self.tell("store.degraded" if failed else "store.recovered", "secd", Trouble(what="disk full"))

    # --- people ---

    def command(self, verb: str, target: str, *, by: str = "captain", **more: Any) -> Answer:
        fact = CommandGiven(
            verb=verb,
            target=target,
            reason=more.pop("reason", "a drill"),
            until=more.pop("until", None),
            args=more,
        )
        answer = self.tell("operator.commanded", target, fact, author=by).answer
        assert answer is not None
        return answer

    # --- looking ---

    @property
    def last(self) -> Verdict:
        return self.verdicts[-1]

    def alarm(self, rule: str) -> Alarm:
        """The one open alarm of a rule."""
        (alarm,) = [alarm for alarm in self.state.open_alarms() if alarm.rule == rule]
        return alarm

    def rules(self) -> list[str]:
        return sorted(alarm.rule for alarm in self.state.open_alarms())

    def _area(self, door: str) -> AreaId | None:
        table = self.tables.doors.get(door)
        return table.area if table is not None else None


def kinds(*verdicts: Verdict) -> list[str]:
    """The kinds of what was found, in order."""
    return [finding.kind for verdict in verdicts for finding in verdict.findings]


def acts(*verdicts: Verdict) -> list[Act]:
    """What was ordered, in order."""
    return [order.act for verdict in verdicts for order in verdict.orders]


def local(text: str) -> datetime:
    """A wall-clock moment of the court."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)
