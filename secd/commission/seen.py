"""Whether what moved is what the step awaits, and if not, what that says about the wiring. Pure.

In: a step, the moves since it began, how its points stood before, and where each point is placed. Out: `Seen`, `Wrong`
with a line for the technician, or `Waiting`, with what else moved meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from secd.commission.steps import Address, Await, Plan, Step
from secd.devices.points import Move
from secd.model.doors import Role
from secd.model.wiring import Placement

EDGES_MAX = 1
"""More changes to active than that between two polls are no person's doing."""
MOVES_EXTRA_MAX = 3
FAULTS = frozenset({"cut", "short", "unknown"})
ROLES = {
    Role.CONTACT: "contact",
    Role.REX: "REX",
    Role.BOLT: "bolt",
    Role.LOCK: "lock relay",
    Role.PANIC: "panic point",
}
LEVELS = {
    ("contact", "active"): "open", ("contact", "normal"): "shut", ("request to exit", "normal"): "quiet",
    ("panic point", "normal"): "quiet",
}  # fmt: skip
Where: TypeAlias = Callable[[Address], Placement | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that was awaited was seen; `said` is what."""

    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Something was seen that must not be."""

    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not yet. `stray`: what another input of the same thing, or one that nothing names, did instead; "" if nothing."""

    missing: str
    stray: str = ""


def recognise(
    step: Step, moves: Sequence[Move], now: Callable[[Address], str], where: Where, plan: Plan
) -> Seen | Wrong | Waiting:
    """What the moves since the step's begin mean; `now` is the level a point is at."""
    wrong = _moved_but_should_not(step, moves)
    if wrong:
        return Wrong(said=wrong)
    left, said = list(step.awaits), []
    stray = ""
    for move in moves:
        address = (move.device, move.address)
        if left and address == left[0].point:
            if move.level == left[0].level:
                said.append(_name(left.pop(0), move))
            elif wrong := _against(step, left[0], move):
                return Wrong(said=wrong)
        elif left:
            stray = stray or _stray(left[0], move, where, plan)
    while left and left[0].already and now(left[0].point) == left[0].level:
        said.append(_name(left.pop(0), None))
    if not left:
        return Seen(said=", then ".join(said))
    return Waiting(missing=f"{_point(left[0].point)} is not {_level(left[0])}", stray=stray)


def bounces(step: Step, moves: Sequence[Move]) -> str:
    """What to say of a contact that chatters; "" of a quiet one."""
    for awaited in step.awaits:
        mine = [move for move in moves if (move.device, move.address) == awaited.point]
        edges = max((move.edges for move in mine), default=0)
        if edges > EDGES_MAX or len(mine) > len(step.awaits) + MOVES_EXTRA_MAX:
            times = max(edges, len(mine))
            return f"{_point(awaited.point)} bounces: the {awaited.name} changed {times} times within a moment"
    return ""


def refusal(step: Step, failed_before: bool) -> str:
    """What a person's No means; of the lock both answers together tell."""
    if step.id != "lock_holds":
        return step.otherwise
    if failed_before:
        return "it is locked when secd releases it and open when secd locks it: the polarity is inverted (`relay`)"
    return f"{step.otherwise}: the relay's contact is stuck, or the lock does not hold"


def _moved_but_should_not(step: Step, moves: Sequence[Move]) -> str:
    if any((move.device, move.address) == step.stays and move.before for move in moves):
        return "the lock relay moved: this way out needs secd, and must not"
    return ""


def _against(step: Step, awaited: Await, move: Move) -> str:
    if move.level in FAULTS and awaited.level not in FAULTS:
        return f"{_point(awaited.point)} reads {move.level}: its loop is broken or its resistors are wrong"
    if step.id.startswith("contact_opens") and move.before == "active":
        return f"{_point(awaited.point)} reads open while the door is shut: the polarity is inverted (`closed_is`)"
    return ""


def _stray(awaited: Await, move: Move, where: Where, plan: Plan) -> str:
    if not move.address.startswith("input/"):
        return ""
    address = (move.device, move.address)
    place = where(address)
    should = f"when {_point(awaited.point)}, the {awaited.name}, should have"
    if place is None:
        return f"{_point(address)}, which nothing names, changed {should}"
    role = ROLES.get(place.role, place.role.value)
    if place.subject == plan.target:
        return f"the {role} input {_point(address)} changed {should}: the two are swapped"
    return (
        f"{_point(address)}, the {role} of {place.subject}, changed {should}" if move.device == awaited.point[0] else ""
    )


def _name(awaited: Await, move: Move | None) -> str:
    says = move.raw if move is not None and awaited.level in {"read", "pressed"} else _level(awaited)
    return f"{_point(awaited.point)} {says}"


def _level(awaited: Await) -> str:
    return LEVELS.get((awaited.name, awaited.level), awaited.level)


def _point(address: Address) -> str:
    return f"{address[0]} {address[1]}"
