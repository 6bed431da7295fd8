"""What stations may ask: receipts and acknowledgements. No verb here opens a door.

In: messages on cmd/{station}/{verb}. Out: commands to the judge, and one reply each. Refuses what is retained, malformed,
too long, expired or not from a configured station; a repeated `cmd_id` gets the first answer again.
Who may publish as a station is the broker's access list (`BrokerAcl`); a signature's check takes its place as a `Seal`.
"""

import logging
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from secd.delivery.mqtt.payloads import PAYLOAD_BYTES_MAX
from secd.delivery.mqtt.topics import Topics
from secd.delivery.ports import Submit
from secd.model.entry import Answer
from secd.model.facts import CommandGiven
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached
from secd.runtime.mqtt import Received

_log = logging.getLogger(__name__)
LIFETIME_MAX = timedelta(seconds=30)
SKEW_MAX = timedelta(seconds=5)
ANSWERS_REMEMBERED_MAX = 4096

_Id = Annotated[str, Meta(min_length=1, max_length=80)]
_Moment = Annotated[datetime, Meta(tz=True)]


class _AlarmRev(msgspec.Struct, frozen=True):
    id: _Id
    rev: Annotated[int, Meta(ge=1, le=2**31)]


class _Command(msgspec.Struct, frozen=True, kw_only=True):
    cmd_id: _Id
    issued: _Moment
    expires: _Moment
    operator: Annotated[str, Meta(max_length=64)] = ""


class _Receipt(_Command, frozen=True, kw_only=True):
    alarms: Annotated[list[_AlarmRev], Meta(max_length=50)] = []


class _Ack(_Command, frozen=True, kw_only=True):
    alarm_id: _Id
    rev: Annotated[int, Meta(ge=1, le=2**31)]
    note: Annotated[str, Meta(max_length=500)] = ""


_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    "receipt": msgspec.json.Decoder(_Receipt),
    "ack": msgspec.json.Decoder(_Ack),
}


class Seal(Protocol):
    """Proof of who sent a command, over the bytes as they came."""

    def broken(self, station: str, received: Received) -> str:
        """A code that says why it is not this station's; "" when it is."""


class BrokerAcl:
    """Trusts the broker: its access list lets nobody but a station publish below cmd/{station}."""

    def broken(self, station: str, received: Received) -> str:
        """Nothing to check here."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a station is told."""

    station: str
    body: dict[str, Any]
    correlation: bytes | None = None


class CommandDesk:
    """Takes commands one at a time."""

    def __init__(
        self, *, topics: Topics, stations: Collection[str], submit: Submit, clock: Clock, seal: Seal | None = None
    ) -> None:
        self._topics = topics
        self._stations = frozenset(stations)
        self._submit = submit
        self._clock = clock
        self._seal: Seal = seal or BrokerAcl()
        self._answered: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self._strangers_seen = 0

    async def handle(self, received: Received) -> Reply | None:
        """The reply to a message on a command topic; None where there is nobody to answer."""
        addressed = self._topics.command(received.topic)
        if addressed is None:
            return None
        station, verb = addressed
        if station not in self._stations:
            self._note_stranger(station)
            return None
        body = await self._answer(station, verb, received)
        return Reply(station=station, body={"verb": verb} | body, correlation=received.correlation)

    async def _answer(self, station: str, verb: str, received: Received) -> dict[str, Any]:
        if len(received.payload) > PAYLOAD_BYTES_MAX:
            return _rejected("", "too_long", f"a command has at most {PAYLOAD_BYTES_MAX} bytes")
        broken = self._seal.broken(station, received)
        if broken:
            return _rejected("", broken, "this is not proved to be from the station")
        try:
            command = _DECODERS[verb].decode(received.payload)
        except (msgspec.MsgspecError, RecursionError) as error:
            return _rejected("", "malformed", str(error)[:200])
        if received.retained:
            return _rejected(command.cmd_id, "retained", "a command must not be retained")
        known = self._answered.get((station, command.cmd_id))
        if known is not None:
            return known
        refusal = self._stale(command)
        if refusal is not None:
            return refusal
        body = await self._carry_out(station, command)
        self._answered[station, command.cmd_id] = body
        while len(self._answered) > ANSWERS_REMEMBERED_MAX:
            self._answered.popitem(last=False)
        return body

    def _stale(self, command: _Command) -> dict[str, Any] | None:
        now = self._clock.now().utc
        if command.expires - command.issued > LIFETIME_MAX:
            return _rejected(command.cmd_id, "lifetime", "a command lives at most 30 s")
        if now >= command.expires:
            return _rejected(command.cmd_id, "expired", "look at the alarm again; compare the station's clock")
        if command.issued - now > SKEW_MAX:
            return _rejected(command.cmd_id, "not_yet", "the station's clock is ahead of secd's")
        return None

    async def _carry_out(self, station: str, command: _Receipt | _Ack) -> dict[str, Any]:
        if isinstance(command, _Ack):
            target = _AlarmRev(id=command.alarm_id, rev=command.rev)
            answer = await self._give("alarm.acknowledge", station, target, command.operator, command.note)
            return _told(command.cmd_id, (target, answer))
        reached("received")
        told: list[tuple[_AlarmRev, Answer]] = []
        for one in command.alarms:
            busy = bool(told) and told[-1][1].code == "busy"  # it did not come to the last one: spare it the rest
            given = told[-1][1] if busy else await self._give("alarm.receive", station, one, command.operator, "")
            told.append((one, given))
        return _told(command.cmd_id, *told)

    async def _give(self, verb: str, station: str, target: _AlarmRev, operator: str, note: str) -> Answer:
        args = {"rev": str(target.rev), "station": station} | ({"operator": operator} if operator else {})
        command = CommandGiven(verb=verb, target=target.id, reason=note, args=args)
        return await self._submit(command, f"station:{station}")

    def _note_stranger(self, station: str) -> None:
        self._strangers_seen += 1
        if self._strangers_seen == 1:
            _log.warning("a command from a station that is not configured", extra={"station": station[:64]})


def _rejected(cmd_id: str, code: str, detail: str) -> dict[str, Any]:
    return {"cmd_id": cmd_id, "accepted": False, "code": code, "detail": detail, "alarms": []}


def _told(cmd_id: str, *told: tuple[_AlarmRev, Answer]) -> dict[str, Any]:
    """Accepted when every alarm of it was; the first code that was not ok speaks for all."""
    first = next((answer for _, answer in told if not answer.done), Answer(done=True))
    alarms = [
        {"alarm_id": one.id, "rev": one.rev, "accepted": answer.done, "code": answer.code} for one, answer in told
    ]
    return {"cmd_id": cmd_id, "accepted": first.done, "code": first.code, "detail": first.detail, "alarms": alarms}
