"""The task that keeps one broker told: connects, announces itself, rebuilds what is retained, delivers, listens.

In: the log (through the outbox), express alarms from the engine, commands and statuses of stations. Out: messages, and
troubles about the broker and the stations, each once per outage. It never gives up: a lost broker is tried again with
back-off, one that refuses us in the slow lane.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from secd.delivery.mqtt.board import AlarmBoard
from secd.delivery.mqtt.commands import CommandDesk, Seal
from secd.delivery.mqtt.outage import Outage
from secd.delivery.mqtt.outbox import Message, Outbox
from secd.delivery.mqtt.payloads import (
    CONTENT_TYPE,
    Voice,
    alarm_object,
    heartbeat_message,
    journal_message,
    reply_message,
    status_message,
    summary_message,
)
from secd.delivery.mqtt.settings import MqttSettings
from secd.delivery.mqtt.stations import StationWatch
from secd.delivery.mqtt.topics import STATION_STATUS_FILTER, Topics, station_of
from secd.delivery.ports import LogSource, ReportTrouble, SiteNames, Submit
from secd.model.alarm import Alarm
from secd.model.errors import LinkLost, PeerViolation, Refused, StoreFailed
from secd.model.event import Stream
from secd.model.names import AlarmId
from secd.model.secret import Secret
from secd.model.stream import StreamRow
from secd.runtime.backoff import Backoff
from secd.runtime.clock import Clock, wait_for
from secd.runtime.ids import UlidSource
from secd.runtime.mqtt import BrokerAddress, Dial, Extras, MqttSession, Puback, Received, Will, open_session
from secd.runtime.supervisor import Supervisor

_log = logging.getLogger(__name__)
WILL_DELAY_S = 5
SESSION_EXPIRY_S = 60
STEADY_S = 10.0
CLOSED_CLEARED_MAX = 100
SNAPSHOT_RETRY_S = 1.0
GOODBYE_S_MAX = 1.0
REPLY_EXPIRY_S = 30
_SHOWN = (Stream.EVENT, Stream.HEALTH)
_STRUCTURED = Extras(content_type=CONTENT_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """How delivery stands. `sent` is how far the broker took each stream, `backlog` how many rows it has not.

    It is shown on the premises, so the alarm stream is left out: its count would betray a silent alarm (S12).
    """

    connected: bool
    broker: str
    session: str
    sent: Mapping[str, int]
    backlog: Mapping[str, int]
    heard: bool
    last_puback_mono_s: float | None
    stations: Mapping[str, str]
    trouble: str


class MqttDelivery:
    """Delivery to one broker. `run` never returns; `express` may be called at any time."""

    def __init__(
        self,
        settings: MqttSettings,
        site: SiteNames,
        *,
        reader: LogSource,
        submit: Submit,
        report_trouble: ReportTrouble,
        clock: Clock,
        supervisor: Supervisor,
        password: Secret | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._settings = settings
        self._site = site
        self._log_source = reader
        self._clock = clock
        self._supervisor = supervisor
        self._password = password
        self._address = BrokerAddress.parse(settings.broker)
        self._topics = Topics(instance=site.instance, site=site.site)
        self._ids = UlidSource()
        self._boot = self._ids.new(clock.now().utc)
        self._session_id = ""
        self._connected = False
        self._heard = True
        self._last_puback_mono_s: float | None = None
        self._covered = 0
        self._board = AlarmBoard(settings.hold_closed)
        self._express: dict[AlarmId, Alarm] = {}
        self._express_waits = asyncio.Event()
        self._board_changed = asyncio.Event()
        self._hold_changed = asyncio.Event()
        self._outage = Outage(str(self._address), report_trouble)
        watched = [name for name, station in settings.stations.items() if station.receipt == "station"]
        self._watch = StationWatch(watched, clock, report_trouble)
        self._desk = CommandDesk(topics=self._topics, stations=settings.stations, submit=submit, clock=clock, seal=seal)
        self._outbox = Outbox(
            log=reader, clock=clock, destination=f"mqtt:{site.instance}", address=self._messages, heard=self._on_puback
        )

    def express(self, alarm: Alarm) -> None:
        """Publish this alarm's object from memory, now: the store is slow. Its journal follows from the log."""
        if self._board.take_express(alarm, self._clock.now().mono_s):
            self._express[alarm.id] = alarm
            self._express_waits.set()
            self._note_move(alarm)

    def status(self) -> DeliveryStatus:
        """How things stand."""
        return DeliveryStatus(
            connected=self._connected,
            broker=str(self._address),
            session=self._session_id,
            sent={stream.value: self._outbox.cursors.get(stream, 0) for stream in _SHOWN},
            backlog={stream.value: self._outbox.backlog()[stream] for stream in _SHOWN},
            heard=self._heard,
            last_puback_mono_s=self._last_puback_mono_s,
            stations={name: view.state for name, view in self._watch.stations.items()},
            trouble=self._outage.trouble,
        )

    async def run(self) -> NoReturn:
        """Keep the broker told until cancelled."""
        backoff = Backoff()
        while True:
            started_mono_s = self._clock.now().mono_s
            try:
                async with open_session(self._dial()) as session:
                    await self._serve(session)
            except Refused as error:
                self._outage.refused(str(error))
                wait_s = backoff.refused_wait_s()
            except (LinkLost, PeerViolation) as error:
                self._outage.lost(str(error))
                if self._clock.now().mono_s - started_mono_s >= STEADY_S:
                    backoff.reset()
                wait_s = backoff.next_wait_s()
            await wait_for(self._clock, wait_s)

    # --- one connection ---------------------------------------------------------------------------------------------

    def _dial(self) -> Dial:
        self._session_id = self._ids.new(self._clock.now().utc)
        settings = self._settings
        return Dial(
            address=self._address,
            client_id=settings.client_id or f"secd-{self._site.instance}-{self._site.site}",
            username=settings.login.username if settings.login is not None else "",
            password=self._password,
            will=Will(topic=self._topics.status, payload=self._status_payload("lost"), delay_s=WILL_DELAY_S),
            session_expiry_s=SESSION_EXPIRY_S,
            ca_path=settings.ca,
        )

    async def _serve(self, session: MqttSession) -> None:
        for topic in self._topics.command_filters:
            await self._subscribe(session, topic, as_published=True)  # a command asked to be retained is refused
        await self._subscribe(session, STATION_STATUS_FILTER)
        await self._publish(session, self._topics.status, self._status_payload("online"), retain=True)
        self._connected = True
        self._outage.found()
        self._watch.connected()
        try:
            await self._supervisor.together(
                express=self._send_express(session),
                listen=self._listen(session),
                commits=self._outbox.watch_commits(),
                log=self._deliver(session),
                summary=self._keep_summary(session),
                hold=self._empty_held(session),
                heartbeat=self._beat(session),
            )
        except asyncio.CancelledError:
            await self._say_goodbye(session)
            raise
        finally:
            self._connected = False
            self._watch.disconnected()

    async def _subscribe(self, session: MqttSession, topic: str, *, as_published: bool = False) -> None:
        """A denied subscription is trouble, and no reason to keep alarms back."""
        try:
            await session.subscribe(topic, as_published=as_published)
            self._outage.allowed(topic)
        except Refused as error:
            self._outage.denied(topic, str(error))

    async def _say_goodbye(self, session: MqttSession) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S_MAX):
                await self._publish(session, self._topics.status, self._status_payload("stopped"), retain=True)
        except (TimeoutError, LinkLost, PeerViolation, Refused):
            _log.info("the broker did not take the goodbye; the will speaks")

    async def _deliver(self, session: MqttSession) -> None:
        while not await self._rebuild(session):
            await wait_for(self._clock, SNAPSHOT_RETRY_S)
        await self._subscribe(session, self._topics.alarms_filter)  # to find objects of alarms that are over
        await self._outbox.run(session)

    async def _rebuild(self, session: MqttSession) -> bool:
        """Make what the broker retains true: it may have lost everything, or kept what is over. False: unreadable."""
        covered = self._log_source.marks().get(Stream.ALARM, 0)
        try:
            open_alarms = await self._log_source.open_alarms()
            closed = await self._log_source.recently_closed_alarms(CLOSED_CLEARED_MAX)
        except StoreFailed as error:
            _log.warning("the log cannot be read for delivery", extra={"error": str(error)})
            open_alarms, closed, readable = (), (), False
        else:
            readable = True
        if readable:
            self._covered = covered
            over = [*self._board.adopt(open_alarms, self._clock.now().mono_s), *(alarm.id for alarm in closed)]
            for alarm_id in over:
                if not self._board.holds(alarm_id):
                    await self._publish(session, self._topics.alarm(alarm_id), b"", retain=True)
        for alarm in self._board.objects():
            await self._publish(session, self._topics.alarm(alarm.id), alarm_object(self._voice(), alarm), retain=True)
        self._board_changed.set()
        return readable

    async def _send_express(self, session: MqttSession) -> None:
        while True:
            await self._express_waits.wait()
            self._express_waits.clear()
            while self._express:
                alarm_id, alarm = next(iter(self._express.items()))
                payload = alarm_object(self._voice(), alarm)
                await self._publish(session, self._topics.alarm(alarm_id), payload, retain=True)
                if self._express.get(alarm_id) is alarm:
                    del self._express[alarm_id]

    async def _listen(self, session: MqttSession) -> None:
        while True:
            received = await session.receive()
            await self._hear(session, received)
            session.acknowledge(received)

    async def _hear(self, session: MqttSession, received: Received) -> None:
        station = station_of(received.topic)
        if station is not None:
            self._watch.hear(station, received.payload)
            return
        alarm_id = self._topics.alarm_id(received.topic)
        if alarm_id is not None:
            if received.payload and received.retained and not self._board.holds(alarm_id):
                await self._publish(session, received.topic, b"", retain=True)
            return
        reply = await self._desk.handle(received)
        if reply is None:
            return
        if reply.body["verb"] == "receipt" and reply.body["accepted"] and reply.station in self._watch.stations:
            self._watch.receipt(reply.station)
        now = self._clock.now().utc
        payload = reply_message(self._voice(), self._ids.new(now), now, reply.station, reply.body)
        extras = Extras(content_type=CONTENT_TYPE, expiry_s=REPLY_EXPIRY_S, correlation=reply.correlation)
        await self._publish(session, self._topics.reply(reply.station), payload, extras=extras)

    async def _keep_summary(self, session: MqttSession) -> None:
        while True:
            await self._board_changed.wait()
            self._board_changed.clear()
            now = self._clock.now().utc
            as_of = self._outbox.cursors.get(Stream.ALARM, 0)
            payload = summary_message(self._voice(), self._ids.new(now), now, self._board.open(), as_of)
            await self._publish(session, self._topics.summary, payload, retain=True)

    async def _empty_held(self, session: MqttSession) -> None:
        while True:
            self._hold_changed.clear()
            due = self._board.next_due()
            cancel = None if due is None else self._clock.call_at(due, self._hold_changed.set)
            try:
                await self._hold_changed.wait()
            finally:
                if cancel is not None:
                    cancel()
            for alarm_id in self._board.pop_due(self._clock.now().mono_s):
                await self._publish(session, self._topics.alarm(alarm_id), b"", retain=True)

    async def _beat(self, session: MqttSession) -> None:
        extras = Extras(content_type=CONTENT_TYPE, expiry_s=round(2 * self._settings.heartbeat))
        while True:
            now = self._clock.now().utc
            high, sent = self._log_source.marks(), self._outbox.cursors
            payload = heartbeat_message(self._voice(), self._ids.new(now), now, boot=self._boot, high=high, sent=sent)
            await self._publish(session, self._topics.heartbeat, payload, extras=extras)
            await wait_for(self._clock, self._settings.heartbeat)

    # --- leaves -----------------------------------------------------------------------------------------------------

    def _voice(self) -> Voice:
        named = self._settings.people == "named"
        return Voice(site=self._site, epoch=self._log_source.epoch, name_people=named)

    def _status_payload(self, state: str) -> bytes:
        now = self._clock.now().utc
        high = self._log_source.marks()
        return status_message(self._voice(), self._session_id, now, state=state, boot=self._boot, high=high)

    def _messages(self, row: StreamRow) -> tuple[Message, ...]:
        """A row's journal message, and its alarm's object where that is news."""
        voice = self._voice()
        priority = {} if row.alarm is None else {"priority": str(row.alarm.priority)}
        extras = Extras(content_type=CONTENT_TYPE, user={"type": row.event.kind, "seq": str(row.sequence)} | priority)
        journal = Message(topic=self._topics.stream(row.stream), payload=journal_message(voice, row), extras=extras)
        if row.alarm is None:
            return (journal,)
        self._board.committed(row.alarm.id)
        if row.sequence <= self._covered or not self._board.take(row.alarm, self._clock.now().mono_s):
            return (journal,)
        self._note_move(row.alarm)
        object_ = alarm_object(voice, row.alarm)
        return journal, Message(
            topic=self._topics.alarm(row.alarm.id), payload=object_, retain=True, extras=_STRUCTURED
        )

    def _note_move(self, alarm: Alarm) -> None:
        self._board_changed.set()
        if alarm.closed:
            self._hold_changed.set()

    async def _publish(
        self,
        session: MqttSession,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        extras: Extras | None = _STRUCTURED,
    ) -> None:
        puback = await session.publish(topic, payload, retain=retain, extras=extras)
        self._on_puback(Message(topic=topic, payload=b"", retain=True), puback)

    def _on_puback(self, message: Message, puback: Puback) -> None:
        self._last_puback_mono_s = self._clock.now().mono_s
        if puback.denied:
            self._outage.denied(message.topic, f"the broker refuses {message.topic}: {puback.text}")
            return
        self._outage.allowed(message.topic)
        if not message.retain and message.topic == self._topics.stream(Stream.ALARM):
            self._heard = not puback.unheard
