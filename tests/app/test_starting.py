"""Starting with broken files, with none that were ever good, and with a disk that takes nothing."""

import asyncio
import json
from pathlib import Path

from simulators.demo.courthouse import card
from simulators.demo.site import copy_site
from tests.app.commands import secd
from tests.app.conftest import Guard, Guarded
from tests.app.test_reload import RELOAD, edit
from tests.guarded import CONFIG

EAST = "east-entrance"


async def clerk_is_let_in(site: Guarded) -> None:
    board, mark = site.house.public_board, site.witness.mark()
    board.present_card(2, card("clerk"))
    await site.witness.event("access.granted", EAST, after=mark)
    await board.until(lambda: board.is_unlocked("2"))


async def test_broken_files_start_the_last_good_configuration_which_is_said_until_they_are_mended(guard: Guard) -> None:
    async with guard() as site:
        policy = json.loads((await site.daemon.command("status", "--json"))[1])["policy"]
        await site.end()
        whole = site.site.break_policy()
        site.another_daemon()
        await site.start()
        rejected = await site.witness.event("config.rejected")
        assert "clarks" in rejected["fact"]["what"]
        status = json.loads((await site.daemon.command("status", "--json"))[1])
        assert (status["policy"], len(status["troubles"])) == (policy, 1)
        assert "last good configuration runs" in status["line"]
        await clerk_is_let_in(site)

        mark = site.witness.mark()
        site.site.access.write_text(whole)
        assert (await site.daemon.command(*RELOAD))[0] == 0
        await site.witness.event("config.restored", after=mark)
        assert json.loads((await site.daemon.command("status", "--json"))[1])["troubles"] == []


async def test_never_a_good_configuration_ends_with_78_and_every_problem(tmp_path: Path) -> None:
    site = copy_site(CONFIG, tmp_path / "site", free_ports=True)
    site.break_policy()
    edit(site.directory / "doors.yaml", "    lock: strike                  # strike", "    lock: rope  # strike")
    edit(site.directory / "alarms.yaml", "{panic: [probation-desk]", "{panic: [parole-desk]")
    state, runtime = tmp_path / "state", tmp_path / "runtime"
    code, printed = await secd("run", str(site.directory), "--state", str(state), "--runtime", str(runtime))
    assert code == 78
    for place in ("access.yaml:", "doors.yaml:", "alarms.yaml:"):
        assert place in printed
    assert "no configuration to run" in printed


async def test_configuration_that_cannot_be_kept_is_guarded_all_the_same_and_kept_when_the_disk_is_well(
    guard: Guard,
) -> None:
    async with guard(start=False) as site:
        blocked = site.directory / "state" / "generations"
        blocked.parent.mkdir()
        blocked.write_text("a file where the directory should be")
        await site.start()
        await site.witness.event("config.not_kept")
        assert "not kept" in (await site.daemon.command("status"))[1]
        edit(site.site.directory / "people.yaml", "number: 01003}", "number: 01003, standing: lost}")
        code, printed = await site.daemon.command(*RELOAD)
        assert code == 0, printed
        mark = site.witness.mark()
        site.house.public_board.present_card(2, card("cleaner"))
        denied = await site.witness.event("access.denied", EAST, after=mark)
        assert denied["fact"]["reason"] == "credential_lost", "a lost card is locked out on a full disk too"
        await clerk_is_let_in(site)

        blocked.unlink()
        assert await site.daemon.command(*RELOAD) == (0, "the files are what runs already\n")
        await site.witness.event("config.kept", after=mark)
        assert "not kept" not in (await site.daemon.command("status"))[1]
        assert len(site.stored("config.not_kept")) == 1


async def test_state_that_cannot_be_written_at_all_leaves_the_building_guarded(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.directory / "state").write_text("a file where the directory should be")
        await site.daemon.start()
        await site.witness.all_devices_up()
        status = json.loads((await site.daemon.command("status", "--json"))[1])
        assert status["rooms"]["store"].startswith("degraded")
        board = site.house.public_board
        board.present_card(2, card("clerk"))
        async with asyncio.timeout(10):
            await board.until(lambda: board.is_unlocked("2"))
            site.house.panel.press(3)
            await site.house.station.until(lambda: bool(site.house.station.ledger.alarms))
        code, printed = await site.daemon.command("events")
        assert (code, "store_unavailable" in printed) == (4, True), printed
