"""Observations to events: stamped, deduplicated, placed in the building, and named from the tables in `kinds`.

In: one observation at a time, from the engine. Out: no event (seen before, or of a point nobody placed), one, or a few
(a press shorter than a poll is activated and restored). Card bits end here: what leaves is keyed hashes (S21).
Too old to act on is said (`late`, S8), never dropped; panic and tamper never age out.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from secd.events.kinds import DEVICE_KINDS, ORDER_KINDS, after_polarity, kind_of_camera, kind_of_point, levels_between
from secd.model.doors import Role
from secd.model.event import KINDS, Event
from secd.model.facts import (
    ButtonState,
    CameraSaw,
    CardPresented,
    CardRead,
    CommandGiven,
    CommissionTold,
    DeviceTold,
    Fact,
    InputState,
    LinkChanged,
    OrderEnded,
    OutputRead,
    PanicPressed,
    PointChanged,
    PolicyActivated,
    TimerElapsed,
    Trouble,
)
from secd.model.names import DeviceId, EventId
from secd.model.observation import DeviceCursor, Observation
from secd.model.people import PresentedCard
from secd.model.secret import CardBits
from secd.model.wiring import Placement, Wiring
from secd.runtime.clock import Clock
from secd.runtime.ids import UlidSource

_log = logging.getLogger(__name__)
LATE_AFTER_S = 2.0
"""Safety rule S8."""
NEVER_TOO_OLD = frozenset({Role.PANIC, Role.FIRE, Role.TAMPER, Role.READER_TAMPER})
BATTERY_LOW_PERCENT, BATTERY_FINE_PERCENT = 20, 25
UNPLACED_LOGGED_MAX = 1000

PresentCard = Callable[[CardBits], PresentedCard]
KeepSealed = Callable[[EventId, bytes], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """An event but for its stamps. `ages`: too old counts (S8)."""

    kind: str
    subject: str
    fact: Fact
    place: Placement | None = None
    ages: bool = False
    sealed: bytes = b""


class Intake:
    """Keeps per device how far it was read, and per input its last level. `cursors` are the committed ones at start."""

    def __init__(
        self,
        *,
        clock: Clock,
        wiring: Wiring,
        present_card: PresentCard,
        cursors: Mapping[DeviceId, DeviceCursor] | None = None,
        keep_sealed: KeepSealed | None = None,
        ids: UlidSource | None = None,
    ) -> None:
        self._clock = clock
        self._wiring = wiring
        self._present_card = present_card
        self._keep_sealed = keep_sealed
        self._ids = ids or UlidSource()
        self._read = dict(cursors or {})
        self._inputs: dict[tuple[DeviceId, str], InputState] = {}
        self._batteries_low: set[tuple[DeviceId, str]] = set()
        self._buttons_tampered: set[tuple[DeviceId, str]] = set()
        self._unplaced: dict[tuple[DeviceId, str], int] = {}

    def rewire(self, wiring: Wiring, present_card: PresentCard) -> None:
        """Another configuration places the points."""
        self._wiring = wiring
        self._present_card = present_card

    @property
    def unplaced(self) -> Mapping[tuple[DeviceId, str], int]:
        """How often points that nobody placed were heard of."""
        return self._unplaced

    def accept(self, observation: Observation) -> tuple[Event, ...]:
        """The events this observation is, in the order they happened."""
        if not self._is_new(observation):
            return ()
        age_s = max(0.0, observation.age_s)
        waited_s = max(0.0, self._clock.now().mono_s - observation.seen.mono_s)
        late = age_s + waited_s > LATE_AFTER_S
        occurred = _before(observation.seen.utc, age_s)
        return tuple(self._stamp(named, observation, occurred, late) for named in self._name(observation))

    # --- stamps ------------------------------------------------------------------------------------------------------

    def _is_new(self, observation: Observation) -> bool:
        cursor = observation.cursor
        if cursor is None:
            return True
        read = self._read.get(observation.device)
        if read is not None and read.boot_id == cursor.boot_id and cursor.sequence <= read.sequence:
            return False
        self._read[observation.device] = cursor
        return True

    def _stamp(self, named: _Named, observation: Observation, occurred: datetime, late: bool) -> Event:
        event_id = EventId(self._ids.new(observation.seen.utc))
        if named.sealed and self._keep_sealed is not None:
            self._keep_sealed(event_id, named.sealed)
        return Event(
            id=event_id,
            kind=named.kind,
            subject=named.subject,
            area=named.place.area if named.place is not None else None,
            source=observation.device,
            occurred=occurred,
            detected=observation.seen,
            fact=named.fact,
            late=late and named.ages,
            after_gap=observation.after_gap,
            author=observation.author,
        )

    # --- names -------------------------------------------------------------------------------------------------------

    def _name(self, observation: Observation) -> Iterator[_Named]:  # long: the one match over every fact
        device, fact = observation.device, observation.fact
        if observation.kind:
            yield from self._name_outright(observation)
            return
        match fact:
            case CardRead():
                yield self._name_card(device, fact)
            case PointChanged():
                yield from self._name_point(device, fact)
            case OutputRead():
                place = self._place(device, f"output/{fact.output}")
                if place is not None and place.role is Role.LOCK:
                    kind = "door.lock_energised" if fact.energised else "door.lock_deenergised"
                    yield _Named(kind=kind, subject=place.subject, fact=fact, place=place, ages=True)
            case PanicPressed():
                place = self._place_button(device, fact.point)
                subject = place.subject if place is not None else f"{device}/{fact.point}"
                yield _Named(kind="panic.pressed", subject=subject, fact=fact, place=place)
            case ButtonState():
                yield from self._name_button(device, fact)
            case CameraSaw():
                kind = kind_of_camera(fact) or ""
                if kind:
                    yield replace(self._of_device(kind, device, fact), ages=True)
                else:
                    self._count_unplaced(device, f"saw/{fact.what}")
            case LinkChanged():
                yield self._of_device("device.came_back" if fact.up else "device.went_offline", device, fact)
            case DeviceTold():
                yield self._of_device(DEVICE_KINDS.get(fact.what, "device.misbehaved"), device, fact)
            case OrderEnded():
                yield self._name_order(device, fact)
            case CommandGiven():
                yield _Named(kind="operator.commanded", subject=fact.target, fact=fact)
            case TimerElapsed():
                yield _Named(kind="timer.elapsed", subject=fact.key, fact=fact)
            case PolicyActivated():
                yield _Named(kind="policy.activated", subject="policy", fact=fact)
            case _:
                _log.error("an observation names no event", extra={"device": device, "fact": type(fact).__name__})

    def _name_outright(self, observation: Observation) -> Iterator[_Named]:
        kind, fact = observation.kind, observation.fact
        if kind not in KINDS or not isinstance(fact, KINDS[kind].fact):
            _log.error("an observation names an event it is not", extra={"kind": kind, "fact": type(fact).__name__})
            return
        match fact:
            case Trouble():
                yield _Named(kind=kind, subject=fact.where or observation.device, fact=fact)
            case CommandGiven():
                yield _Named(kind=kind, subject=fact.target, fact=fact)
            case CommissionTold():
                yield _Named(kind=kind, subject=fact.target, fact=fact)
            case _:
                yield self._of_device(kind, observation.device, fact)

    def _name_card(self, device: DeviceId, fact: CardRead) -> _Named:
        place = self._place(device, f"reader/{fact.reader}")
        if place is None:  # still an event: its cursor must commit, or the device's FIFO stands still
            detail = f"a card was read at reader {fact.reader}, which no door names"
            return self._of_device(
                "device.misbehaved", device, DeviceTold(what="unplaced_reader", detail=detail, count=1)
            )
        card = self._present_card(fact.bits)
        presented = CardPresented(
            door=place.subject,
            reader=f"{device}/{fact.reader}",
            bit_count=fact.bits.bit_count,
            keys=card.keys,
            masked=card.masked,
        )
        return _Named(
            kind="access.requested", subject=place.subject, fact=presented, place=place, ages=True, sealed=card.sealed
        )

    def _name_point(self, device: DeviceId, fact: PointChanged) -> Iterator[_Named]:
        place = self._place(device, fact.point)
        if place is None:
            return
        before = self._inputs.get((device, fact.point))
        self._inputs[device, fact.point] = fact.state
        levels = [
            after_polarity(level, inverted=place.inverted)
            for level in levels_between(before, fact.state, fact.activations, inverted=place.inverted)
        ]
        if place.role is not Role.CONTACT:
            levels = _as_presses(levels)
        first = levels.index(InputState.ACTIVE) if InputState.ACTIVE in levels else -1
        for at, level in enumerate(levels):
            kind = kind_of_point(place.role, level)
            if kind is None:
                self._count_unplaced(device, fact.point)
                return
            activations = _presses(fact, before, inverted=place.inverted) if at == first else 0
            told = replace(fact, state=level, activations=activations)
            ages = place.role not in NEVER_TOO_OLD
            yield _Named(kind=kind, subject=place.subject, fact=told, place=place, ages=ages)

    def _name_button(self, device: DeviceId, fact: ButtonState) -> Iterator[_Named]:
        place = self._place_button(device, fact.point)
        if place is None:
            return
        key = (device, fact.point)
        yield _Named(kind="panic.checked_in", subject=place.subject, fact=fact, place=place)
        battery = fact.battery_percent
        if battery is not None and battery <= BATTERY_LOW_PERCENT and key not in self._batteries_low:
            self._batteries_low.add(key)
            yield _Named(kind="panic.battery_low", subject=place.subject, fact=fact, place=place)
        elif battery is not None and battery >= BATTERY_FINE_PERCENT:
            self._batteries_low.discard(key)
        if fact.tampered and key not in self._buttons_tampered:
            self._buttons_tampered.add(key)
            yield _Named(kind="panic.tampered", subject=place.subject, fact=fact, place=place)
        elif not fact.tampered:
            self._buttons_tampered.discard(key)

    def _name_order(self, device: DeviceId, fact: OrderEnded) -> _Named:
        kind = ORDER_KINDS.get(fact.result, "order.failed")
        if fact.act == "TakeSnapshot" and kind == "order.done":
            kind = "camera.snapshot_taken"
        place = self._wiring.points.get((device, ""))
        return _Named(kind=kind, subject=place.subject if place is not None else fact.order, fact=fact, place=place)

    def _of_device(self, kind: str, device: DeviceId, fact: Fact) -> _Named:
        place = self._wiring.points.get((device, ""))
        return _Named(kind=kind, subject=place.subject if place is not None else device, fact=fact, place=place)

    # --- places ------------------------------------------------------------------------------------------------------

    def _place(self, device: DeviceId, point: str) -> Placement | None:
        place = self._wiring.points.get((device, point))
        if place is None:
            self._count_unplaced(device, point)
        return place

    def _place_button(self, device: DeviceId, point: str) -> Placement | None:
        full = point if point.startswith("button/") else f"button/{point}"
        return self._place(device, full)

    def _count_unplaced(self, device: DeviceId, point: str) -> None:
        key = (device, point)
        if key not in self._unplaced:
            if len(self._unplaced) >= UNPLACED_LOGGED_MAX:
                return
            _log.warning(
                "a point that nothing in the site names was heard of", extra={"device": device, "point": point}
            )
        self._unplaced[key] = self._unplaced.get(key, 0) + 1


def _before(moment: datetime, age_s: float) -> datetime:
    """`moment` less an age, which a broken device may make absurd."""
    try:
        return moment - timedelta(seconds=age_s)
    except (OverflowError, ValueError):
        return moment


def _presses(fact: PointChanged, before: InputState | None, *, inverted: bool) -> int:
    """How often it left the quiet state: as latched, or, where active is the quiet state, counted by the returns."""
    if not inverted:
        return fact.activations
    is_out, was_out = (state is InputState.NORMAL for state in (fact.state, before))
    return max(0, fact.activations + int(is_out) - int(was_out))


def _as_presses(levels: list[InputState]) -> list[InputState]:
    """Of a button only that it was pressed, how often, and how it is now: several pulses are one activation."""
    if InputState.ACTIVE not in levels:
        return levels
    return [InputState.ACTIVE] if levels[-1] is InputState.ACTIVE else [InputState.ACTIVE, levels[-1]]
