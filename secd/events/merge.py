"""Two observations of one point as one: first moment, last level, and how often. Pure.

In: the one that waits and the one that came. Out: one that loses no press and no edge. A fault that came and went
between two takes is the only thing a merge forgets; while it lasts it is the level.
"""

from dataclasses import replace

from secd.model.facts import (
    ButtonState,
    CameraSaw,
    DeviceTold,
    InputState,
    LinkChanged,
    OutputRead,
    PanicPressed,
    PointChanged,
    PressKind,
)
from secd.model.observation import Observation

LEVELS = (PointChanged, OutputRead, ButtonState, CameraSaw, LinkChanged, DeviceTold)
_RISING = tuple(PressKind)


def level_key(observation: Observation) -> tuple[str, ...] | None:
    """What the observation is a level of; None when each one counts."""
    device, fact = observation.device, observation.fact
    match fact:
        case PointChanged() | ButtonState():
            return (type(fact).__name__, device, fact.point)
        case OutputRead():
            return ("OutputRead", device, str(fact.output))
        case CameraSaw():
            return ("CameraSaw", device, fact.what, fact.token)
        case LinkChanged():
            return ("LinkChanged", device)
        case DeviceTold():
            return ("DeviceTold", device, fact.what)
        case _:
            return None


def same_level(waiting: Observation, came: Observation) -> bool:
    """Whether one can stand for both without a change being lost."""
    match waiting.fact, came.fact:
        case CameraSaw(active=before), CameraSaw(active=after):
            return before == after
        case LinkChanged(up=before), LinkChanged(up=after):
            return before == after
        case OutputRead(energised=before), OutputRead(energised=after):
            return before == after
        case _:
            return True


def merge_levels(waiting: Observation, came: Observation) -> Observation:
    """The newer level at the newer moment, with the edges and counts of both."""
    fact = came.fact
    match waiting.fact, came.fact:
        case PointChanged() as before, PointChanged() as after:
            fact = _merge_points(before, after)
        case ButtonState() as before, ButtonState() as after:
            fact = replace(after, tampered=before.tampered or after.tampered)
        case DeviceTold() as before, DeviceTold() as after:
            fact = replace(after, count=before.count + after.count)
        case ((OutputRead() | CameraSaw() as before), (OutputRead() | CameraSaw() as after)):
            fact = replace(after, initial=before.initial or after.initial)
    return replace(came, fact=fact, after_gap=waiting.after_gap or came.after_gap, cursor=came.cursor or waiting.cursor)


def merge_presses(waiting: Observation, came: Observation) -> Observation:
    """Presses of one point: the moment of the first, how many, the highest kind (S11)."""
    fact = came.fact
    match waiting.fact, came.fact:
        case PanicPressed() as before, PanicPressed() as after:
            fact = replace(
                after,
                press=max(before.press, after.press, key=_RISING.index),
                presses=before.presses + after.presses,
                queued=before.queued and after.queued,
            )
        case PointChanged() as before, PointChanged() as after:
            fact = _merge_points(before, after)
    return replace(waiting, fact=fact, cursor=came.cursor or waiting.cursor)


def _merge_points(before: PointChanged, after: PointChanged) -> PointChanged:
    edges = max(before.activations, int(before.state is InputState.ACTIVE)) + after.activations
    if after.state is InputState.ACTIVE and after.activations == 0 and before.state is not InputState.ACTIVE:
        edges += 1
    return replace(after, activations=edges, initial=before.initial or after.initial)
