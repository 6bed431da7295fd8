"""The control interface over real HTTP, with a real link as its simulator."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from simulators.control import BODY_BYTES_MAX, Control, ControlError, call_control, serve_control
from simulators.faults import Cut, FaultyLink


@pytest.fixture
async def link() -> AsyncIterator[FaultyLink]:
    async with FaultyLink(9, name="board-link") as link:
        yield link


@pytest.fixture
async def port(link: FaultyLink) -> AsyncIterator[int]:
    async with serve_control(Control([link])) as port:
        yield port


async def post(port: int, path: str, **request: Any) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}{path}", **request) as response,
    ):
        return response.status, await response.json()


async def test_an_action_is_carried_out_and_its_effect_is_in_the_state(link: FaultyLink, port: int) -> None:
    assert await post(port, "/board-link/cut", json={"how": "refused"}) == (200, {"result": None})
    state = await asyncio.to_thread(call_control, "/state", port=port)
    assert state["board-link"]["cut"] == "refused"
    assert state["board-link"]["port"] == link.port


async def test_numbers_written_as_text_are_taken_as_numbers(link: FaultyLink, port: int) -> None:
    await asyncio.to_thread(call_control, "/board-link/delay", {"seconds": "0.25"}, port=port)
    assert link.state()["delay_s"] == 0.25


async def test_the_actions_are_described_with_their_arguments(port: int) -> None:
    described = await asyncio.to_thread(call_control, "/actions", port=port)
    assert described["board-link"]["delay"]["properties"]["seconds"]["maximum"] == 60
    assert described["board-link"]["spoil"]["required"] == ["what"]


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/nobody/cut", {}, 404, "board-link"),
        ("/board-link/explode", {}, 404, "it can cut, delay"),
        ("/board-link/cut", {"how": "loudly"}, 422, "how: Input should be 'silent' or 'refused'"),
        ("/board-link/delay", {}, 422, "seconds: Field required"),
        ("/board-link/delay", {"seconds": -1}, 422, "greater than or equal to 0"),
        ("/board-link/cut", {"hwo": "silent"}, 422, "hwo: Extra inputs are not permitted"),
        ("/board-link/cut", [1], 400, "it was a list"),
    ],
)
async def test_a_wrong_request_is_told_what_would_be_right(
    port: int, path: str, body: object, status: int, said: str
) -> None:
    answered, answer = await post(port, path, json=body)
    assert answered == status
    assert said in f"{answer['error']} {answer['problems']}"


async def test_an_action_that_cannot_be_done_now_is_answered_409(port: int) -> None:
    assert (await post(port, "/board-link/spoil", json={"what": "lost", "messages": 1000}))[0] == 200
    status, answer = await post(port, "/board-link/spoil", json={"what": "lost"})
    assert status == 409
    assert "1000 do" in answer["error"]


async def test_what_a_web_page_could_send_is_refused(port: int, link: FaultyLink) -> None:
    assert (await post(port, "/board-link/cut", data="{}", headers={"Content-Type": "text/plain"}))[0] == 415
    assert (await post(port, "/board-link/cut", json={}, headers={"Host": "evil.example"}))[0] == 421
    assert link.state()["cut"] is None


async def test_a_body_that_is_no_json_or_too_large_is_refused(port: int) -> None:
    as_json = {"Content-Type": "application/json"}
    assert (await post(port, "/board-link/cut", data="{how", headers=as_json))[0] == 400
    assert (await post(port, "/board-link/cut", data="[" * 60_000, headers=as_json))[0] == 400
    assert (await post(port, "/board-link/cut", data=" " * (BODY_BYTES_MAX + 1), headers=as_json))[0] == 413


async def test_the_same_control_works_in_process(link: FaultyLink) -> None:
    control = Control([link])
    await control.do("board-link", "cut", {"how": Cut.SILENT})
    assert control.state()["board-link"]["cut"] == "silent"
    with pytest.raises(ControlError, match="no simulator"):
        await control.do("nobody", "cut", {})
    with pytest.raises(ValueError, match="already"):
        control.add(link)
    control.remove("board-link")
    assert control.state() == {}
