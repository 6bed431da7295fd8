"""Who may do what: every route and every permission, and nobody else at all."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from secd.model.entry import Answer
from tests.api.served import PERMISSIONS, Served, serve

UID = os.getuid()
REASON = {"reason": "a test of the API"}
BODIES: dict[str, dict[str, Any]] = {
    "DoorCommand": REASON,
    "UnlockCommand": {**REASON, "until": "2026-11-23T18:00:00-06:00"},
    "LevelCommand": {**REASON, "area": "courthouse"},
    "FireCommand": REASON,
    "PointCommand": {**REASON, "until": "2026-11-23T18:00:00-06:00", "work_order": "WO-1"},
    "OverrideCommand": {**REASON, "override": "shunt/east-entrance"},
    "HandOverCommand": REASON,
    "AlarmCommand": {"rev": 1},
    "ReloadCommand": REASON,
    "ClockCommand": REASON,
}


def body_of(route: Any) -> dict[str, Any] | None:
    return None if route.body is None else BODIES[route.body.__name__]


def address(path: str) -> str:
    return re.sub(r"\{\w+\}", "something", path)


async def refusal(served: Served, method: str, path: str, body: object) -> tuple[int, str]:
    status, answer = await served.ask(method, path, body)
    return status, answer.get("code", "")


@pytest.mark.parametrize("permission", [*PERMISSIONS, ""])
async def test_each_route_is_open_to_the_one_permission_it_needs_and_closed_to_every_other(
    tmp_path: Path, permission: str
) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*([permission] if permission else []), uid=UID)
        for route in served.api.routes:
            served.house.refused.clear()
            asked = address(route.path)
            if route.permission == permission:
                if route.path != "/v1/metrics" and not route.path.endswith("follow"):
                    status, _ = await served.ask(route.method, asked, body_of(route))
                    assert status == 200, asked
                assert served.house.refused == []
                continue
            assert await refusal(served, route.method, asked, body_of(route)) == (403, "forbidden"), asked
            assert [(given.verb, author) for given, author in served.house.refused] == [
                (f"{route.method} {route.path}", "tester")
            ]
        allowed = [route for route in served.api.routes if route.permission == permission and route.method == "POST"]
        assert len(served.house.submitted) + len(served.house.reloads) == len(allowed)


async def test_uid_that_is_no_operator_is_refused_everywhere_and_on_record(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID + 1)
        for method, path in [
            *((route.method, route.path) for route in served.api.routes),
            ("GET", "/v1/openapi.json"),
            ("GET", "/nowhere"),
        ]:
            assert await refusal(served, method, address(path), REASON) == (403, "unmapped"), path
            assert served.house.refused[-1][1] == f"uid {UID}"
        assert served.house.submitted == []
        assert served.house.reloads == []


async def test_s12_only_see_silent_is_shown_silent_things(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        for permissions, silent_too in ((("see",), False), (("see", "see_silent"), True)):
            served.house.may(*permissions, uid=UID)
            served.house.silent_asked.clear()
            for path in ("/v1/status", "/v1/alarms", "/v1/events"):
                assert (await served.ask("GET", path))[0] == 200
            await served.speak(b"GET /v1/events/follow HTTP/1.0\r\n\r\n")
            assert served.house.silent_asked == [silent_too] * 4


async def test_refusals_of_the_house_are_told_with_their_own_status_and_code(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may(*PERMISSIONS, uid=UID)
        for code, status in (
            ("stale_rev", 409), ("unknown_target", 404), ("busy", 503), ("needs_second_operator", 409),
        ):  # fmt: skip
            served.house.answer = Answer(done=False, code=code, detail="why not")
            told = await served.ask("POST", "/v1/doors/east-entrance/release", REASON)
            assert told == (status, {"done": False, "code": code, "detail": "why not"})


async def test_socket_is_for_its_owner_and_group_only(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        assert served.path.stat().st_mode & 0o777 == 0o660


async def test_openapi_names_every_route_with_its_permission_and_resolves_every_reference(tmp_path: Path) -> None:
    async with serve(tmp_path) as served:
        served.house.may("see", uid=UID)
        status, document = await served.ask("GET", "/v1/openapi.json")
        assert (status, document["openapi"]) == (200, "3.1.0")
        assert set(document["info"]) >= {"title", "version"}
        named = {
            (method.upper(), path, operation["x-permission"])
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        }
        assert named == {(route.method, route.path, route.permission) for route in served.api.routes}
        schemas = document["components"]["schemas"]
        for path, operations in document["paths"].items():
            for operation in operations.values():
                in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
                assert in_path == set(re.findall(r"\{(\w+)\}", path))
                assert {"200", "403"} <= set(operation["responses"])
                assert operation["summary"]
        for reference in re.findall(r"'\$ref': '([^']+)'", str(document)):
            assert reference.removeprefix("#/components/schemas/") in schemas
        assert all(schema["additionalProperties"] is False for schema in schemas.values())
