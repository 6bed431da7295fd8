"""Everything that stands until somebody or its end takes it away: for the list, and for the shift that takes over (S19).

In: the state. Out: one row for each override, permit and threat level, the one that ends first first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from secd.model.doors import Layer
from secd.policies.overrides.permits import mode_name
from secd.policies.overrides.state import ASKED, OUT_OF_SERVICE, PERMIT, PermitState
from secd.policies.rows import OVERRIDE, LevelState, OverrideState
from secd.policies.state import JudgeState
from secd.policies.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """`key` is how an operator names it to end it. `in_effect` is false while a lockdown stands above it (S2)."""

    key: str
    what: str
    target: str
    until: datetime | None
    author: str
    second: str
    reason: str
    since: datetime
    work_order: str
    in_effect: bool

    @property
    def line(self) -> str:
        """As a person reads it."""
        until = f"until {self.until.isoformat(timespec='minutes')}" if self.until is not None else "until it is ended"
        by = f"{self.author} and {self.second}" if self.second else self.author
        order = f", work order {self.work_order}" if self.work_order else ""
        return f"{self.what} {self.target} {until}, by {by}{order}: {self.reason}"


def standing_now(state: JudgeState) -> tuple[Standing, ...]:
    """What stands, for people to see."""
    modes = [(one, state.door(one.door).layer is Layer.OVERRIDE) for one in state.overrides.values()]
    return _standing(modes, cast("Iterable[PermitState]", state.kept(PERMIT).values()), list(state.levels.values()))


def standing_in(step: Step) -> tuple[Standing, ...]:
    """What stands as of this step."""
    overrides = cast("Iterable[OverrideState]", step.all_kept(OVERRIDE).values())
    modes = [(one, step.door(one.door).layer is Layer.OVERRIDE) for one in overrides]
    return _standing(modes, cast("Iterable[PermitState]", step.all_kept(PERMIT).values()), list(step.levels().values()))


def _standing(
    modes: Iterable[tuple[OverrideState, bool]], permits: Iterable[PermitState], levels: list[LevelState]
) -> tuple[Standing, ...]:
    locked_down = {door for level in levels if level.lockdown for door in level.doors}
    rows = [
        *(_of_mode(override, in_effect) for override, in_effect in modes),
        *(_of_permit(permit, locked_down) for permit in permits if permit.what != ASKED),
        *(_of_level(level) for level in levels),
    ]
    return tuple(sorted(rows, key=lambda row: (row.until is None, row.until or row.since, row.key)))


def _of_mode(override: OverrideState, in_effect: bool) -> Standing:
    what = mode_name(override)
    return Standing(
        key=f"{what}/{override.door}", what=what, target=override.door, until=override.until, author=override.by,
        second="", reason=override.reason, since=override.since, work_order="", in_effect=in_effect,
    )  # fmt: skip


def _of_permit(permit: PermitState, locked_down: set[str]) -> Standing:
    in_effect = permit.what == OUT_OF_SERVICE or permit.target not in locked_down
    return Standing(
        key=permit.key, what=permit.what, target=permit.target, until=permit.until, author=permit.by,
        second=permit.second, reason=permit.reason, since=permit.since, work_order=permit.work_order,
        in_effect=in_effect,
    )  # fmt: skip


def _of_level(level: LevelState) -> Standing:
    return Standing(
        key=f"level/{level.area}/{level.level}", what=str(level.level), target=str(level.area), until=None,
        author=level.by, second="", reason=level.reason, since=level.since, work_order="", in_effect=True,
    )  # fmt: skip
