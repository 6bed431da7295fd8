"""A simulator that lives at a broker: connects, reconnects, hands over messages. Stations and button gateways are such.

In: a broker's address and a login. Out: calls of `joined`, `heard` and `parting`. A peer may be told to leave without a goodbye, as
one whose power fails, so that its will speaks.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from secd.model.errors import LinkLost, SecdError
from secd.model.secret import Secret
from secd.runtime.mqtt import BrokerAddress, Dial, MqttSession, Received, Will, open_session

RETRY_S_MAX = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who the peer is at the broker."""

    username: str
    password: str


class MqttPeer:
    """One client at one broker, kept connected while it is wanted. `async with` runs it."""

    def __init__(
        self,
        *,
        broker: str,
        client_id: str,
        login: Login | None,
        joined: Callable[[MqttSession], Awaitable[None]],
        heard: Callable[[MqttSession, Received], Awaitable[None]],
        parting: Callable[[MqttSession], Awaitable[None]] | None = None,
        will: Will | None = None,
        session_expiry_s: int = 0,
    ) -> None:
        self._dial = Dial(
            address=BrokerAddress.parse(broker),
            client_id=client_id,
            username=login.username if login is not None else "",
            password=Secret(login.password) if login is not None else None,
            will=will,
            session_expiry_s=session_expiry_s,
        )
        self._joined = joined
        self._heard = heard
        self._parting = parting
        self._session: MqttSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self.problem = ""

    @property
    def session(self) -> MqttSession:
        """The live connection; ValueError when there is none."""
        if self._session is None:
            raise ValueError(f"{self._dial.client_id} is not connected: {self.problem or 'not yet'}")
        return self._session

    @property
    def connected(self) -> bool:
        """Whether the broker has it."""
        return self._session is not None

    async def __aenter__(self) -> Self:
        self.join()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None and self._parting is not None:
            with suppress(SecdError):
                await self._parting(self._session)
        await self._end()

    def join(self) -> None:
        """Connect, and stay connected."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay(), name=self._dial.client_id)

    async def vanish(self) -> None:
        """As if its power failed: no goodbye, and no return until `join`."""
        session = self._session
        if session is not None:
            session.abandon()
        await self._end()

    async def until_connected(self) -> None:
        """Return once the broker has it and `joined` is done."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._session is not None)

    async def _end(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _stay(self) -> None:
        while True:
            try:
                async with open_session(self._dial) as session:
                    await self._joined(session)
                    await self._set(session)
                    while True:
                        received = await session.receive()
                        await self._heard(session, received)
                        session.acknowledge(received)
            except LinkLost as error:
                self.problem = str(error)
            except SecdError as error:
                self.problem = f"{type(error).__name__}: {error}"
            finally:
                self._session = None
            await asyncio.sleep(random.uniform(0.05, RETRY_S_MAX))

    async def _set(self, session: MqttSession) -> None:
        self.problem = ""
        async with self._changed:
            self._session = session
            self._changed.notify_all()
