"""S18: what takes away a way to call for help, or a door, is listed, and two people do it."""

import json
import re
import signal
from pathlib import Path

import pytest

from simulators.faults import Cut
from tests.app.commands import command_as, secd
from tests.app.conftest import Guard, Guarded
from tests.app.test_reload import edit

DEPUTY_UID = 1000
OPERATORS = """
operators:
  demonstrator: {uid: 0, roles: [administrator]}
  second-administrator: {uid: 1000, roles: [administrator]}
roles:
  administrator: {may: [see, see_silent, command_doors, acknowledge, administer]}
"""
LISTED = {
    "removed panic_points bailiff-badge-2",
    "removed alarms desk-panic",
    "changed alarms courtroom-duress do",
    "changed alarms bailiff-needs-help when",
    "removed doors front-entrance",
}
RELOAD = ("reload", "--reason", "the front is walled up")


def wall_up_the_front(directory: Path) -> None:
    """A panic point, an alarm, a camera action and a door go."""
    doors = directory / "doors.yaml"
    edit(doors, "  bailiff-badge-2: {button: wireless-buttons/badge-2, check_in: 60s, area: courthouse}\n", "")
    doors.write_text(re.sub(r"  front-entrance:\n(    .*\n)+", "", doors.read_text()))
    alarms = directory / "alarms.yaml"
    edit(alarms, "[bailiff-badge-1, bailiff-badge-2]", "[bailiff-badge-1]")
    edit(alarms, "  desk-panic:", "  desk-panic-again:")
    edit(alarms, "    do: [{snapshot: {cameras: [courtroom-a-cam]}}]\n", "")
    access = directory / "access.yaml"
    access.write_text(re.sub(r"door_modes:\n(  .*\n)+", "", access.read_text()))


async def digest_of(site: Guarded) -> str:
    code, printed = await secd("check", str(site.site.directory), "--json")
    assert code == 0, printed
    return str(json.loads(printed)["digest"])


async def reload_as_second(site: Guarded, *words: str) -> tuple[int, str]:
    return await command_as(DEPUTY_UID, site.daemon.socket, *RELOAD, *words)


@pytest.mark.needs("root")
async def test_s18_dangerous_edits_are_listed_and_take_two_operators_and_a_removed_door_is_first_locked(
    guard: Guard,
) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "operators.yaml").write_text(OPERATORS)
        await site.start()
        board = site.house.public_board
        await board.until(lambda: board.is_unlocked("1"))  # office hours
        mark = site.witness.mark()
        wall_up_the_front(site.site.directory)
        digest = await digest_of(site)

        site.daemon.signal(signal.SIGHUP)
        by_signal = await site.witness.event("operator.refused", after=mark)
        assert (by_signal["author"], by_signal["fact"]["args"]["code"]) == ("systemd", "needs_second_operator")
        code, printed = await site.daemon.command(*RELOAD, "--approve", digest)
        assert (code, "needs_second_operator" in printed) == (5, True), "a signal is nobody's word"
        assert {line.strip(" -") for line in printed.splitlines() if line.startswith("  - ")} == LISTED
        assert digest in printed

        code, printed = await site.daemon.command(*RELOAD, "--approve", digest)
        assert (code, "same_operator" in printed) == (5, True), printed
        code, printed = await reload_as_second(site, "--approve", "0" * 64)
        assert (code, "other_files" in printed) == (5, True), printed

        await site.house.public_cable.cut(Cut.REFUSED)
        await site.witness.event("device.went_offline", "public-board", after=mark)
        code, printed = await reload_as_second(site, "--approve", digest)
        assert (code, "not_locked" in printed, "front-entrance" in printed) == (5, True, True), printed
        await site.house.public_cable.restore()
        await site.witness.event("device.came_back", "public-board", after=mark)
        shown = json.loads((await site.daemon.command("doors", "list", "--json"))[1])["doors"]
        assert ("front-entrance", "unlocked") in {(door["door"], door["mode"]) for door in shown}
        await site.witness.until(lambda: bool(site.stored("door.lock_energised", subject="front-entrance", after=mark)))
        assert board.is_unlocked("1"), "the mode before is restored"
        assert site.stored("policy.activated", after=mark) == []

        assert (await reload_as_second(site))[0] == 5
        code, printed = await site.daemon.command(*RELOAD, "--approve", digest)
        assert code == 0, printed
        assert not board.is_unlocked("1")
        activated = await site.witness.event("policy.activated", after=mark)
        locked = await site.witness.event("door.lock_deenergised", "front-entrance", after=mark)
        assert locked["seq"] < activated["seq"], "locked and seen to be locked before it is removed"
        assert activated["fact"]["changes"][-2:] == [
            "by demonstrator: the front is walled up",
            "asked for by second-administrator",
        ]
        codes = [event["fact"]["args"]["code"] for event in site.stored("operator.refused", after=mark)]
        assert codes == [
            "needs_second_operator", "needs_second_operator", "same_operator", "other_files", "not_locked",
            "needs_second_operator",
        ]  # fmt: skip


@pytest.mark.needs("root")
async def test_s18_a_restart_is_no_way_around_the_second_operator(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "operators.yaml").write_text(OPERATORS)
        await site.start()
        before = json.loads((await site.daemon.command("status", "--json"))[1])["policy"]
        await site.end()
        wall_up_the_front(site.site.directory)
        restarted = site.site.directory / "site.yaml"
        edit(restarted, "label: County Courthouse, 1 Main Street", "label: County Courthouse, 2 Main Street")
        digest = await digest_of(site)

        site.another_daemon()
        await site.start()
        shown = json.loads((await site.daemon.command("status", "--json"))[1])
        assert (shown["policy"], bool(shown["troubles"])) == (before, True), "what ran before runs"
        rejected = await site.witness.event("config.rejected")
        assert "bailiff-badge-2" in rejected["fact"]["what"]

        assert (await reload_as_second(site))[0] == 5
        code, printed = await site.daemon.command(*RELOAD, "--approve", digest)
        assert (code, "approved; site: read at the start only" in printed) == (5, True), printed
        assert not site.house.public_board.is_unlocked("1"), "the door that goes is locked first"
        await site.end()
        site.another_daemon()
        await site.start()
        assert json.loads((await site.daemon.command("status", "--json"))[1])["policy"] == digest
