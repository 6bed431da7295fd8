"""What the judge remembers of an override that is not a door's mode: until when, by whom, why (S19)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PERMIT = "permit"
HOLD, SHUNT, READER_DISABLED, OUT_OF_SERVICE = "hold", "shunt", "reader_disabled", "out_of_service"
ASKED = "asked_out_of_service"
"""The first of two operators asked; it lapses by itself and suppresses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PermitState:
    """One permit. `second` is the other operator and `work_order` the paper, where it takes both (S13)."""

    what: str
    target: str
    until: datetime
    by: str
    reason: str
    since: datetime
    timers: Mapping[str, float]
    second: str = ""
    work_order: str = ""

    @property
    def key(self) -> str:
        """Where it is kept, and how an operator names it."""
        return f"{self.what}/{self.target}"
