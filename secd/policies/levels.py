"""Threat levels: set and ended in an area, with what that does to its doors (S3).

In: a level, an area, who and why. Out: the level as it stands, its doors locked, releases under way cut short, the finding.
A level always names its area; it is kept as it was defined, so that an edit cannot open what it closed.
"""

from collections.abc import Iterable
from dataclasses import replace

from secd.model.facts import LevelChanged
from secd.policies.doors.modes import review_doors
from secd.policies.doors.passage import preempt
from secd.policies.overrides import permits
from secd.policies.rows import LevelState
from secd.policies.step import Step


def set_level(step: Step, level: str, area: str, *, by: str, reason: str) -> bool:
    """Set a level in an area; nothing where it stands already. False where there is no such level or area."""
    table = step.tables.levels.get(level)
    if table is None or area not in step.tables.areas:
        return False
    doors = next((doors for name, doors in table.doors.items() if name == area), ())
    state = LevelState(
        level=table.name,
        area=next(name for name in table.doors if name == area),
        by=by,
        reason=reason,
        since=step.at.utc,
        admit=frozenset(table.admit),
        doors=frozenset(doors),
        lockdown=table.lockdown,
        two_operators=table.two_operators,
    )
    if state.key in step.levels():
        return True
    step.set_level(state.key, state)
    _tell(step, state, active=True)
    _close(step, state.doors)
    return True


def end_level(step: Step, state: LevelState) -> None:
    """End a level: what lies below is evaluated as of now (S2)."""
    step.set_level(state.key, None)
    _tell(step, state, active=False)
    review_doors(step, sorted(state.doors))


def refresh_levels(step: Step) -> None:
    """A new policy runs: a level that it still defines takes its new doors and groups; no door leaves it by an edit."""
    for key, state in sorted(step.levels().items()):
        table = step.tables.levels.get(state.level)
        doors = table.doors.get(state.area) if table is not None else None
        if table is None or doors is None:
            continue
        fresh = replace(state, admit=frozenset(table.admit), doors=state.doors | frozenset(doors))
        if fresh != state:
            step.set_level(key, fresh)
            _close(step, fresh.doors - state.doors)


def _close(step: Step, doors: Iterable[str]) -> None:
    for name in sorted(doors):
        table = step.table(name)
        if table is not None:
            preempt(step, table)
    review_doors(step, sorted(doors))
    permits.lock_down(step, sorted(doors))


def _tell(step: Step, state: LevelState, *, active: bool) -> None:
    step.find(
        "threat_level.changed",
        state.area,
        state.area,
        LevelChanged(
            area=state.area,
            level=state.level,
            active=active,
            admit=tuple(sorted(state.admit)),
            doors=tuple(sorted(state.doors)),
        ),
    )
