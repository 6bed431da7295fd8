"""One moment, told twice: by the wall clock, and by a count of seconds that never goes back.

`mono_s` is the site's own second count. It follows the monotonic clock while secd runs and is carried over a restart
(last stored value plus the wall time that passed, never less than the last stored value), so a due time is one float
that survives kill -9 and a clock step. Schedules read `utc`; durations and due times read `mono_s`.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """`utc` is aware UTC. `trusted` is false while the wall clock may not be believed (safety rule S10)."""

    utc: datetime
    mono_s: float
    trusted: bool = True
