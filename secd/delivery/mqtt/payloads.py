"""What is said: CloudEvents 1.0 in structured JSON, at most 16 KiB, as docs/station.md promises.

Pure. In: rows of the log, alarms, states. Out: bytes, the same for the same values. A message too long is cut to what
identifies it and says `truncated`; it is never left out, because the sequence is dense. Refuses to call anything of a
simulated site actual; withholds keyed hashes of cards, and names of holders unless the site says otherwise (S21).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from secd.delivery.ports import SiteNames
from secd.model import facts
from secd.model.alarm import Alarm, AlarmMode
from secd.model.event import Event, Stream
from secd.model.stream import StreamRow

PAYLOAD_BYTES_MAX = 16_384
CONTENT_TYPE = "application/cloudevents+json"
SUMMARY_ALARMS_MAX = 150
CLIPPED_CHARACTERS = 160
CLIPPED_ITEMS = 16
_ENCODER = msgspec.json.Encoder()
_ESSENTIAL = (
    "alarm_id", "rev", "kind", "silent", "priority", "state", "point", "area", "site", "transition",
    "subject", "source", "occurred", "detected", "stored", "cause",
)  # fmt: skip
_CARD = frozenset({"keys"})
_HOLDER = frozenset({"holder", "masked"})
WITHHELD: dict[type, tuple[frozenset[str], frozenset[str]]] = {
    facts.CardPresented: (_CARD, frozenset({"masked"})),
    facts.AccessDecided: (frozenset(), _HOLDER),
    facts.Passage: (frozenset(), frozenset({"holder"})),
}
"""Fields of facts that never leave, and those that leave only where people are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Who speaks, in which epoch of numbers, and whether holders are named."""

    site: SiteNames
    epoch: str
    name_people: bool = False

    def envelope(self, id_: str, type_: str, subject: str, at: datetime, mode: AlarmMode) -> dict[str, Any]:
        """The CloudEvents attributes that every message carries."""
        return {
            "specversion": "1.0",
            "id": id_,
            "source": f"/secd/{self.site.instance}",
            "type": f"secd.{type_}.v1",
            "subject": f"{self.site.site}/{subject}",
            "time": moment(at),
            "datacontenttype": "application/json",
            "epoch": self.epoch,
            "mode": mode.value,
        }


def journal_message(voice: Voice, row: StreamRow) -> bytes:
    """One row of a stream."""
    event = row.event
    mode = _mode(voice.site, row.alarm)
    envelope = voice.envelope(event.id, event.kind, _subject(row), event.occurred, mode) | {
        "sequence": f"{row.sequence:020d}",
        "stream": f"{voice.site.site}/{row.stream.value}",
        "replay": False,
    }
    body = _event_body(event, row.stored, name_people=voice.name_people)
    if row.alarm is not None:
        body = _alarm_body(voice.site, row.alarm) | _transition(event) | {"stored": moment(row.stored)}
    return _encode(envelope, body)


def alarm_object(voice: Voice, alarm: Alarm) -> bytes:
    """An alarm as it stands, for its retained topic. It has no stream sequence: it may come before the commit."""
    id_ = f"{alarm.id}.{alarm.rev}"
    envelope = voice.envelope(id_, "alarm.object", f"alarm/{alarm.id}", alarm.last, _mode(voice.site, alarm))
    return _encode(envelope, _alarm_body(voice.site, alarm))


def summary_message(voice: Voice, id_: str, at: datetime, alarms: Iterable[Alarm], as_of: int) -> bytes:
    """Which alarms are open, so that a station can tell whether it holds them all. Highest priority first."""
    ranked = sorted(alarms, key=lambda alarm: (alarm.priority, alarm.id))
    body = {
        "open_count": len(ranked),
        "complete": len(ranked) <= SUMMARY_ALARMS_MAX,
        "open": [{"alarm_id": alarm.id, "rev": alarm.rev} for alarm in ranked[:SUMMARY_ALARMS_MAX]],
        "as_of": {Stream.ALARM.value: as_of},
    }
    return _encode(voice.envelope(id_, "summary", "summary", at, voice.site.mode), body)


def status_message(voice: Voice, id_: str, at: datetime, *, state: str, boot: str, high: Mapping[Stream, int]) -> bytes:
    """Birth (`online`), goodbye (`stopped`) or will (`lost`). A will of another `session` is of no concern."""
    body = {"state": state, "boot": boot, "session": id_, "high": _marks(high)}
    return _encode(voice.envelope(f"{id_}.{state}", "status", "status", at, voice.site.mode), body)


def heartbeat_message(
    voice: Voice, id_: str, at: datetime, *, boot: str, high: Mapping[Stream, int], sent: Mapping[Stream, int]
) -> bytes:
    """How far each stream is stored (`high`) and how far this broker has taken it (`sent`)."""
    body = {"boot": boot, "high": _marks(high), "sent": _marks(sent)}
    return _encode(voice.envelope(id_, "heartbeat", "heartbeat", at, voice.site.mode), body)


def reply_message(voice: Voice, id_: str, at: datetime, station: str, body: Mapping[str, Any]) -> bytes:
    """The answer to one command."""
    return _encode(voice.envelope(id_, "reply", f"rsp/{station}", at, voice.site.mode), body)


def moment(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mode(site: SiteNames, alarm: Alarm | None) -> AlarmMode:
    if alarm is None or (alarm.mode is AlarmMode.ACTUAL and site.mode is not AlarmMode.ACTUAL):
        return site.mode
    return alarm.mode


def _subject(row: StreamRow) -> str:
    return f"alarm/{row.alarm.id}" if row.alarm is not None else row.event.subject


def _marks(marks: Mapping[Stream, int]) -> dict[str, int]:
    return {stream.value: marks.get(stream, 0) for stream in Stream}


def _transition(event: Event) -> dict[str, Any]:
    fact = event.fact
    if isinstance(fact, facts.AlarmMoved):
        return {"transition": fact.transition, "by": fact.by, "note": fact.note}
    return {}


def _alarm_body(site: SiteNames, alarm: Alarm) -> dict[str, Any]:
    return {
        "alarm_id": alarm.id,
        "rev": alarm.rev,
        "kind": alarm.kind,
        "rule": alarm.rule,
        "silent": alarm.silent,
        "priority": alarm.priority,
        "state": "closed" if alarm.closed else f"{alarm.condition.value}_{alarm.ack.value}",
        "condition": alarm.condition.value,
        "acknowledgement": alarm.ack.value,
        "closed": alarm.closed,
        "latched": alarm.latched,
        "occurrences": alarm.occurrences,
        "press": alarm.press,
        "site": site.site,
        "area": alarm.area,
        "point": alarm.point,
        "point_label": alarm.label,
        "occurred": moment(alarm.occurred),
        "detected": moment(alarm.detected),
        "last": moment(alarm.last),
        "cause": alarm.cause,
        "sop": alarm.procedure,
        "cameras": list(alarm.cameras),
        "received_by": list(alarm.received_by),
        "acked_by": alarm.acked_by,
        "acked_at": moment(alarm.acked_at) if alarm.acked_at is not None else None,
        "reason": alarm.reason,
    }


def _event_body(event: Event, stored: datetime, *, name_people: bool) -> dict[str, Any]:
    never, people = WITHHELD.get(type(event.fact), (frozenset(), frozenset()))
    withheld = never if name_people else never | people
    fact = {key: value for key, value in msgspec.to_builtins(event.fact).items() if key not in withheld}
    return {
        "subject": event.subject,
        "area": event.area,
        "source": event.source,
        "occurred": moment(event.occurred),
        "detected": moment(event.detected.utc),
        "stored": moment(stored),
        "late": event.late,
        "cause": event.cause,
        "author": event.author,
        "fact": fact,
    }


def _encode(envelope: dict[str, Any], body: Mapping[str, Any]) -> bytes:
    whole = _ENCODER.encode(envelope | {"data": body})
    if len(whole) <= PAYLOAD_BYTES_MAX:
        return whole
    clipped = _ENCODER.encode(envelope | {"data": _clip(body) | {"truncated": True}})
    if len(clipped) <= PAYLOAD_BYTES_MAX:
        return clipped
    essential = {key: _clip(body[key]) for key in _ESSENTIAL if key in body}
    short = {key: _clip(value) for key, value in envelope.items()}
    return _ENCODER.encode(short | {"data": essential | {"truncated": True}})


def _clip(value: Any) -> Any:
    match value:
        case str():
            return value[:CLIPPED_CHARACTERS]
        case Mapping():
            return {str(key)[:CLIPPED_CHARACTERS]: _clip(item) for key, item in list(value.items())[:64]}
        case list() | tuple():
            return [_clip(item) for item in value[:CLIPPED_ITEMS]]
    return value
