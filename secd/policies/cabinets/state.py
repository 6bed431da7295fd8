"""What the judge remembers of a device that went away with others, or may have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

LOSS = "loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossState:
    """A lost device. While its timer runs, others may show that it shares a cause; then `cause` names the one found."""

    device: str
    event: str
    occurred: datetime
    reason: str
    cause: str = ""
    timers: Mapping[str, float] = field(default_factory=dict)
