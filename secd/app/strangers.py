"""How often a uid that is no operator is put on record: at once, then once a minute with how often it knocked meanwhile.

In: knocks. Out: the ones that go into the log. A stranger in a loop must not fill it.
"""

from dataclasses import dataclass, field

TOLD_EVERY_S = 60.0
STRANGERS_MAX = 1_000


@dataclass(slots=True)
class Strangers:
    """Knocks by uid since the last one told."""

    _told: dict[str, tuple[float, int]] = field(default_factory=dict)

    def knock(self, who: str, mono_s: float) -> int | None:
        """How many knocks of `who` to tell now, or None: not yet."""
        told_mono_s, held_back = self._told.get(who, (-TOLD_EVERY_S, 0))
        if mono_s - told_mono_s < TOLD_EVERY_S:
            self._told[who] = (told_mono_s, held_back + 1)
            return None
        if len(self._told) >= STRANGERS_MAX:
            self._told.clear()
        self._told[who] = (mono_s, 0)
        return held_back + 1
