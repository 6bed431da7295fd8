"""How a child process of a benchmark is told what to do: a JSON object a line in, one a line out."""

import asyncio
import json
import sys
from typing import Any


async def serve_commands(obeys: object) -> None:
    """Call `obeys`' methods as told, several at a time, until the input ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def carry_out(command: dict[str, Any]) -> None:
        ticket = command.pop("ticket")
        say({"ticket": ticket, **await getattr(obeys, command.pop("do"))(**command)})

    async with asyncio.TaskGroup() as running:  # a failure ends the process, and so its parent's waiting
        while line := await reader.readline():
            running.create_task(carry_out(json.loads(line)))


def say(words: dict[str, Any]) -> None:
    """One line to whoever started us."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()
