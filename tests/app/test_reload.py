"""Reload: all or nothing, links that nothing changed stay, and what cannot be reloaded says so."""

import json
import re
import signal
from pathlib import Path

from simulators.demo.courthouse import card
from tests.app.conftest import Guard, Guarded

EAST = "east-entrance"
RELOAD = ("reload", "--reason", "a test of reloading")
DAY_RULE = """
  cleaners-by-day:
    who: [cleaners]
    enter: [lobby]
    when: always
    with: card
deny:"""
STARTED_ONLY = {
    "site": ("site.yaml", "label: County Courthouse", "label: Old County Courthouse"),
    "mqtt": ("site.yaml", "  stations:\n", "  heartbeat: 11s\n  stations:\n"),
    "card_key": ("site.yaml", "card_key: {file: secrets/card-key}", "card_key: {file: secrets/camera-password}"),
}


def edit(file: Path, old: str, new: str) -> str:
    """Replace one text in a file; returns the file as it was."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
    return text


async def badge(site: Guarded, who: str, outcome: str) -> None:
    mark = site.witness.mark()
    site.house.public_board.present_card(2, card(who))
    await site.witness.event(outcome, EAST, after=mark)


async def links(site: Guarded) -> dict[str, str]:
    return {device["device"]: device["since"] for device in await site.witness.devices()}


async def test_bad_edit_is_refused_with_its_place_and_the_policy_before_stays_in_force(guard: Guard) -> None:
    async with guard() as site:
        mark = site.witness.mark()
        whole = site.site.break_policy()
        code, printed = await site.daemon.command(*RELOAD)
        assert code == 5
        assert re.search(r"access\.yaml:\d+:\d+", printed), printed
        assert "nothing has changed" in printed
        rejected = await site.witness.event("config.rejected", after=mark)
        assert "clarks" in rejected["fact"]["what"]
        refused = await site.witness.event("operator.refused", after=mark)
        assert (refused["author"], refused["fact"]["verb"]) == ("demonstrator", "reload")
        await badge(site, "clerk", "access.granted")
        assert "last good configuration runs" in (await site.daemon.command("status"))[1]

        site.site.access.write_text(whole)
        assert await site.daemon.command(*RELOAD) == (0, "the files are what runs already\n")
        await site.witness.event("config.restored", after=mark)
        assert "last good configuration runs" not in (await site.daemon.command("status"))[1]


async def test_good_edit_takes_effect_and_only_what_it_changed_gets_a_new_link(guard: Guard) -> None:
    async with guard() as site:
        await badge(site, "cleaner", "access.denied")
        mark, before = site.witness.mark(), await links(site)
        edit(site.site.access, "\ndeny:", DAY_RULE)
        edit(site.site.directory / "devices.yaml", "ACP-2 court wing", "ACP-2 east wing")
        code, printed = await site.daemon.command(*RELOAD)
        assert (code, "added rules cleaners-by-day" in printed) == (0, True), printed
        activated = await site.witness.event("policy.activated", after=mark)
        assert "by demonstrator: a test of reloading" in activated["fact"]["changes"]
        await site.witness.event("device.came_back", "secure-board", after=mark)
        await badge(site, "cleaner", "access.granted")
        await site.witness.all_devices_up()
        after = await links(site)
        assert {device for device in before if before[device] != after[device]} == {"secure-board"}
        assert site.stored("device.went_offline", after=mark) == []

        mark = site.witness.mark()
        edit(site.site.access, DAY_RULE, "\ndeny:")
        site.daemon.signal(signal.SIGHUP)
        activated = await site.witness.event("policy.activated", after=mark)
        assert "by systemd: SIGHUP" in activated["fact"]["changes"]
        await badge(site, "cleaner", "access.denied")
        assert {device for device in after if after[device] != (await links(site))[device]} == set()


async def test_what_is_read_at_the_start_only_is_refused_with_that_advice(guard: Guard) -> None:
    async with guard() as site:
        policy = json.loads((await site.daemon.command("status", "--json"))[1])["policy"]
        for section, (name, old, new) in STARTED_ONLY.items():
            whole = edit(site.site.directory / name, old, new)
            code, printed = await site.daemon.command(*RELOAD)
            assert (code, "needs_restart" in printed, section in printed) == (5, True, True), printed
            (site.site.directory / name).write_text(whole)
        assert json.loads((await site.daemon.command("status", "--json"))[1])["policy"] == policy
