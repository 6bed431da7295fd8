"""The inputs of a board that has a profile: from what was read to what is told, and which latches to clear.

In: scans. Out: PointChanged observations; presses by the board's counters or latched edges where it has them. Refuses
to call a measured value between two bands normal. It knows what it told, so that nothing is told twice.
"""

from collections.abc import Iterator

from secd.config.modbus.format import Inputs, Latch, Profile
from secd.config.modbus.places import Place
from secd.drivers.modbus_io.scan import Run, Scan
from secd.drivers.modbus_io.translate import Sight
from secd.model.facts import InputState, PointChanged
from secd.model.observation import Observation

EDGES_KEPT_S = 1.0
"""A latched edge is cleared so long after it was told: a crash before that tells it again, which is the safe side (S11)."""
_STATE_BITS = 2


class Contacts:
    """All inputs of one board."""

    def __init__(self, profile: Profile, inputs: Inputs) -> None:
        self._inputs = inputs
        self._latch: Latch | None = inputs.latch
        self._at = profile.place(inputs.place)
        self._latch_at = profile.place(inputs.latch.place) if inputs.latch else self._at
        self._states: list[InputState] = []
        self._counts: list[int] = []
        self._latched: set[int] = set()
        self._clear_due_s: float | None = None

    @property
    def runs(self) -> Iterator[Run]:
        """What a poll has to read."""
        yield Run(self._at, _span(self._at, self._inputs.count, _width(self._inputs)))
        if self._latch is not None:
            width = 1 if self._latch.kind == "edge" else 16 * self._latch.words
            yield Run(self._latch_at, _span(self._latch_at, self._inputs.count, width))

    def forget(self) -> None:
        """The board started anew: its counters begin at 0, its latches are empty."""
        self._counts = [0] * self._inputs.count if self._counts else []
        self._latched.clear()
        self._clear_due_s = None

    def fell(self, scan: Scan) -> bool:
        """Whether a counter went back, which only a restart does."""
        if self._latch is None or self._latch.kind != "counter" or not self._counts:
            return False
        half = 1 << 16 * self._latch.words - 1
        return any(
            (now - before) % (2 * half) >= half for now, before in zip(self._count(scan), self._counts, strict=True)
        )

    def tell(self, scan: Scan, sight: Sight) -> Iterator[Observation]:
        """What changed; everything at an initial sight."""
        states = [self._state(scan, at) for at in range(self._inputs.count)]
        activations = self._activations(scan, states, sight.seen.mono_s)
        for at, (state, count) in enumerate(zip(states, activations, strict=True)):
            if sight.initial or count or not self._states or state is not self._states[at]:
                yield sight.tell(
                    PointChanged(point=f"input/{at + 1}", state=state, activations=count, initial=sight.initial)
                )
        self._states = states

    def to_clear(self, now_s: float) -> frozenset[int] | None:
        """The inputs (from 0) whose latches were told long enough ago; None while there are none."""
        if self._clear_due_s is None or now_s < self._clear_due_s:
            return None
        return frozenset(self._latched)

    def cleared(self) -> None:
        """The latches were cleared."""
        self._latched.clear()
        self._clear_due_s = None

    def _state(self, scan: Scan, at: int) -> InputState:
        inputs = self._inputs
        if inputs.bands is not None:
            return inputs.bands.state_of(scan[self._at + at])
        if inputs.states is not None:
            code = sum(scan.bit(self._at, _STATE_BITS * at + bit) << bit for bit in range(_STATE_BITS))
            for name in ("normal", "active", "cut", "short"):
                if getattr(inputs.states, name) == code:
                    return InputState(name)
            return InputState.UNKNOWN
        return InputState.ACTIVE if scan.bit(self._at, at) == int(inputs.active_is) else InputState.NORMAL

    def _count(self, scan: Scan) -> list[int]:
        latch = self._latch
        if latch is None:
            return []
        high_first = latch.order == "high_first"
        return [
            scan.number(self._latch_at + at * latch.words, latch.words, high_first=high_first)
            for at in range(self._inputs.count)
        ]

    def _activations(self, scan: Scan, states: list[InputState], now_s: float) -> list[int]:
        latch = self._latch
        if latch is None:
            return [0] * len(states)
        if latch.kind == "edge":
            return self._edges(scan, states, now_s)
        counts = self._count(scan)
        before, self._counts = self._counts or counts, counts
        return [(now - then) % (1 << 16 * latch.words) for now, then in zip(counts, before, strict=True)]

    def _edges(self, scan: Scan, states: list[InputState], now_s: float) -> list[int]:
        told = []
        for at, state in enumerate(states):
            fresh = bool(scan.bit(self._latch_at, at)) and at not in self._latched
            still = bool(self._states) and self._states[at] is state is InputState.ACTIVE
            if fresh:
                self._latched.add(at)
                self._clear_due_s = self._clear_due_s or now_s + EDGES_KEPT_S
            told.append(int(fresh and not still))
        return told


def _width(inputs: Inputs) -> int:
    return {"bit": 1, "two_bits": _STATE_BITS, "word": 16}[inputs.form]


def _span(place: Place, count: int, width: int) -> int:
    """How many addresses `count` values of `width` bits take."""
    return count * width if place.table.bits else -(-count * width // 16)
