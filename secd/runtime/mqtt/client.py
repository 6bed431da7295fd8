"""aiomqtt's client with its callbacks taken over: where it would lose a reason, a socket or a turn of the loop."""

import asyncio
import logging
import socket
import ssl
from collections import deque
from typing import Any

import aiomqtt
from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from secd.model.errors import LinkLost, PeerViolation, Refused, SecdError
from secd.runtime.mqtt.words import Dial, Extras, Puback, Received, Will

_log = logging.getLogger(__name__)
INFLIGHT_MAX = 50
RECEIVE_MAX = 100
QUEUE_MAX = 1000
PACKET_BYTES_MAX = 262_144
CLOSE_S_MAX = 1.0
SESSION_TAKEN_OVER = 0x8E
REFUSALS = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C, 0x9A, 0x9B})
"""CONNACK and DISCONNECT reasons that trying again does not cure (MQTT 5.0, 3.2.2.2 and 3.14.2.1)."""


class Client(aiomqtt.Client):
    """Used for one connection, then thrown away."""

    def __init__(self, dial: Dial) -> None:
        connect = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        connect.SessionExpiryInterval = dial.session_expiry_s
        connect.ReceiveMaximum = RECEIVE_MAX
        connect.MaximumPacketSize = PACKET_BYTES_MAX
        super().__init__(
            dial.address.host,
            dial.address.port,
            identifier=dial.client_id,
            username=dial.username or None,
            password=dial.password.reveal() if dial.password is not None else None,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=_paho_will(dial.will),
            timeout=dial.answer_s_max,
            keepalive=dial.keepalive_s,
            clean_start=dial.session_expiry_s == 0,
            max_inflight_messages=INFLIGHT_MAX,
            properties=connect,
            logger=_log,
        )
        self._client.manual_ack_set(True)  # noqa: FBT003 -- paho takes it by position only
        self.dial = dial
        self.gone: asyncio.Future[SecdError] = self._loop.create_future()
        self.session_present = False
        self.shed_count = 0
        self._slots = asyncio.Semaphore(INFLIGHT_MAX)
        self._answers: dict[int, asyncio.Future[Puback]] = {}
        self._grants: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._received: deque[Received] = deque()
        self._arrived = asyncio.Event()
        self._disconnected.add_done_callback(self._hear_of_the_end)

    # --- connect and part -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect. Raises LinkLost, Refused."""
        dial = self.dial
        try:
            async with asyncio.timeout(dial.connect_s_max):
                ready = await _connect_socket(dial)
                self._client._create_socket = lambda: ready  # type: ignore[method-assign] # noqa: SLF001
                self._client_connect()
                await self._connected
        except TimeoutError as error:
            raise LinkLost(f"{dial.address} did not answer in {dial.connect_s_max:g} s") from error
        except ssl.SSLCertVerificationError as error:
            raise Refused(f"{dial.address} shows a certificate that we do not trust: {error.verify_message}") from error
        except OSError as error:
            raise LinkLost(f"{dial.address} cannot be reached: {error}") from error
        except aiomqtt.MqttError as error:
            raise _connect_error(dial, error) from error

    async def close(self, *, orderly: bool) -> None:
        """Part, with a goodbye when `orderly`; no socket, reader or task of ours is left."""
        if orderly and self._connected.done() and not self._connected.cancelled() and not self.gone.done():
            self._client.disconnect()
            await asyncio.wait({self._disconnected}, timeout=CLOSE_S_MAX)
        self._end(LinkLost("the connection was closed"))
        await asyncio.sleep(0)  # noqa: TID251 -- a turn, so that what aiomqtt scheduled for this socket is past
        self._client._sock_close()  # noqa: SLF001 -- paho offers no other way that does not write first
        if self._misc_task is not None:
            await asyncio.wait({self._misc_task}, timeout=CLOSE_S_MAX)

    # --- what the session asks for ----------------------------------------------------------------------------------

    async def take_slot(self) -> None:
        """Wait for room in the window of unacknowledged messages."""
        try:
            async with asyncio.timeout(self.dial.answer_s_max):
                await self._slots.acquire()
        except TimeoutError as error:
            raise self._mute() from error
        if self.gone.done():
            self._slots.release()
            raise self.gone.result()

    def publish_now(self, topic: str, payload: bytes, retain: bool, properties: Properties) -> asyncio.Future[Puback]:
        """Hand over one message; a slot must have been taken. The future resolves with its PUBACK."""
        info = self._client.publish(topic, payload, 1, retain, properties)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._slots.release()
            raise LinkLost(f"{self.dial.address} does not take messages: {info.rc.name}")
        answer: asyncio.Future[Puback] = self._loop.create_future()
        self._answers[info.mid] = answer
        return answer

    async def answered(self, answer: asyncio.Future[Puback]) -> Puback:
        """The PUBACK; LinkLost when it does not come."""
        try:
            async with asyncio.timeout(self.dial.answer_s_max):
                return await answer
        except TimeoutError as error:
            raise self._mute() from error

    async def subscribe_now(self, filters: tuple[str, ...], as_published: bool) -> list[ReasonCode]:
        """Subscribe; the broker's reasons in the order of the filters."""
        options = SubscribeOptions(qos=1, retainAsPublished=as_published)
        rc, mid = self._client.subscribe([(topic, options) for topic in filters])
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise LinkLost(f"{self.dial.address} does not take a subscription: {rc.name}")
        granted: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._grants[mid] = granted
        try:
            async with asyncio.timeout(self.dial.answer_s_max):
                return await granted
        except TimeoutError as error:
            raise self._mute() from error

    async def next_message(self) -> Received:
        """The next received message, oldest first."""
        while not self._received:
            if self.gone.done():
                raise self.gone.result()
            self._arrived.clear()
            await self._arrived.wait()
        return self._received.popleft()

    def acknowledge(self, received: Received) -> None:
        """Send its PUBACK."""
        self._client.ack(received.mid, received.qos)

    def abandon(self) -> None:
        """Drop the socket as it is."""
        self._end(LinkLost("the connection was abandoned"))
        self._client._sock_close()  # noqa: SLF001 -- as in close

    # --- what paho calls --------------------------------------------------------------------------------------------

    def _on_connect(
        self, client: Any, userdata: Any, flags: ConnectFlags, reason_code: ReasonCode, properties: Any = None
    ) -> None:
        self.session_present = flags.session_present
        window = getattr(properties, "ReceiveMaximum", INFLIGHT_MAX)
        self._slots = asyncio.Semaphore(min(INFLIGHT_MAX, window))
        super()._on_connect(client, userdata, flags, reason_code, properties)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: DisconnectFlags, reason_code: ReasonCode, properties: Any = None
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("it closed the connection before it said yes or no"))
        self._end(_disconnect_error(self.dial, flags, reason_code))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: ReasonCode, properties: Any) -> None:
        answer = self._answers.pop(mid, None)
        if answer is None:
            return
        self._slots.release()
        if not answer.done():
            answer.set_result(Puback(code=reason_code.value, text=str(reason_code)))

    def _on_subscribe(
        self, client: Any, userdata: Any, mid: int, reason_codes: list[ReasonCode], properties: Any = None
    ) -> None:
        granted = self._grants.pop(mid, None)
        if granted is not None and not granted.done():
            granted.set_result(reason_codes)

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        if len(self._received) >= QUEUE_MAX:
            self.shed_count += 1
            if self.dial.session_expiry_s > 0 and message.qos > 0:
                self._end(PeerViolation(f"{self.dial.address} sent {QUEUE_MAX} messages without waiting for an answer"))
            else:
                self._client.ack(message.mid, message.qos)
            return
        try:
            self._received.append(_received(message))
        except UnicodeDecodeError:
            self._end(PeerViolation(f"{self.dial.address} sent a topic that is not UTF-8"))
        self._arrived.set()

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        # At once: aiomqtt does this a turn later, when the socket may be closed and its number another's.
        self._loop.add_writer(sock.fileno(), self._write_on)

    def _write_on(self) -> None:
        try:
            self._client.loop_write()
        except (OSError, ValueError) as error:
            self._end(LinkLost(f"{self.dial.address} cannot be written to: {error}"))

    # --- the end ----------------------------------------------------------------------------------------------------

    def _hear_of_the_end(self, done: asyncio.Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if error is None or isinstance(error, (OSError, aiomqtt.MqttError)):
            self._end(LinkLost(f"{self.dial.address} is gone: {error or 'disconnected'}"))
        else:
            self._end(PeerViolation(f"{self.dial.address} sent what is not MQTT 5: {error}"))

    def _mute(self) -> SecdError:
        self._end(LinkLost(f"{self.dial.address} stopped answering"))
        return self.gone.result()

    def _end(self, error: SecdError) -> None:
        if self.gone.done():
            return
        self.gone.set_result(error)
        unanswered: list[asyncio.Future[Any]] = [*self._answers.values(), *self._grants.values()]
        for waiting in unanswered:
            if not waiting.done():
                waiting.set_exception(type(error)(str(error)))
                waiting.exception()  # looked at, so that nobody warns when its owner is gone too
        for _ in self._answers:
            self._slots.release()
        self._answers.clear()
        self._grants.clear()
        self._arrived.set()


async def _connect_socket(dial: Dial) -> socket.socket:
    """A connected socket, after the TLS handshake where there is one; cancelling leaves nothing behind."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(dial.address.host, dial.address.port, type=socket.SOCK_STREAM)
    problem: OSError = OSError("the name has no address")
    for family, kind, protocol, _, place in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(0)
            await loop.sock_connect(sock, place)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return await _secured(dial, sock) if dial.address.tls else sock
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
    raise problem


async def _secured(dial: Dial, sock: socket.socket) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=dial.ca_path)
    sock.settimeout(dial.connect_s_max)
    wrapped = context.wrap_socket(sock, server_hostname=dial.address.host, do_handshake_on_connect=False)
    try:
        await asyncio.get_running_loop().run_in_executor(None, wrapped.do_handshake)
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def _connect_error(dial: Dial, error: aiomqtt.MqttError) -> SecdError:
    code = getattr(error, "rc", None)
    if isinstance(code, ReasonCode) and code.value in REFUSALS:
        return Refused(f"{dial.address} refuses {dial.username or 'an anonymous client'} as {dial.client_id}: {code}")
    return LinkLost(f"{dial.address}: {code or error}")


def _disconnect_error(dial: Dial, flags: DisconnectFlags, code: ReasonCode) -> SecdError:
    if not flags.is_disconnect_packet_from_server:
        return LinkLost(f"the connection to {dial.address} broke")
    if code.value == SESSION_TAKEN_OVER:
        return LinkLost(f"another client connected to {dial.address} as {dial.client_id}")
    if code.value in REFUSALS:
        return Refused(f"{dial.address} ended the connection: {code}")
    return LinkLost(f"{dial.address} ended the connection: {code}")


def _paho_will(will: Will | None) -> aiomqtt.Will | None:
    if will is None:
        return None
    properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    properties.WillDelayInterval = will.delay_s
    return aiomqtt.Will(will.topic, will.payload, qos=1, retain=True, properties=properties)


def publish_properties(extras: Extras | None) -> Properties:
    """The MQTT 5 properties of a message to publish."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if extras is None:
        return properties
    if extras.content_type is not None:
        properties.ContentType = extras.content_type
    if extras.expiry_s is not None:
        properties.MessageExpiryInterval = extras.expiry_s
    if extras.correlation is not None:
        properties.CorrelationData = extras.correlation
    if extras.user:
        properties.UserProperty = list(extras.user.items())
    return properties


def _received(message: MQTTMessage) -> Received:
    properties = message.properties
    return Received(
        topic=message.topic,
        payload=bytes(message.payload),
        retained=message.retain,
        duplicate=message.dup,
        expiry_s=getattr(properties, "MessageExpiryInterval", None),
        correlation=getattr(properties, "CorrelationData", None),
        mid=message.mid,
        qos=message.qos,
    )
