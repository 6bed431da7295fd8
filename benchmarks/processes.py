"""The processes of a benchmark: the boards, the daemon, and small clients of ours; each measured from outside.

In: what to run. Out: handles with CPU time, memory, and the daemon's own account (its store, READY=1). Children end with
their handle.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.site import Extent
from secd.store.reader import ReadOnlyStore
from secd.store.stored import EventFilter, StoredEvent

ROOT = Path(__file__).resolve().parents[1]
LINE_BYTES_MAX = 64 * 1024 * 1024
START_S_MAX = 60.0
STOP_S_MAX = 15.0
LOOK_AGAIN_S = 0.2
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a process has used by now."""

    at: float
    cpu_s: float

    def core_percent_since(self, before: "Usage") -> float:
        """Of one core."""
        return 100 * (self.cpu_s - before.cpu_s) / (self.at - before.at)


def usage_of(pid: int) -> Usage:
    """CPU time of a process, all its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Usage(at=time.monotonic(), cpu_s=(int(fields[11]) + int(fields[12])) * _TICK_S)


def resident_mb(pid: int, field: str = "VmRSS") -> float:
    """Resident memory; `VmHWM` is its highest so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def machine_cpu_s() -> float:
    """CPU time that everybody on this machine has used."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(ticks) - ticks[3] - ticks[4]) * _TICK_S


class Child:
    """A Python module of `benchmarks` as a process that answers JSON lines."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._tickets = count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    async def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Have it do something, and return what it answers."""
        ticket = next(self._tickets)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = answer
        assert self._process.stdin is not None  # noqa: S101 -- a pipe was asked for
        self._process.stdin.write(json.dumps({"ticket": ticket, "do": do, **words}).encode() + b"\n")
        return await answer

    async def hear(self) -> dict[str, Any]:
        """One line that is no answer."""
        assert self._process.stdout is not None  # noqa: S101 -- as above
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the benchmark ended with {await self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def listen(self) -> None:
        """From now on lines are answers."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                answer = await self.hear()
            except RuntimeError as error:
                for waiting in self._waiting.values():
                    waiting.set_exception(error)
                return
            self._waiting.pop(answer.pop("ticket")).set_result(answer)

    async def end(self) -> None:
        """End it."""
        if self._reading is not None:
            self._reading.cancel()
        assert self._process.stdin is not None  # noqa: S101 -- as above
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def child(module: str, arguments: Mapping[str, Any]) -> AsyncIterator[Child]:
    """`python -m benchmarks.MODULE ARGUMENTS` for the length of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"benchmarks.{module}", json.dumps(arguments), cwd=ROOT, limit=LINE_BYTES_MAX,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    one = Child(process)
    try:
        yield one
    finally:
        await one.end()


@asynccontextmanager
async def boards(extent: Extent, *, cabled: int = 0) -> AsyncIterator[tuple[Child, list[int]]]:
    """Simulated boards in a process of their own, and their ports."""
    async with child("boards", {"extent": asdict(extent), "cabled": cabled}) as one:
        ports = (await one.hear())["ports"]
        one.listen()
        yield one, ports


@dataclass(slots=True)
class Daemon:
    """One `secd run`. `started` is the wall-clock moment before its exec."""

    process: asyncio.subprocess.Process
    started: float
    ready_s: float
    state: Path
    runtime: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def until_up(self, devices: int) -> None:
        """Return once so many devices are up, as `secd devices` says."""
        async with asyncio.timeout(START_S_MAX):
            while await self.up() < devices:  # noqa: ASYNC110 -- it does not call us
                await asyncio.sleep(LOOK_AGAIN_S)

    async def up(self) -> int:
        """How many devices are up."""
        listed = json.loads(await run_program("devices", "--json", "--socket", str(self.runtime / "secd.sock")))
        return sum(device["state"] == "up" for device in listed["devices"])

    async def events(self, *kinds: str) -> list[StoredEvent]:
        """Every stored event of these kinds (all when none is named), oldest first."""
        store = await ReadOnlyStore.open(self.state / "events.db")
        found: list[StoredEvent] = []
        try:
            while True:
                after = found[-1].seq if found else 0
                page = await store.find_events(
                    EventFilter(kinds=kinds, after_seq=after, limit=_PAGE, newest_first=False)
                )
                found += page
                if len(page) < _PAGE:
                    return found
        finally:
            await store.close()

    async def stop(self) -> None:
        """End it as systemd would."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def daemon(site: Path, directory: Path, *, wrap: Sequence[str] = ()) -> AsyncIterator[Daemon]:
    """`secd run SITE`, ready; its log is `directory/secd.log`."""
    directory.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 -- nothing else runs yet
    state, runtime = directory / "state", directory / "runtime"
    notify_path = directory / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify:
        notify.bind(str(notify_path))
        started, started_mono = time.time(), time.monotonic()
        with (directory / "secd.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *wrap, str(Path(sys.executable).parent / "secd"), "run", str(site),
                "--state", str(state), "--runtime", str(runtime),
                stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1", "NOTIFY_SOCKET": str(notify_path)},
            )  # fmt: skip
        try:
            await _until_ready(notify, process, directory / "secd.log")
            one = Daemon(process, started, time.monotonic() - started_mono, state, runtime)
            asyncio.get_running_loop().add_reader(notify, lambda: notify.recv(4096))  # as systemd: it takes every word
            try:
                yield one
            finally:
                await one.stop()
                asyncio.get_running_loop().remove_reader(notify)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _until_ready(notify: socket.socket, process: asyncio.subprocess.Process, log: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.create_task(process.wait())
    try:
        async with asyncio.timeout(START_S_MAX):
            while True:
                heard = asyncio.create_task(loop.sock_recv(notify, 4096))
                await asyncio.wait({heard, ended}, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    heard.cancel()
                    raise RuntimeError(f"secd ended with {process.returncode}: {log.read_text()[-2000:]}")  # noqa: ASYNC240
                if b"READY=1" in await heard:
                    return
    finally:
        ended.cancel()


async def run_program(*words: str) -> str:
    """What a `secd` command prints; it must end well."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "secd"), *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    printed, complaint = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"secd {words[0]} ended with {process.returncode}: {complaint.decode()[-500:]}")
    return printed.decode()
