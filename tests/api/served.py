"""The API served on a real socket, with what the house would answer written down here."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from secd.api.listening import open_socket
from secd.api.operators import Operator
from secd.api.ports import Ports, View
from secd.api.server import Api
from secd.model.entry import Answer
from secd.model.facts import CommandGiven
from secd.model.names import OperatorId

ANSWER_S_MAX = 10.0
PERMISSIONS = ("see", "see_silent", "command_doors", "acknowledge", "administer")


@dataclass
class House:
    """What the API asks of the rest of secd; it answers at once and writes down what it was told."""

    operators: dict[int, Operator] = field(default_factory=dict)
    submitted: list[tuple[CommandGiven, str]] = field(default_factory=list)
    refused: list[tuple[CommandGiven, str]] = field(default_factory=list)
    reloads: list[tuple[str, str, str]] = field(default_factory=list)
    silent_asked: list[bool] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Answer(done=True))
    lines: Callable[[], AsyncGenerator[View | None, None]] | None = None

    def may(self, *permissions: str, uid: int) -> None:
        """From now on the user of this test is an operator who may do this."""
        self.operators = {uid: Operator(id=OperatorId("tester"), may=frozenset(permissions))}

    async def _submit(self, command: CommandGiven, author: str) -> Answer:
        self.submitted.append((command, author))
        return self.answer

    async def _reload(self, operator: str, reason: str, approve: str) -> Answer:
        self.reloads.append((operator, reason, approve))
        return self.answer

    async def _list(self, _: object, silent_too: bool) -> Sequence[View]:
        self.silent_asked.append(silent_too)
        return ()

    def _status(self, silent_too: bool) -> View:
        self.silent_asked.append(silent_too)
        return {"line": "all is well"}

    async def _follow(self, query: Mapping[str, str], silent_too: bool) -> AsyncGenerator[View | None, None]:
        self.silent_asked.append(silent_too)
        if "moon" in query:
            raise ValueError("unknown: moon")
        return self._nothing() if self.lines is None else self.lines()

    async def _nothing(self) -> AsyncGenerator[View | None, None]:
        yield None

    def ports(self) -> Ports:
        """This house, as the API sees one."""
        return Ports(
            operators=lambda: self.operators,
            submit=self._submit,
            refused=lambda command, author: self.refused.append((command, author)),
            status=self._status,
            doors=tuple,
            devices=tuple,
            alarms=self._list,
            events=self._list,
            follow=self._follow,
            reload=self._reload,
            accept_clock=lambda: None,
            metrics=lambda: b"# nothing\n",
        )


@dataclass
class Served:
    """A running API: its house, its routes, its socket."""

    house: House
    api: Api
    path: Path

    async def ask(
        self, method: str, where: str, body: object = None, *, raw: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        """One request on a connection of its own; the status and the answer."""
        sent = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        head = f"{method} {where} HTTP/1.1\r\nHost: secd\r\nConnection: close\r\nContent-Length: {len(sent)}\r\n\r\n"
        status, answer = await self.speak(head.encode() + sent)
        return status, json.loads(answer or b"{}")

    async def speak(self, words: bytes) -> tuple[int, bytes]:
        """Send bytes, read until the end; the status and the body, as far as there is one."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                writer.write(words)
                reply = await reader.read()
        finally:
            writer.close()
        head, _, body = reply.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body


@asynccontextmanager
async def serve(directory: Path) -> AsyncIterator[Served]:
    """The API on a socket below `directory`."""
    house = House()
    api = Api(house.ports())
    path = directory / "secd.sock"
    close = await open_socket(api.application(), path)
    try:
        yield Served(house, api, path)
    finally:
        await close()
