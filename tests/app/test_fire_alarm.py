"""A fire alarm at the guarded courthouse: from the panel's relay to the station, and back by an operator."""

import json

from tests.app.commands import secd
from tests.app.conftest import Guard

ZONE = """
fire_zones:
  main: {input: public-board/8, fire_is: 1, supervised: {kind: end_of_line, ohms: 2200}, areas: [lobby]}
"""
EAST = "east-entrance"
RESTORE = ("doors", "restore-fire", "main", "--reason", "the fire brigade left")


async def test_s16_a_fire_alarm_unlocks_what_says_so_and_stands_until_an_operator_restores_it(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "fire.yaml").write_text(ZONE)
        doors = site.site.directory / "doors.yaml"
        before, after = f"  {EAST}:\n", f"  {EAST}:\n    on_fire: unlock\n"
        doors.write_text(doors.read_text().replace(before, after))
        await site.start()
        board, mark = site.house.public_board, site.witness.mark()
        assert not board.is_unlocked("2")
        assert (await site.daemon.command(*RESTORE))[0] == 5  # none stands
        board.board.press(8, board.now(), 1.0)
        board.noticed()
        await board.until(lambda: board.is_unlocked("2"))
        raised = await site.witness.event(
            "alarm.raised", after=mark, fits=lambda event: event["fact"]["transition"] == "raised"
        )
        await site.witness.event("fire.muster", "main", after=mark)
        _, printed = await site.daemon.command("alarms", "list", "--json")
        (alarm,) = [alarm for alarm in json.loads(printed)["alarms"] if alarm["kind"] == "fire.activated"]
        assert (alarm["id"], alarm["priority"]) == (raised["subject"], 1)
        await site.witness.event("fire.cleared", "main", after=mark)
        assert board.is_unlocked("2")
        assert (await site.daemon.command(*RESTORE))[0] == 0
        await board.until(lambda: not board.is_unlocked("2"))
        assert (await site.daemon.command(*RESTORE))[0] == 5
        await site.end()
        code, printed = await secd(
            "replay", str(site.site.directory), "--state", str(site.directory / "state"), "--json"
        )
        assert (code, json.loads(printed)["differences"]) == (0, []), "the fire judged again differs"
