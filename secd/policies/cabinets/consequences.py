"""What a loss means to people: the words of its alarm, and how urgent it is at least. Pure.

Panic points come first, then doors: they are what somebody may need now. Names are cut off only after `NAMED_MAX` of a
sort, with how many more there are; the finding that goes with the alarm holds all of them.
"""

from collections.abc import Sequence

from secd.model.facts import LossFound

NAMED_MAX = 100
PANIC_PRIORITY, DOOR_PRIORITY, LOWEST = 2, 3, 4


def tell_consequences(found: LossFound, of: int = 0) -> tuple[str, int]:
    """The reason of the alarm, and the priority that it has at least. `of`: how many devices hang on the cause."""
    parts = [
        _named("panic points", found.panic_points),
        _named("doors", found.doors),
        _named("cameras", found.cameras),
        _named(f"{len(found.devices)} of {of} devices" if of else "devices", found.devices),
    ]
    floor = PANIC_PRIORITY if found.panic_points else DOOR_PRIORITY if found.doors else LOWEST
    return "lost: " + "; ".join(part for part in parts if part), floor


def _named(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"{what} {', '.join(names[:NAMED_MAX])}{more}"
