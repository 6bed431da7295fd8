"""`secd` on the command line: without a daemon, and as another user of this machine (started by root, it becomes that user)."""

import asyncio
import os
import sys
from pathlib import Path

COMMAND_S_MAX = 20.0
# What the commands import late is imported before: the other user may not be able to read the interpreter's files.
BECOME = """
import os, sys, json, datetime, encodings.idna
import secd.cli.alarms, secd.cli.events, secd.cli.reload, secd.cli.status, secd.cli.doors, secd.runtime.clock
from secd.cli.main import main
os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv.pop(1)))
main(prog_name="secd")
"""


def open_to_everyone(socket: Path) -> None:
    """Let any user of this machine reach the socket, as membership of its group would."""
    socket.chmod(0o666)
    for place in socket.parents:
        if place.stat().st_uid == os.getuid() and place.is_relative_to("/tmp"):
            place.chmod(place.stat().st_mode | 0o011)


async def command_as(uid: int, socket: Path, *words: str) -> tuple[int, str]:
    """Run one `secd` command as the user `uid`; returns its exit code and what it printed."""
    return await _run(sys.executable, "-c", BECOME, str(uid), *words, "--socket", str(socket))


async def secd(*words: str) -> tuple[int, str]:
    """Run one `secd` command; returns its exit code and what it printed."""
    return await _run(str(Path(sys.executable).parent / "secd"), *words)


async def _run(*words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(COMMAND_S_MAX):
        printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()
