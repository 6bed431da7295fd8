"""What led to what: pairs moments of causes with the next moment of their effect. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def delays(
    causes: Iterable[tuple[K, float]], effects: Iterable[tuple[K, float]], *, within_s: float
) -> tuple[list[float], int]:
    """How long after each cause the next effect with its key came, in seconds; and how many causes had none in time."""
    moments: dict[K, list[float]] = defaultdict(list)
    for key, at in effects:
        moments[key].append(at)
    for ranked in moments.values():
        ranked.sort()
    found, missing = [], 0
    for key, at in causes:
        ranked = moments.get(key, [])
        place = bisect_left(ranked, at)
        if place < len(ranked) and ranked[place] - at <= within_s:
            found.append(ranked[place] - at)
        else:
            missing += 1
    return found, missing
