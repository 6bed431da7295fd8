"""Cabinets and overrides of the running daemon: a pulled supply is one alarm, and what is set aside is listed and ends."""

import json
from pathlib import Path

import pytest

from simulators.faults import Cut
from tests.app.commands import command_as
from tests.app.conftest import Guard, Guarded
from tests.app.test_dangerous_edits import DEPUTY_UID, OPERATORS
from tests.app.test_reload import edit

EAST = "east-entrance"
CABINETS = """
cabinets:
  riser: {label: East riser, area: lobby, ac: public-board/7, tamper: public-board/8}
"""


def put_in_one_cabinet(directory: Path) -> None:
    devices = directory / "devices.yaml"
    for label in ("ACP-1 east riser", "ACP-2 court wing", "PPP-1 court wing"):
        edit(devices, f"label: {label}", f"label: {label}, powered_by: riser")
    (directory / "cabinets.yaml").write_text(CABINETS)


async def alarms(site: Guarded) -> list[dict[str, object]]:
    _, printed = await site.daemon.command("alarms", "list", "--json")
    found: list[dict[str, object]] = json.loads(printed)["alarms"]
    return found


async def listed(site: Guarded) -> list[str]:
    _, printed = await site.daemon.command("overrides", "--json")
    return [one["key"] for one in json.loads(printed)["overrides"]]


async def test_s17_a_cabinet_that_loses_its_supply_is_one_alarm_and_the_log_judges_the_same_again(guard: Guard) -> None:
    async with guard(start=False) as site:
        put_in_one_cabinet(site.site.directory)
        await site.start()
        mark = site.witness.mark()
        cables = (site.house.public_cable, site.house.secure_cable, site.house.panel_cable)
        for cable in cables:
            await cable.cut(Cut.REFUSED)
        lost = await site.witness.event("cabinet.power_lost", "riser", after=mark)
        assert lost["fact"]["devices"] == ["panic-panel", "public-board", "secure-board"]
        (alarm,) = await alarms(site)
        assert (alarm["kind"], alarm["label"], alarm["priority"]) == ("cabinet.power_lost", "East riser", 2)
        for name in ("bench-a", "security-desk", EAST, "evidence-door"):
            assert name in str(alarm["reason"])
        for cable in cables:
            await cable.restore()
        await site.witness.event("cabinet.power_restored", "riser", after=mark)
        await site.end()
        code, printed = await site.daemon.replay(site.site.directory)
        assert (code, "0 differ" in printed) == (0, True), printed


async def test_s17_mains_failure_told_by_an_input_and_by_a_board_are_alarms_without_a_rule(guard: Guard) -> None:
    async with guard(start=False) as site:
        put_in_one_cabinet(site.site.directory)
        await site.start()
        mark = site.witness.mark()
        board = site.house.public_board
        board.board.drive(7, board.now(), active=True)
        await site.witness.event("power.failed", "riser", after=mark)
        site.house.secure_board.mains(failed=True)
        await site.witness.event("power.failed", "secure-board", after=mark)
        assert {(alarm["point"], alarm["label"]) for alarm in await alarms(site)} == {
            ("riser/ac", "East riser: mains"), ("secure-board/ac", "East riser: mains, told by secure-board"),
        }  # fmt: skip


async def test_s19_what_is_set_aside_is_listed_ended_and_handed_over(guard: Guard) -> None:
    async with guard() as site:
        until = ("--until", "2026-11-23 23:00", "--reason", "the painters")
        for verb in ("hold", "shunt", "disable-reader"):
            code, printed = await site.daemon.command("doors", verb, EAST, *until)
            assert code == 0, printed
        assert sorted(await listed(site)) == [f"hold/{EAST}", f"reader_disabled/{EAST}", f"shunt/{EAST}"]
        await site.restart(kill=True)
        assert len(await listed(site)) == 3
        assert (await site.daemon.command("doors", "enable-reader", EAST, "--reason", "they are done"))[0] == 0
        code, _ = await site.daemon.command("overrides", "end", f"hold/{EAST}", "--reason", "they are done")
        assert code == 0
        mark = site.witness.mark()
        assert (await site.daemon.command("overrides", "--hand-over"))[0] == 2
        code, printed = await site.daemon.command(
            "overrides", "--hand-over", "--to", "night", "--reason", "end of shift"
        )
        assert (code, f"shunt/{EAST}" in printed, "the painters" in printed) == (0, True, True), printed
        told = await site.witness.event("overrides.handed_over", after=mark)
        assert (told["author"], told["fact"]["to"], len(told["fact"]["standing"])) == ("demonstrator", "night", 1)
        await site.end()
        code, printed = await site.daemon.replay(site.site.directory)
        assert (code, "0 differ" in printed) == (0, True), printed


@pytest.mark.needs("root")
async def test_s13_a_panic_point_is_taken_out_of_service_by_two_operators_only(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "operators.yaml").write_text(OPERATORS)
        await site.start()
        words = (
            "overrides",
            "out-of-service",
            "probation-desk",
            "--until",
            "2026-11-23 23:00",
            "--reason",
            "new cable",
        )
        assert (await site.daemon.command(*words))[0] == 2
        order = (*words, "--work-order", "WO-7")
        for _ in range(2):
            code, printed = await site.daemon.command(*order)
            assert (code, "second_operator_required" in printed) == (5, True), printed
        code, printed = await command_as(DEPUTY_UID, site.daemon.socket, *order)
        assert code == 0, printed
        assert [alarm["kind"] for alarm in await alarms(site)] == ["panic.taken_out_of_service"]
        assert await listed(site) == ["out_of_service/probation-desk"]
        mark = site.witness.mark()
        site.house.panel.press(3)
        await site.witness.event("alarm.repeated", after=mark)
        assert [alarm["occurrences"] for alarm in await alarms(site)] == [2]
