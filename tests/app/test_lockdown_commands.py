"""A lockdown from the command line: set by one, ended by two, and nobody speaks for another."""

import pytest

from simulators.demo.courthouse import card
from tests.app.commands import command_as
from tests.app.conftest import Guard
from tests.app.test_silence import OPERATORS

EAST = "east-entrance"
END = ("doors", "end-lock-down", "courthouse", "--reason", "all clear")


@pytest.mark.needs("root")
async def test_s03_lockdown_is_set_by_one_operator_and_ended_by_two_that_each_say_so(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "operators.yaml").write_text(OPERATORS)
        await site.start()
        board, mark = site.house.public_board, site.witness.mark()
        await board.until(lambda: board.is_unlocked("1"))  # office hours
        set_it = ("doors", "lock-down", "courthouse", "--reason", "shots heard")
        assert (await command_as(1000, site.daemon.socket, *set_it))[0] == 0
        await board.until(lambda: not board.is_unlocked("1"))
        for who, outcome in (("clerk", "access.denied"), ("deputy", "access.granted")):
            board.present_card(2, card(who))
            await site.witness.event(outcome, EAST, after=mark)
        for _ in range(2):
            code, printed = await site.daemon.command(*END)
            assert (code, "second_operator_required" in printed) == (5, True), printed
        assert not board.is_unlocked("1")
        assert (await command_as(1000, site.daemon.socket, *END))[0] == 0
        await site.witness.event(
            "threat_level.changed", after=mark, fits=lambda event: event["fact"]["active"] is False
        )
        await board.until(lambda: board.is_unlocked("1"))
