"""`secd` on the command line: without a daemon, and as another user of this machine (started by root, it becomes that user)."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND_S_MAX = 20.0
# What the commands import late is imported before: the other user may not be able to read the interpreter's files.
BECOME = """
import os, sys, json, datetime, encodings.idna
import secd.cli.alarms, secd.cli.events, secd.cli.overrides, secd.cli.reload, secd.cli.status
import secd.cli.doors, secd.config.types, secd.runtime.clock
from secd.cli.main import main
os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv.pop(1)))
main(prog_name="secd")
"""


@contextmanager
def _open_to_everyone(socket: Path) -> Iterator[Path]:
    """The socket where any user of this machine reaches it, as membership of its group would; pytest's directories are
    closed, so it gets a second name elsewhere.
    """
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        socket.chmod(0o666)
        opened = Path(place, "secd.sock")
        opened.hardlink_to(socket)
        yield opened


async def command_as(uid: int, socket: Path, *words: str) -> tuple[int, str]:
    """Run one `secd` command as the user `uid`; returns its exit code and what it printed."""
    with _open_to_everyone(socket) as opened:
        return await _run(sys.executable, "-c", BECOME, str(uid), *words, "--socket", str(opened))


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
