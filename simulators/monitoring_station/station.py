"""The station itself: subscribes, shows alarms, sends receipts by itself and acknowledgements when told.

In: a broker and whose topics to watch. Out: printable lines and callbacks; receipts, acknowledgements, its own status.
It sends a receipt for what it showed unless the alarm already names it: an answer to its own receipt needs none.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from secd.runtime.ids import UlidSource
from secd.runtime.mqtt import Extras, MqttSession, Received, Will
from simulators.faults import SimulatedClock
from simulators.monitoring_station.ledger import Ledger
from simulators.mqtt_peer import Login, MqttPeer

COMMAND_LIFETIME = timedelta(seconds=10)
REPLY_S_MAX = 10.0
LINES_MAX = 200
EVENTS_MAX = 10_000
SESSION_EXPIRY_S = 3600

OnAlarm = Callable[[dict[str, Any]], None]


class MonitoringStation:
    """One station. `show` gets a line for an operator; `on_alarm` the object of each alarm that is news."""

    def __init__(
        self,
        *,
        broker: str,
        instance: str,
        site: str,
        name: str = "sheriff",
        login: Login | None = None,
        show: Callable[[str], None] | None = None,
        on_alarm: OnAlarm | None = None,
        send_receipts: bool = True,
        clock: SimulatedClock | None = None,
    ) -> None:
        self.name = name
        self.clock = clock or SimulatedClock()
        self.ledger = Ledger()
        self.lines: deque[str] = deque(maxlen=LINES_MAX)
        self.daemon_status: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.events: deque[dict[str, Any]] = deque(maxlen=EVENTS_MAX)
        self.replies: deque[dict[str, Any]] = deque(maxlen=1000)
        self.send_receipts = send_receipts
        self._site = site
        self._base = f"secd/1/{instance}"
        self._status_topic = f"secd/1/station/{name}/status"
        self._show = show
        self._on_alarm = on_alarm
        self._ids = UlidSource()
        self._awaited: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Condition()
        self._peer = MqttPeer(
            broker=broker,
            client_id=f"station-{name}",
            login=login,
            joined=self._join,
            heard=self._hear,
            parting=self._part,
            will=Will(topic=self._status_topic, payload=self._status("lost")),
            session_expiry_s=SESSION_EXPIRY_S,
        )

    async def __aenter__(self) -> Self:
        await self._peer.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._peer.__aexit__(kind, error, trace)

    # --- what may be done to it -------------------------------------------------------------------------------------

    def actions(self) -> Mapping[str, Callable[..., Any]]:
        """What the control interface may do."""
        return {
            "acknowledge": self.acknowledge,
            "receipts": self.receipts,
            "vanish": self.vanish,
            "join": self.join,
        }

    def state(self) -> dict[str, Any]:
        """How it stands."""
        return {
            "connected": self._peer.connected,
            "problem": self._peer.problem,
            "daemon": self.daemon_status.get("state", "unknown"),
            "alarms": self.ledger.open_alarms(),
            "streams": {
                f"{stream} {epoch}": {"last": track.last, "received": track.received, "repeated": track.repeated}
                for (_, stream, epoch), track in self.ledger.tracks.items()
            },
            "gaps": [asdict(gap) for gap in self.ledger.gaps],
            "receipts": self.send_receipts,
            "lines": list(self.lines),
        }

    async def acknowledge(self, alarm_id: str = "", note: str = "", operator: str = "operator") -> dict[str, Any]:
        """Acknowledge an alarm as it is shown, the most urgent unacknowledged one by default; returns secd's reply."""
        waiting = [alarm for alarm in self.ledger.open_alarms() if alarm["acknowledgement"] != "acked"]
        chosen = self.ledger.alarms.get(alarm_id) if alarm_id else next(iter(waiting), None)
        if chosen is None:
            raise ValueError(f"no alarm {alarm_id!r} is shown" if alarm_id else "no alarm waits for acknowledgement")
        body = {"alarm_id": chosen["alarm_id"], "rev": chosen["rev"], "operator": operator, "note": note}
        return await self.command("ack", body)

    def receipts(self, send: bool) -> None:
        """Send receipts by itself, or leave them out, as a station whose screen nobody sees."""
        self.send_receipts = send

    async def vanish(self) -> None:
        """Its power fails."""
        await self._peer.vanish()

    async def join(self) -> None:
        """It comes back."""
        self._peer.join()
        await self._peer.until_connected()

    async def command(self, verb: str, body: Mapping[str, Any], **envelope: Any) -> dict[str, Any]:
        """Send one command and return secd's reply. `envelope` overrides its fields, for tests of what is refused."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        command_id = str(envelope.pop("cmd_id", "") or self._ids.new(self.clock.utc()))
        self._awaited[command_id] = answer
        try:
            async with asyncio.timeout(REPLY_S_MAX):
                await self._send(self._peer.session, verb, body, cmd_id=command_id, **envelope)
                return await answer
        except TimeoutError as error:
            raise ValueError("secd did not reply") from error
        finally:
            del self._awaited[command_id]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once `holds()` after some message."""
        async with self._changed:
            await self._changed.wait_for(holds)

    async def until_connected(self) -> None:
        """Return once subscribed."""
        await self._peer.until_connected()

    # --- what it hears ----------------------------------------------------------------------------------------------

    async def _join(self, session: MqttSession) -> None:
        await session.subscribe(
            f"{self._base}/status",
            f"{self._base}/heartbeat",
            f"{self._base}/alarm/{self._site}/+",
            f"{self._base}/summary/{self._site}",
            f"{self._base}/stream/{self._site}/+",
            f"{self._base}/rsp/{self.name}",
        )
        await session.publish(self._status_topic, self._status("online"), retain=True)

    async def _part(self, session: MqttSession) -> None:
        await session.publish(self._status_topic, self._status("stopped"), retain=True)

    async def _hear(self, session: MqttSession, received: Received) -> None:
        part = received.topic.removeprefix(f"{self._base}/").split("/")[0]
        if not received.payload:
            self._say(f"{received.topic.rsplit('/', 1)[-1]} is over")
        else:
            try:
                await self._take(session, part, json.loads(received.payload))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                self._say(f"unreadable: {received.topic}: {type(error).__name__} {error}")
        async with self._changed:
            self._changed.notify_all()

    async def _take(self, session: MqttSession, part: str, message: dict[str, Any]) -> None:
        body = message["data"]
        match part:
            case "status":
                self.daemon_status = body
                self._say(f"secd is {body['state']}")
            case "heartbeat":
                streams = {f"{self._site}/{stream}": upto for stream, upto in body["sent"].items()}
                self.ledger.take_heartbeat(message["source"], message["epoch"], streams, time.monotonic())
            case "summary":
                self.summary = body
            case "rsp":
                self._settle(body)
            case "stream":
                fresh = self.ledger.take_number(
                    message["source"], message["stream"], message["epoch"], int(message["sequence"])
                )
                if fresh:
                    self.events.append(message)
                if "alarm_id" in body:
                    await self._take_alarm(session, message)
            case "alarm":
                await self._take_alarm(session, message)

    async def _take_alarm(self, session: MqttSession, message: dict[str, Any]) -> None:
        alarm = message["data"]
        if not self.ledger.take_alarm(alarm):
            return
        label = alarm.get("point_label") or alarm.get("point", "")
        mode = "" if message["mode"] == "actual" else f" [{message['mode'].upper()}]"
        self._say(f"P{alarm['priority']} {alarm['kind']} at {label}: {alarm['state']}, rev {alarm['rev']}{mode}")
        if self._on_alarm is not None:
            self._on_alarm(alarm)
        if self.send_receipts and not alarm.get("closed") and self.name not in alarm.get("received_by", ()):
            body = {"alarms": [{"id": alarm["alarm_id"], "rev": alarm["rev"]}]}
            await self._send(session, "receipt", body, cmd_id=self._ids.new(self.clock.utc()))

    async def _send(
        self, session: MqttSession, verb: str, body: Mapping[str, Any], *, cmd_id: str, **envelope: Any
    ) -> None:
        issued = envelope.get("issued", self.clock.utc())
        expires = envelope.get("expires", issued + COMMAND_LIFETIME)
        head = {"cmd_id": cmd_id, "issued": issued.isoformat(), "expires": expires.isoformat(), "client": self.name}
        payload = json.dumps(head | dict(body)).encode()
        extras = Extras(content_type="application/json", expiry_s=round(COMMAND_LIFETIME.total_seconds()))
        topic = f"{self._base}/cmd/{self.name}/{verb}"
        await session.publish(topic, payload, retain=bool(envelope.get("retain")), extras=extras)

    def _settle(self, body: dict[str, Any]) -> None:
        self.replies.append(body)
        answer = self._awaited.get(body.get("cmd_id", ""))
        if answer is not None and not answer.done():
            answer.set_result(body)

    def _status(self, state: str) -> bytes:
        return json.dumps({"specversion": "1.0", "type": "secd.station.status.v1", "data": {"state": state}}).encode()

    def _say(self, line: str) -> None:
        self.lines.append(line)
        if self._show is not None:
            self._show(line)
