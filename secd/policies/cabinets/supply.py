"""What feeds and connects the devices, and which cause explains that some went away together. Pure tables.

In: the devices that are lost. Out: the causes that explain most of them, and those that stand alone. The cause whose
devices are all lost comes before one of which only a part is; of equals, the one that explains more.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from secd.model.names import AreaId

SHARED_MIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cabinet, a switch or a device that others hang on. `members`: every device that goes away with it."""

    name: str
    label: str
    kind: Literal["cabinet", "switch", "device"]
    area: AreaId | None
    members: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """What cannot be seen or commanded while a device is away."""

    panic_points: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CabinetTable:
    """A cabinet as people know it."""

    name: str
    label: str
    area: AreaId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """`points`: which cabinet's ac, battery, lock, ups or tamper an input is. `cabinet_of`: where a device is fitted."""

    causes: Mapping[str, Cause] = field(default_factory=dict)
    causes_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dependents: Mapping[str, Dependents] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()
    cabinets: Mapping[str, CabinetTable] = field(default_factory=dict)
    cabinet_of: Mapping[str, str] = field(default_factory=dict)
    points: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def explain(self, lost: Collection[str]) -> tuple[list[tuple[Cause, tuple[str, ...]]], tuple[str, ...]]:
        """The causes behind these losses, each with the devices it explains, and the devices that stand alone."""
        left, found = set(lost), []
        while (best := self._best(left)) is not None:
            explained = tuple(sorted(best.members & left))
            found.append((best, explained))
            left.difference_update(explained)
        return found, tuple(sorted(left))

    def all_dependents(self, devices: Collection[str]) -> Dependents:
        """What hangs on any of these devices."""
        each = [self.dependents.get(device, Dependents()) for device in devices]
        return Dependents(
            panic_points=tuple(sorted({name for one in each for name in one.panic_points})),
            doors=tuple(sorted({name for one in each for name in one.doors})),
            cameras=tuple(sorted({name for one in each for name in one.cameras})),
        )

    def _best(self, lost: Collection[str]) -> Cause | None:
        names = {name for device in lost for name in self.causes_of.get(device, ())}
        counted = [(len(self.causes[name].members & set(lost)), self.causes[name]) for name in sorted(names)]
        likely = [(count, cause) for count, cause in counted if count >= SHARED_MIN]
        if not likely:
            return None
        return min(likely, key=lambda one: (-one[0] / len(one[1].members), -one[0], one[1].name))[1]
