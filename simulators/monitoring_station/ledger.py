"""What a station must keep to miss nothing: the newest revision of each alarm, and the last number of each stream.

Pure. In: decoded messages. Out: whether an alarm is news, and gaps. Messages may come twice, and objects and journals in
any order; revisions and sequences decide. A quiet stream that lost its tail is found by the heartbeat's `sent`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

QUIET_TAIL_S = 5.0
ALARMS_MAX = 5000
GAPS_MAX = 1000

TrackKey = tuple[str, str, str]
"""(source, stream, epoch)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers `first` to `last` of a stream never came."""

    stream: str
    epoch: str
    first: int
    last: int


@dataclass(slots=True)
class Track:
    """One numbered stream in one epoch."""

    last: int
    received: int = 0
    repeated: int = 0
    promised: int = 0
    promised_at_s: float = 0.0


@dataclass(slots=True)
class Ledger:
    """All that a station remembers."""

    alarms: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)
    tracks: dict[TrackKey, Track] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    def take_alarm(self, alarm: Mapping[str, Any]) -> bool:
        """An alarm's object or journal row. Whether it is newer than what is shown."""
        alarm_id, rev = str(alarm["alarm_id"]), int(alarm["rev"])
        known = self.alarms.get(alarm_id)
        if known is not None and int(known["rev"]) >= rev:
            return False
        self.alarms[alarm_id] = dict(alarm)
        while len(self.alarms) > ALARMS_MAX:
            self.alarms.popitem(last=False)
        return True

    def take_number(self, source: str, stream: str, epoch: str, sequence: int) -> bool:
        """A journal row's number. Whether it is new; a jump is a gap."""
        key = (source, stream, epoch)
        track = self.tracks.get(key)
        if track is None:
            self.tracks[key] = Track(last=sequence, received=1)
            return True
        if sequence <= track.last:
            track.repeated += 1
            return False
        if sequence > track.last + 1:
            self._note_gap(stream, epoch, track.last + 1, sequence - 1)
        track.last = sequence
        track.received += 1
        return True

    def take_heartbeat(self, source: str, epoch: str, sent: Mapping[str, int], now_s: float) -> None:
        """What the broker has taken. A stream still short of what was promised 5 s ago has lost its tail."""
        for stream, upto in sent.items():
            track = self.tracks.setdefault((source, stream, epoch), Track(last=upto))
            if track.promised > track.last and now_s - track.promised_at_s >= QUIET_TAIL_S:
                self._note_gap(stream, epoch, track.last + 1, track.promised)
                track.last = track.promised
            if track.promised <= track.last < upto:
                track.promised, track.promised_at_s = upto, now_s

    def open_alarms(self) -> list[dict[str, Any]]:
        """What is not closed, most urgent first."""
        shown = [alarm for alarm in self.alarms.values() if not alarm.get("closed")]
        return sorted(shown, key=lambda alarm: (int(alarm.get("priority", 9)), str(alarm["alarm_id"])))

    def _note_gap(self, stream: str, epoch: str, first: int, last: int) -> None:
        if len(self.gaps) < GAPS_MAX:
            self.gaps.append(Gap(stream=stream, epoch=epoch, first=first, last=last))
