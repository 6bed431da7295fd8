"""Is anybody there? Each station's own retained status, and trouble when it is lost or was never heard of.

In: messages on station/{c}/status, whether the broker is connected. Out: station.lost, station.found, each once, and
`settled`: rows of the log wait for it where the broker forgot everybody's session, because it would drop them.
While the broker is away nothing is known of stations, and broker.lost says so.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import msgspec

from secd.delivery.ports import ReportTrouble
from secd.model.facts import Trouble
from secd.runtime.clock import Clock

GRACE_S = 15.0
"""How long after connecting a station that should answer may stay unheard of."""


class _StatusBody(msgspec.Struct):
    state: str


class _Status(msgspec.Struct):
    data: _StatusBody


_DECODER = msgspec.json.Decoder(_Status)


@dataclass(slots=True)
class StationView:
    """What is known of one station. `state`: unknown, online, lost."""

    state: str = "unknown"
    reported_lost: bool = False


class StationWatch:
    """The stations that should answer, by name."""

    def __init__(
        self, names: Collection[str], clock: Clock, report: ReportTrouble, *, settled: Callable[[], None] | None = None
    ) -> None:
        self.stations = {name: StationView() for name in names}
        self._clock = clock
        self._report = report
        self._on_settled = settled
        self._cancel: Callable[[], None] | None = None

    @property
    def settled(self) -> bool:
        """Whether of every station it is known if anybody is there: it said so, or the grace time is over."""
        return all(view.state != "unknown" for view in self.stations.values())

    def connected(self) -> None:
        """The broker is there: who says nothing within the grace time is lost."""
        self._cancel = self._clock.call_at(self._clock.now().mono_s + GRACE_S, self._count)

    def disconnected(self) -> None:
        """The broker is away: nothing is known of anybody."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None
        for view in self.stations.values():
            view.state = "unknown"

    def hear(self, name: str, payload: bytes) -> None:
        """A station's status, or its will."""
        view = self.stations.get(name)
        if view is None:
            return
        try:
            view.state = "online" if _DECODER.decode(payload).data.state == "online" else "lost"
        except msgspec.MsgspecError:
            view.state = "lost"
        if view.state == "online":
            self._found(name, view)
        else:
            self._lost(name, view, "says that it is gone" if payload else "has withdrawn its status")
        self._tell_settled()

    def _count(self) -> None:
        self._cancel = None
        for name, view in self.stations.items():
            if view.state == "unknown":
                view.state = "lost"
                self._lost(name, view, f"has said nothing for {GRACE_S:.0f} s")
        self._tell_settled()

    def _tell_settled(self) -> None:
        if self.settled and self._on_settled is not None:
            self._on_settled()

    def _lost(self, name: str, view: StationView, why: str) -> None:
        if not view.reported_lost:
            view.reported_lost = True
            remedy = "Look at the station and its link to the broker; alarms may be seen by nobody."
            self._report("station.lost", Trouble(what=f"station {name} {why}", where=name, remedy=remedy))

    def _found(self, name: str, view: StationView) -> None:
        if view.reported_lost:
            view.reported_lost = False
            self._report("station.found", Trouble(what=f"station {name} is back", where=name))
