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

from secd.delivery.mqtt.commands import CommandDesk, Seal
from secd.delivery.mqtt.line import Line, Message
from secd.delivery.mqtt.objects import AlarmObjects
from secd.delivery.mqtt.outage import Outage
from secd.delivery.mqtt.outbox import Outbox
from secd.delivery.mqtt.payloads import (
    CONTENT_TYPE,
    Voice,
    heartbeat_message,
    journal_message,
    reply_message,
    status_message,
)
from secd.delivery.mqtt.settings import MqttSettings
from secd.delivery.mqtt.stations import StationWatch
from secd.delivery.mqtt.topics import STATION_STATUS_FILTER, Topics, station_of
from secd.delivery.ports import LogSource, ReportTrouble, SiteNames, Submit
from secd.model.alarm import Alarm
from secd.model.errors import LinkLost, PeerViolation, Refused
from secd.model.event import Stream
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
REBUILD_RETRY_S = 1.0
GOODBYE_S_MAX = 1.0
REPLY_EXPIRY_S = 30
_SHOWN = (Stream.EVENT, Stream.HEALTH)


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
        self._objects = AlarmObjects(
            topics=self._topics, voice=self._voice, log=reader, clock=clock, ids=self._ids, hold_s=settings.hold_closed
        )
        self._outage = Outage(str(self._address), report_trouble)
        watched = [name for name, station in settings.stations.items() if station.receipt == "station"]
        self._watch = StationWatch(watched, clock, report_trouble, settled=lambda: self._outbox.wake())  # noqa: PLW0108
        self._desk = CommandDesk(topics=self._topics, stations=settings.stations, submit=submit, clock=clock, seal=seal)
        self._outbox = Outbox(log=reader, clock=clock, destination=f"mqtt:{site.instance}", address=self._messages)

    def express(self, alarm: Alarm) -> None:
        """Publish this alarm's object from memory, now: the store is slow. Its journal follows from the log."""
        self._objects.express(alarm)

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
        last_words = self._status_message("lost")
        return Dial(
            address=self._address,
            # Not a setting: two daemons that speak for one site must throw each other off, not empty each other's alarms.
            client_id=f"secd-{self._site.instance}-{self._site.site}",
            username=settings.login.username if settings.login is not None else "",
            password=self._password,
            will=Will(topic=last_words.topic, payload=last_words.payload, delay_s=WILL_DELAY_S),
            session_expiry_s=SESSION_EXPIRY_S,
            ca_path=settings.ca,
        )

    async def _serve(self, session: MqttSession) -> None:
        line = Line(session, self._on_puback)
        for topic in self._topics.command_filters:
            await self._subscribe(session, topic, as_published=True)  # a command asked to be retained is refused
        await self._subscribe(session, STATION_STATUS_FILTER)
        await line.publish(self._status_message("online"))
        self._connected = True
        self._outage.found()
        self._watch.connected()
        try:
            await self._supervisor.together(
                express=self._objects.send_express(line),
                listen=self._listen(line),
                commits=self._outbox.watch_commits(),
                log=self._deliver(line),
                summary=self._objects.keep_summary(line, lambda: self._outbox.cursors.get(Stream.ALARM, 0)),
                hold=self._objects.empty_held(line),
                heartbeat=self._beat(line),
            )
        except asyncio.CancelledError:
            await self._say_goodbye(line)
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

    async def _say_goodbye(self, line: Line) -> None:
        try:
            async with asyncio.timeout(GOODBYE_S_MAX):
                await line.publish(self._status_message("stopped"))
        except (TimeoutError, LinkLost, PeerViolation, Refused):
            _log.info("the broker did not take the goodbye; the will speaks")

    async def _deliver(self, line: Line) -> None:
        while not await self._objects.rebuild(line):
            await wait_for(self._clock, REBUILD_RETRY_S)
        await self._subscribe(
            line.session, self._topics.alarms_filter, as_published=True
        )  # to find what is over, or forged
        if not line.session.session_present:
            await self._await_stations(line)
        await self._outbox.run(line)

    async def _await_stations(self, line: Line) -> None:
        """A broker that forgot us forgot the stations too, and drops rows for them: keep rows back until every station
        has subscribed, or had its time. Alarms go out as objects meanwhile.
        """
        shown = self._log_source.marks().get(Stream.ALARM, 0)
        while not self._watch.settled:
            await self._outbox.woken()
            if (newest := self._log_source.marks().get(Stream.ALARM, 0)) > shown:
                shown = newest
                await self._objects.rebuild(line)

    async def _listen(self, line: Line) -> None:
        while True:
            received = await line.session.receive()
            await self._hear(line, received)
            line.session.acknowledge(received)

    async def _hear(self, line: Line, received: Received) -> None:
        station = station_of(received.topic)
        alarm_id = self._topics.alarm_id(received.topic)
        if station is not None:
            self._watch.hear(station, received.payload)
        elif alarm_id is not None:
            await self._objects.hear(line, alarm_id, received)
        else:
            await self._answer(line, received)

    async def _answer(self, line: Line, received: Received) -> None:
        reply = await self._desk.handle(received)
        if reply is None:
            return
        now = self._clock.now().utc
        payload = reply_message(self._voice(), self._ids.new(now), now, reply.station, reply.body)
        extras = Extras(content_type=CONTENT_TYPE, expiry_s=REPLY_EXPIRY_S, correlation=reply.correlation)
        await line.publish(Message(topic=self._topics.reply(reply.station), payload=payload, extras=extras))

    async def _beat(self, line: Line) -> None:
        extras = Extras(content_type=CONTENT_TYPE, expiry_s=round(2 * self._settings.heartbeat))
        while True:
            now = self._clock.now().utc
            high, sent = self._log_source.marks(), self._outbox.cursors
            payload = heartbeat_message(self._voice(), self._ids.new(now), now, boot=self._boot, high=high, sent=sent)
            await line.publish(Message(topic=self._topics.heartbeat, payload=payload, extras=extras))
            await wait_for(self._clock, self._settings.heartbeat)

    # --- leaves -----------------------------------------------------------------------------------------------------

    def _voice(self) -> Voice:
        named = self._settings.people == "named"
        return Voice(site=self._site, epoch=self._log_source.epoch, name_people=named)

    def _status_message(self, state: str) -> Message:
        now = self._clock.now().utc
        high = self._log_source.marks()
        payload = status_message(self._voice(), self._session_id, now, state=state, boot=self._boot, high=high)
        return Message(topic=self._topics.status, payload=payload, retain=True)

    def _messages(self, row: StreamRow) -> tuple[Message, ...]:
        """A row's journal message, and its alarm's object where that is news."""
        priority = {} if row.alarm is None else {"priority": str(row.alarm.priority)}
        extras = Extras(content_type=CONTENT_TYPE, user={"type": row.event.kind, "seq": str(row.sequence)} | priority)
        payload = journal_message(self._voice(), row)
        journal = Message(topic=self._topics.stream(row.stream), payload=payload, extras=extras)
        moved = self._objects.object_of(row)
        return (journal,) if moved is None else (journal, moved)

    def _on_puback(self, message: Message, puback: Puback) -> None:
        self._last_puback_mono_s = self._clock.now().mono_s
        if puback.denied:
            self._outage.denied(message.topic, f"the broker refuses {message.topic}: {puback.text}")
            return
        self._outage.allowed(message.topic)
        if not message.retain and message.topic == self._topics.stream(Stream.ALARM):
            self._heard = not puback.unheard
