"""Whatever is sent is answered with a clear refusal, within bounds, and the API lives on."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from secd.api.listening import CONNECTIONS_MAX, WAITING_MAX
from secd.api.ports import View
from secd.api.server import BODY_BYTES_MAX, FOLLOWERS_MAX
from tests.api.served import PERMISSIONS, Served, serve

UID = os.getuid()
RELEASE = "/v1/doors/east-entrance/release"
REASON = '"reason": "a test of the API"'
FOLLOW = b"GET /v1/events/follow HTTP/1.1\r\nHost: secd\r\n\r\n"
READ_AHEAD_BYTES_MAX = 8 * 1024 * 1024

WRONG_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "not an object": b"[]",
    "null": b"null",
    "no UTF-8": b'{"reason": "\xff\xfe\xfa"}',
    "half a surrogate": b'{"reason": "\\ud800 is half"}',
    "deep": b"[" * 10_000,
    "unknown member": f'{{{REASON}, "second": "somebody else"}}'.encode(),
    "wrong type": b'{"reason": 12345}',
    "too short a reason": b'{"reason": "  x  "}',
    "too long a reason": json.dumps({"reason": "x" * 501}).encode(),
    "moment without offset": f'{{{REASON}, "until": "2026-11-23T18:00:00"}}'.encode(),
    "no moment": f'{{{REASON}, "until": "tomorrow"}}'.encode(),
    "moment that does not exist": f'{{{REASON}, "until": "2026-02-30T18:00:00Z"}}'.encode(),
    "a number too large": f'{{{REASON}, "until": {"9" * 400}}}'.encode(),
}
PATHS = (
    "/", "/v1", "/v2/status", "/v1/../v1/secrets", "/v1/doors/../../etc/passwd/release", "/v1/doors//release",
    "/v1/doors/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/v1/doors/" + "x" * 5000 + "/release", "/v1/status/more",
)  # fmt: skip


async def still_lives(served: Served) -> None:
    assert (await served.ask("GET", "/v1/status"))[0] == 200


@pytest.mark.parametrize("raw", WRONG_BODIES.values(), ids=WRONG_BODIES)
async def test_body_that_is_not_understood_is_refused_with_what_is_wrong(tmp_path: Path, raw: bytes) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        status, answer = await served.ask("POST", RELEASE, raw=raw)
        assert (status, answer["code"], answer["done"]) == (400, "bad_request", False)
        assert answer["detail"]
        assert served.house.submitted == []
        await still_lives(served)


async def test_revision_that_no_alarm_can_have_is_refused(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        for rev in (-1, 2**53 + 1, 10**300, "1", 1.5, None):
            assert (await served.ask("POST", "/v1/alarms/01JD.1/acknowledge", {"rev": rev}))[0] == 400
        assert served.house.submitted == []


async def test_body_over_the_bound_is_refused_and_not_read_into_memory(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        status, answer = await served.ask("POST", RELEASE, raw=b'{"reason": "%b"}' % (b"x" * BODY_BYTES_MAX))
        assert (status, answer["code"]) == (413, "bad_request")
        await still_lives(served)


async def test_paths_that_lead_nowhere_are_told_so_and_reach_nothing(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        for path in PATHS:
            status, answer = await served.ask("POST", path, {"reason": "a test of the API"})
            assert status in {404, 405}, path
            assert answer["done"] is False
        status, answer = await served.ask(
            "POST", "/v1/doors/..%2F..%2Fetc/release", {"reason": "a name like any other"}
        )
        assert status == 200
        assert [given.target for given, _ in served.house.submitted] == ["../../etc"], "a name, never a path"
        assert (await served.ask("DELETE", "/v1/doors"))[0] == 405
        await still_lives(served)


async def test_what_is_no_http_is_hung_up_on(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        for words in (b"\x00" * 64 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET /v1/status HTTP/9.9\r\n\r\n"):
            assert (await served.speak(words))[0] == 400
        head = b"GET /v1/status HTTP/1.1\r\nHost: secd\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n"
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            assert (await served.speak(head))[0] == 400
        await still_lives(served)


async def test_connections_are_bounded_and_one_too_many_is_told_so(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(CONNECTIONS_MAX + WAITING_MAX):
                _, writer = await asyncio.open_unix_connection(served.path)
                stack.callback(writer.close)
            status, answer = await served.ask("GET", "/v1/status")
            assert (status, answer["code"]) == (503, "busy")
        async with asyncio.timeout(10):
            while (await served.ask("GET", "/v1/status"))[0] == 503:
                continue


class Flood:
    """Events without end; it counts how many were taken of it."""

    def __init__(self) -> None:
        self.taken_bytes = 0
        self.ended = asyncio.Event()

    async def lines(self) -> AsyncGenerator[View | None, None]:
        """64 KB each."""
        try:
            while True:
                yield {"kind": "x" * 65_536}
                self.taken_bytes += 65_536
                await asyncio.sleep(0)
        finally:
            self.ended.set()


async def test_slow_reader_takes_a_bounded_part_holds_nobody_up_and_is_let_go(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        flood = Flood()
        served.house.lines = flood.lines
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as slow:
            slow.settimeout(0)
            slow.connect(str(served.path))
            await loop.sock_sendall(slow, FOLLOW)
            taken = -1
            while flood.taken_bytes > taken or not taken:
                taken = flood.taken_bytes
                for _ in range(20):
                    await still_lives(served)
            assert taken < READ_AHEAD_BYTES_MAX
            assert not flood.ended.is_set()
        async with asyncio.timeout(10):
            await flood.ended.wait()


async def test_reader_that_lost_its_permission_reads_no_more(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        go_on = asyncio.Event()

        async def lines() -> AsyncGenerator[View | None, None]:
            yield {"kind": "access.granted"}
            await go_on.wait()
            yield {"kind": "access.denied"}

        served.house.lines = lines
        reader, writer = await asyncio.open_unix_connection(served.path)
        writer.write(FOLLOW)
        async with asyncio.timeout(10):
            seen = await reader.readuntil(b"access.granted")
            served.house.may("administer", uid=UID)
            go_on.set()
            rest = await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()
        assert b"access.denied" not in seen + rest


async def test_query_that_is_not_understood_is_refused_before_anything_is_followed(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        status, answer = await served.ask("GET", "/v1/events/follow?moon=full")
        assert (status, answer["detail"]) == (400, "unknown: moon")


async def test_followers_are_bounded_and_leave_room_for_others(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        stay = asyncio.Event()

        async def lines() -> AsyncGenerator[View | None, None]:
            yield {"kind": "access.granted"}
            await stay.wait()

        served.house.lines = lines
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(FOLLOWERS_MAX):
                reader, writer = await asyncio.open_unix_connection(served.path)
                stack.callback(writer.close)
                writer.write(FOLLOW)
                async with asyncio.timeout(10):
                    await reader.readuntil(b"access.granted")
            assert (await served.ask("GET", "/v1/events/follow"))[0] == 503
            await still_lives(served)
            stay.set()
