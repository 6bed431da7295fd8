"""The running policies as the judge reads them: doors, panic points, alarm rules, levels, calendar, access.

One immutable value for each generation, made by `compile`; replaced whole between two steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from secd.model.alarm import AlarmMode
from secd.model.facts import PressKind
from secd.model.names import AreaId, CameraId, Digest, DoorId, GroupId, LevelId, RuleId
from secd.model.people import People
from secd.policies.access.calendar import Calendar, Condition
from secd.policies.access.decision import AccessTables
from secd.policies.cabinets.supply import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeRow:
    """A scheduled mode. `first_card`: the groups whose passage starts it; empty where it needs none."""

    unlocks: bool
    when: Condition
    first_card: frozenset[GroupId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorTable:
    """A door as the judge needs it. `area` is where it leads, `from_area` whence ("outside" where that is none).

    `contacts`: all of them as (device, point); where they are several, `contacts_agree` says that they are on one leaf.
    `exit_reader`: the one on the inside, as a read names it. `interlocked`: by area, the doors that must be shut first.
    """

    name: DoorId
    label: str
    area: AreaId
    from_area: str
    energise_to_unlock: bool
    release_s: float
    release_extended_s: float
    held_warn_s: float
    held_alarm_s: float
    rex_releases: bool
    rex_grace_s: float
    relock_on_open: bool
    strict: bool
    deny_on_store_failure: bool
    contact_device: str
    lock_device: str
    rex_device: str
    bolt_device: str
    has_reader: bool
    contacts: tuple[tuple[str, str], ...] = ()
    contacts_agree: bool = False
    exit_reader: str = ""
    reader_devices: tuple[str, ...] = ()
    travel_s: float = 0.0
    rex_release_s: float = 5.0
    rex_ignored_s: float = 0.0
    interlocked: tuple[tuple[AreaId, tuple[DoorId, ...]], ...] = ()
    fire_hardwired: bool = False
    unlock_on_fire: bool = False
    cameras: tuple[CameraId, ...] = ()
    modes: tuple[ModeRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PanicTable:
    """A panic point. `press`: what a wired one asks for. `check_in_s`: how often a wireless one reports; 0 for a wired."""

    name: str
    label: str
    area: AreaId
    device: str
    press: PressKind
    wireless: bool
    check_in_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FireTable:
    """A fire zone: its input's device, its areas with those inside them, and the doors into and out of them."""

    name: str
    label: str
    device: str
    areas: tuple[AreaId, ...]
    doors: tuple[DoorId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelTable:
    """A threat level. `doors`: those it closes, for each area it may be set in."""

    name: LevelId
    admit: tuple[GroupId, ...]
    two_operators: bool
    lockdown: bool
    doors: Mapping[AreaId, tuple[DoorId, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRule:
    """What raises an alarm and what secd then does. None in a filter: anything."""

    id: RuleId
    label: str
    priority: int
    silent: bool
    latching: bool
    procedure: str = ""
    subjects: frozenset[str] | None = None
    areas: frozenset[str] | None = None
    reasons: frozenset[str] | None = None
    snapshot: tuple[CameraId, ...] = ()
    snapshot_of_door: bool = False
    levels: tuple[tuple[LevelId, AreaId], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """A generation. `rules_of_event` by event kind, `rules_of_press` by (panic point, press)."""

    digest: Digest
    mode: AlarmMode
    calendar: Calendar
    access: AccessTables
    doors: Mapping[str, DoorTable] = field(default_factory=dict)
    panic_points: Mapping[str, PanicTable] = field(default_factory=dict)
    fire_zones: Mapping[str, FireTable] = field(default_factory=dict)
    levels: Mapping[str, LevelTable] = field(default_factory=dict)
    areas: frozenset[str] = frozenset()
    rules_of_event: Mapping[str, tuple[AlarmRule, ...]] = field(default_factory=dict)
    rules_of_press: Mapping[tuple[str, PressKind], tuple[AlarmRule, ...]] = field(default_factory=dict)
    doors_of_device: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mode_conditions: tuple[Condition, ...] = ()
    supply: Supply = field(default_factory=Supply)

    @property
    def people(self) -> People:
        """The register that is compiled in."""
        return self.access.people

    @property
    def door_names(self) -> tuple[str, ...]:
        """Every door, by name."""
        return tuple(sorted(self.doors))

    @property
    def silent_points(self) -> frozenset[str]:
        """Panic points of which a press is heard silently (S12)."""
        return frozenset(
            point for (point, _), rules in self.rules_of_press.items() if any(rule.silent for rule in rules)
        )

    def audit_strict(self, door: str) -> bool:
        """Whether a release of this door waits until its decision is on disk."""
        table = self.doors.get(door)
        return table is not None and table.strict

    def with_people(self, people: People) -> "Tables":
        """The same policies for another register."""
        return replace(self, access=self.access.with_people(people))
