"""The running daemon's API: what is refused is on record, what is sent cannot end it, and it counts what it does."""

import asyncio
import contextlib
import json
import re

import pytest

from secd.api.listening import CONNECTIONS_MAX
from simulators.demo.courthouse import card
from simulators.faults import Cut
from tests.api.served import Served
from tests.app.commands import command_as
from tests.app.conftest import Guard, Guarded
from tests.app.test_reload import RELOAD
from tests.app.test_silence import OPERATORS

EAST = "east-entrance"
ENDS = (
    "0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z",
    "1969-12-31T23:59:59Z", "2026-11-23T09:00:00+00:00",
)  # fmt: skip
REASONS = ("a\x00b\x1b[2Jc", "\u202egnp.exe", "'; DROP TABLE events; --", "a\nb\r\nc", "\U0001f6aa" * 200)


def api_of(site: Guarded) -> Served:
    """Requests to the running daemon."""
    return Served(None, None, site.daemon.socket)  # type: ignore[arg-type]


async def clerk_is_let_in(site: Guarded) -> None:
    mark = site.witness.mark()
    site.house.public_board.present_card(2, card("clerk"))
    await site.witness.event("access.granted", EAST, after=mark)


async def numbers(site: Guarded) -> dict[str, float]:
    """What /v1/metrics tells, by name and labels."""
    status, text = await api_of(site).speak(b"GET /v1/metrics HTTP/1.0\r\n\r\n")
    assert status == 200
    rows = re.findall(r"^(secd_.+) (\S+)$", text.decode(), re.MULTILINE)
    return {name: float(value) for name, value in rows}


async def test_whatever_an_operator_sends_is_answered_and_the_building_stays_guarded(guard: Guard) -> None:
    async with guard() as site:
        api, mark = api_of(site), site.witness.mark()
        for verb in ("unlock", "lock"):
            for until in ENDS:
                body = {"reason": "a moment out of this world", "until": until}
                status, answer = await api.ask("POST", f"/v1/doors/{EAST}/{verb}", body)
                assert (status, answer["code"][:6]) in {(409, "until_"), (400, "bad_re")}, (until, answer)
        for reason in REASONS:
            status, answer = await api.ask("POST", f"/v1/doors/{EAST}/lock", {"reason": reason})
            assert status in {200, 409}, answer
        for where in (
            "/v1/events?since=yesterday",
            "/v1/events?limit=-1",
            "/v1/events?moon=full",
            "/v1/events?after=x",
        ):
            assert (await api.ask("GET", where))[0] == 400
        assert (await api.ask("GET", "/v1/events?kind=" + "x," * 2000))[0] == 200
        assert (await api.ask("GET", "/v1/events?since=0001-01-01T00:00:00%2B23:59"))[0] in {200, 400}
        assert (await api.ask("POST", "/v1/alarms/01JD.1/acknowledge", {"rev": 2**53}))[0] == 404
        assert (await api.ask("POST", "/v1/levels/set", {"reason": "no such area", "area": "the moon"}))[0] == 404
        assert (await api.ask("POST", f"/v1/doors/{EAST}/lock", raw=b"x" * 70_000))[0] == 413
        commanded = await site.witness.event(
            "operator.commanded", EAST, after=mark, fits=lambda event: event["fact"]["reason"] == REASONS[-1]
        )
        assert commanded["author"] == "demonstrator"
        code, printed = await site.daemon.command("events", "--kind", "operator.commanded")
        assert code == 0
        assert not {char for char in printed if not char.isprintable()} - {"\n"}
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(2 * CONNECTIONS_MAX):
                with contextlib.suppress(ConnectionError):
                    _, writer = await asyncio.open_unix_connection(site.daemon.socket)
                    stack.callback(writer.close)
            site.house.public_cable.reset()  # a device must still be able to get its connection
            await site.witness.event("device.came_back", "public-board", after=mark)
            await clerk_is_let_in(site)
        assert (await site.daemon.command("status"))[0] == 0


@pytest.mark.needs("root")
async def test_what_is_refused_to_an_operator_and_to_a_stranger_is_on_record(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "operators.yaml").write_text(OPERATORS)
        await site.start()
        mark = site.witness.mark()
        code, printed = await command_as(1000, site.daemon.socket, *RELOAD)
        assert (code, "no role that may administer" in printed) == (5, True), printed
        refused = await site.witness.event("operator.refused", after=mark)
        assert (refused["author"], refused["fact"]["verb"]) == ("duty-captain", "POST /v1/reload")
        code, printed = await command_as(1001, site.daemon.socket, "doors", "release", EAST, "--reason", "let me in")
        assert (code, "is no operator" in printed) == (5, True), printed
        refused = await site.witness.event("operator.refused", after=refused["seq"])
        assert (refused["author"], refused["fact"]["verb"]) == ("uid 1001", f"POST /v1/doors/{EAST}/release")
        assert site.stored("operator.commanded", after=mark) == []


async def test_metrics_tell_what_the_core_path_does_and_how_the_house_stands(guard: Guard) -> None:
    async with guard() as site:
        before = await numbers(site)
        for _ in range(3):
            await clerk_is_let_in(site)
        site.site.break_policy()
        assert (await site.daemon.command(*RELOAD))[0] == 5
        await site.witness.event("config.rejected")
        after = await numbers(site)

        def more(name: str) -> float:
            return after[name] - before.get(name, 0.0)

        assert more('secd_events_total{kind="access.granted"}') == 3
        assert more("secd_door_decision_seconds_count") == 3
        assert more("secd_commit_seconds_count") >= 3
        assert more("secd_policy_reload_failures_total") == 1
        policy = json.loads((await site.daemon.command("status", "--json"))[1])["policy"]
        assert after[f'secd_policy_info{{digest="{policy}"}}'] == 1
        assert after["secd_store_degraded"] == after["secd_dropped_events_total"] == 0
        assert after["secd_clock_trusted"] == 1
        up = {name: value for name, value in after.items() if name.startswith("secd_device_up")}
        assert (len(up), set(up.values())) == (6, {1.0})
        assert 'secd_alert_outbox_pending{stream="health"}' in after
        assert not [name for name in after if 'kind="panic' in name or 'kind="alarm' in name]

        await site.house.public_cable.cut(Cut.REFUSED)
        await site.witness.event("device.went_offline", "public-board")
        assert (await numbers(site))['secd_device_up{device="public-board"}'] == 0
        async with asyncio.timeout(20):
            while 'secd_job_runs_total{job="prune sealed reads",result="done"}' not in await numbers(site):
                continue
