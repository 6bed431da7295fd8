"""The demonstration is the acceptance test: it is what a newcomer sees first."""

from rich.console import Console

from simulators.demo.play import play_story
from simulators.demo.story import STEPS
from tests.app.conftest import Guard


async def test_the_whole_story_is_seen_in_store_devices_and_station(guard: Guard) -> None:
    async with guard() as site:
        told = await play_story(site.house, site.daemon, site.witness, site.site, Console(quiet=True), once=True)
    assert [(step.step, step.seen) for step in told if not step.held] == []
    assert len(told) == len(STEPS)


async def test_what_was_judged_live_is_judged_the_same_in_replay(guard: Guard) -> None:
    async with guard() as site:
        await play_story(site.house, site.daemon, site.witness, site.site, Console(quiet=True), once=True)
        await site.end()
        code, printed = await site.daemon.replay(site.site.directory)
    assert (code, "0 differ" in printed) == (0, True), printed
