"""What the judge remembers of a fire zone, and how that survives as a row of JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

FIRE = "fire"


@dataclass(frozen=True, slots=True, kw_only=True)
class FireState:
    """`told`: what the panel's input last said: normal, active, faulted or unknown.

    `since`: a fire alarm stands since then, until an operator restores it; None where none does. `doors` are those over
    which it stands: an edit adds to them and takes none away.
    """

    zone: str
    told: str = "unknown"
    since: datetime | None = None
    doors: tuple[str, ...] = ()


def read_fire(row: Mapping[str, Any]) -> FireState:
    """From its row."""
    since = row["since"]
    return FireState(
        zone=row["zone"],
        told=row["told"],
        since=None if since is None else datetime.fromisoformat(since),
        doors=tuple(row["doors"]),
    )
