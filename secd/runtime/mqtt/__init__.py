"""MQTT 5 as secd speaks it: one connection to one broker, over aiomqtt.

In: a `Dial` (where, who, will, how long the broker keeps the session). Out: an `MqttSession`: publish with the broker's
PUBACK reason, subscribe, receive, acknowledge by hand. Everything is bounded: unacknowledged messages each way, the
queue of received ones, every wait. It never reconnects: it raises LinkLost, Refused or PeerViolation, and the owner
tries again with `Backoff`. aiomqtt connects in a thread, drops PUBACK reasons, acknowledges before a message was looked
at and leaves the socket of a failed connection open; what differs here is there for one of those reasons.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from secd.model.errors import Refused
from secd.runtime.mqtt.client import Client, publish_properties
from secd.runtime.mqtt.words import (
    FAILURE,
    NO_SUBSCRIBERS,
    BrokerAddress,
    Dial,
    Extras,
    Puback,
    Received,
    Will,
)

__all__ = [
    "NO_SUBSCRIBERS",
    "BrokerAddress",
    "Dial",
    "Extras",
    "MqttSession",
    "Puback",
    "Received",
    "Will",
    "open_session",
]


@asynccontextmanager
async def open_session(dial: Dial) -> AsyncIterator["MqttSession"]:
    """Connect; raises LinkLost, Refused or PeerViolation. Left without an error, or cancelled, it says goodbye to the
    broker, which then forgets the will; left with an error it just goes, and the will speaks.
    """
    client = Client(dial)
    orderly = False
    try:
        await client.open()
        yield MqttSession(client)
        orderly = True
    except (asyncio.CancelledError, GeneratorExit):
        orderly = True
        raise
    finally:
        await client.close(orderly=orderly)


class MqttSession:
    """A live connection. Every method raises LinkLost, Refused or PeerViolation once it is gone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def session_present(self) -> bool:
        """Whether the broker remembered us: subscriptions stand and queued messages come."""
        return self._client.session_present

    @property
    def shed_count(self) -> int:
        """Messages dropped because the queue of received ones was full."""
        return self._client.shed_count

    async def send(
        self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None
    ) -> asyncio.Future[Puback]:
        """Hand one message (QoS 1) to the broker as soon as the window of 50 has room; `confirm` awaits the result."""
        await self._client.take_slot()
        return self._client.publish_now(topic, payload, retain, publish_properties(extras))

    async def confirm(self, answer: asyncio.Future[Puback]) -> Puback:
        """The broker's answer to a sent message."""
        return await self._client.answered(answer)

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, extras: Extras | None = None
    ) -> Puback:
        """Send and confirm."""
        return await self.confirm(await self.send(topic, payload, retain=retain, extras=extras))

    async def subscribe(self, *filters: str, as_published: bool = False) -> None:
        """Subscribe at QoS 1; `Refused` when the broker denies one of them.

        `as_published`: `retained` tells what the publisher asked for, not whether the message is an old one.
        """
        for topic, code in zip(filters, await self._client.subscribe_now(filters, as_published), strict=False):
            if code.value >= FAILURE:
                raise Refused(f"the broker refuses the subscription to {topic}: {code}")

    async def receive(self) -> Received:
        """The next message. It stays the broker's to repeat until `acknowledge`."""
        return await self._client.next_message()

    def acknowledge(self, received: Received) -> None:
        """The message has been taken care of: the broker may forget it."""
        self._client.acknowledge(received)

    def abandon(self) -> None:
        """Break the connection without a goodbye, so that the will speaks."""
        self._client.abandon()

    async def lost(self) -> NoReturn:
        """Wait for the end of the connection and raise it."""
        await asyncio.wait({self._client.gone})
        raise self._client.gone.result()
