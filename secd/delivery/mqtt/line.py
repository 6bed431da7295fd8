"""One session on which every PUBACK is looked at."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from secd.delivery.mqtt.payloads import CONTENT_TYPE
from secd.runtime.mqtt import Extras, MqttSession, Puback

STRUCTURED = Extras(content_type=CONTENT_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to publish. `retain`: it is a state; otherwise it passes once."""

    topic: str
    payload: bytes
    retain: bool = False
    extras: Extras = STRUCTURED


class Line:
    """A live session. `heard` is told of every PUBACK; what is denied is for it to judge, and raises nothing here."""

    def __init__(self, session: MqttSession, heard: Callable[[Message, Puback], None]) -> None:
        self.session = session
        self._heard = heard

    async def publish(self, message: Message) -> None:
        """Send one message and wait for its PUBACK."""
        await self.confirm(message, await self.send(message))

    async def publish_all(self, messages: Iterable[Message]) -> None:
        """Send them one after the other without waiting in between, then wait for all."""
        sent = [(message, await self.send(message)) for message in messages]
        for message, answer in sent:
            await self.confirm(message, answer)

    async def send(self, message: Message) -> asyncio.Future[Puback]:
        """Hand one message over as soon as the window has room."""
        return await self.session.send(message.topic, message.payload, retain=message.retain, extras=message.extras)

    async def confirm(self, message: Message, answer: asyncio.Future[Puback]) -> Puback:
        """Its PUBACK."""
        puback = await self.session.confirm(answer)
        self._heard(message, puback)
        return puback
