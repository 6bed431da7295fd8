"""What the judge remembers of one door, and how that survives as a row of JSON.

Times ending in `_s` are the site's own second count. Only what differs from a door never seen is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from typing import Any

from secd.model.doors import DoorMode, Layer, LockState, PhysicalState
from secd.policies.doors.machine import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A release that nobody has used yet. `extra_s`: how much longer its holder may keep the door open. `out`: to leave."""

    event: str
    holder: str | None = None
    extra_s: float = 0.0
    out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorState:
    """Mode (our intent), `physical` (the contact), `lock` (the relay as read) and `bolt` are separate facts.

    `released_until_s`: our own release runs until then. `allowed_until_s`: until then a released relay is our doing.
    `bolting_until_s`: until then a motor may still throw the bolt after a release or an unlocked mode of ours.
    `rex_until_s`: a request to exit explains an opening until then, while `rex_fresh` says that none has used it.
    `contacts`, by "device/point", and when each last opened: only of a door with several. `split`: they disagree.
    `fire`: the zones whose fire alarm stands over this door. `tampered`: its boards whose cabinet is open.
    """

    phase: Phase = Phase.UNKNOWN
    physical: PhysicalState = PhysicalState.UNKNOWN
    lock: LockState = LockState.UNKNOWN
    bolt: LockState = LockState.UNKNOWN
    mode: DoorMode | None = None
    layer: Layer = Layer.LOCKED
    why: str = ""
    until: datetime | None = None
    waits_for_clock: bool = False
    first_cards: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    passages: int = 0
    extra_s: float = 0.0
    opened_at: datetime | None = None
    held_since_s: float | None = None
    away: bool = False
    released_until_s: float = 0.0
    allowed_until_s: float = 0.0
    bolting_until_s: float = 0.0
    rex_active: bool = False
    rex_fresh: bool = False
    rex_until_s: float = 0.0
    rex_stuck: bool = False
    outside: bool = False
    not_secured: bool = False
    taken_at: datetime | None = None
    taken_by: str | None = None
    taken_how: str = ""
    taken_out: bool = False
    closed_at_s: float | None = None
    contacts: Mapping[str, str] = field(default_factory=dict)
    contacts_opened: Mapping[str, float] = field(default_factory=dict)
    split: bool = False
    tampered: tuple[str, ...] = ()
    fire: str = ""
    timers: Mapping[str, float] = field(default_factory=dict)

    def due(self, **timers: float | None) -> "DoorState":
        """With these timers set, or, where None, ended."""
        if all(self.timers.get(name) == due for name, due in timers.items()):
            return self
        merged = {name: due for name, due in {**self.timers, **timers}.items() if due is not None}
        changed = object.__new__(
            DoorState
        )  # dataclasses.replace takes five times as long, and this is the busiest change
        for name, value in zip(_NAMES, _VALUES(self), strict=True):
            object.__setattr__(changed, name, value)
        object.__setattr__(changed, "timers", merged)
        return changed

    def to_row(self) -> dict[str, Any]:
        """As JSON-ready values."""
        written = zip(_NAMES, _VALUES(self), _DEFAULTS.values(), strict=True)
        return {name: _write(value) for name, value, default in written if value != default}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "DoorState":
        """From what `to_row` gave, or what became of it in JSON."""
        return cls(**{name: _READ.get(name, _same)(value) for name, value in row.items() if name in _DEFAULTS})


def _write(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case tuple():
            return [_write_grant(one) if isinstance(one, Grant) else one for one in value]
        case Mapping():
            return dict(value)
        case Phase() | PhysicalState() | LockState() | DoorMode() | Layer():
            return value.value
        case _:
            return value


def _same(value: Any) -> Any:
    return value


def _write_grant(grant: Grant) -> list[Any]:
    return [grant.event, grant.holder, grant.extra_s, *([True] if grant.out else [])]


def _grants(value: Any) -> tuple[Grant, ...]:
    return tuple(
        Grant(event=event, holder=holder, extra_s=extra_s, out=bool(out)) for event, holder, extra_s, *out in value
    )


_DEFAULTS: dict[str, Any] = {one.name: getattr(DoorState(), one.name) for one in fields(DoorState)}
_NAMES: tuple[str, ...] = tuple(_DEFAULTS)
_VALUES = attrgetter(*_NAMES)
_READ: dict[str, Any] = {
    "phase": Phase,
    "physical": PhysicalState,
    "lock": LockState,
    "bolt": LockState,
    "mode": DoorMode,
    "layer": Layer,
    "until": datetime.fromisoformat,
    "opened_at": datetime.fromisoformat,
    "taken_at": datetime.fromisoformat,
    "grants": _grants,
    "timers": dict,
    "contacts": dict,
    "contacts_opened": dict,
    "first_cards": tuple,
    "tampered": tuple,
}
