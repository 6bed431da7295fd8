"""A supply's own points: mains, battery, lock supply, UPS and the cabinet's door, each an alarm of its own (S17).

In: `power.failed` and its like, told by a board of itself or by an input that a cabinet names. Out: which alarm it is, in
words that name the cabinet. Two points of one board never share an alarm: the mains' return says nothing of the battery.
"""

from dataclasses import dataclass

from secd.model.event import Event
from secd.model.facts import PointChanged
from secd.model.names import AreaId
from secd.policies.cabinets.supply import Supply

KINDS = ("power.", "device.tamper")
_OWN_POINTS = {"power/ac": "ac", "power/battery": "battery", "power/lock": "lock", "tamper/1": "tamper"}
WORDS = {
    "ac": "mains",
    "battery": "battery",
    "lock": "lock supply",
    "ups": "UPS",
    "tamper": "enclosure",
}
PRIORITIES = {"ac": 3, "battery": 2, "lock": 2, "ups": 3, "tamper": 2}
"""Of the built-in alarm, where no rule says otherwise. The lock supply and the battery are all that holds doors shut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyPoint:
    """One point of one supply. `alarm_point` is what its alarm is kept under."""

    alarm_point: str
    label: str
    area: AreaId | None
    what: str


def supply_point(supply: Supply, event: Event) -> SupplyPoint | None:
    """The supply's point that an event is about; None where it is about something else."""
    if not isinstance(event.fact, PointChanged) or not event.kind.startswith(KINDS):
        return None
    cabinet, what = supply.points.get((event.source, event.fact.point), ("", ""))
    if not what:
        what = _OWN_POINTS.get(event.fact.point, "")
        cabinet = supply.cabinet_of.get(event.source, "")
    if not what:
        return None
    table = supply.cabinets.get(cabinet)
    named = f"{table.label}: {WORDS[what]}" if table is not None else f"{event.subject}: {WORDS[what]}"
    return SupplyPoint(
        alarm_point=f"{event.subject}/{what}",
        label=named if table is None or event.subject == cabinet else f"{named}, told by {event.subject}",
        area=table.area if table is not None else event.area,
        what=what,
    )


def alarm_points_of(supply: Supply, device: str) -> tuple[str, ...]:
    """What the alarms of points that this device tells are kept under: unknown while it is away."""
    own = [f"{device}/{what}" for what in _OWN_POINTS.values()]
    told = [f"{cabinet}/{what}" for (board, _), (cabinet, what) in supply.points.items() if board == device]
    return (*own, *told)
