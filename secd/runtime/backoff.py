"""Full-jitter back-off: the n-th wait is uniform in [0, min(cap, base * 2**n)], so that many peers do not retry in step."""

import random
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Backoff:
    """One peer's waits. `reset()` after a success. `slow_s` is the lane of refused credentials: no guessing at speed."""

    base_s: float = 0.25
    cap_s: float = 30.0
    slow_s: float = 300.0
    _attempts: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def next_wait_s(self) -> float:
        """Seconds until the next try."""
        ceiling_s = min(self.cap_s, self.base_s * 2 ** min(self._attempts, 30))
        self._attempts += 1
        return self._random.uniform(0, ceiling_s)

    def refused_wait_s(self) -> float:
        """Seconds until the next try after the peer refused our credentials."""
        return self._random.uniform(self.slow_s / 2, self.slow_s)

    def reset(self) -> None:
        """The peer answered: start small again."""
        self._attempts = 0
