"""What operators can do from the command line, and what is refused."""

import json

from tests.app.conftest import Guard, Guarded

EAST = "east-entrance"


async def door(site: Guarded, name: str) -> dict[str, object]:
    """A door as `secd doors list` shows it."""
    _, printed = await site.daemon.command("doors", "list", "--json")
    found: dict[str, object] = next(door for door in json.loads(printed)["doors"] if door["door"] == name)
    return found


async def test_an_operator_releases_a_door_for_one_passage_and_it_is_on_record(guard: Guard) -> None:
    async with guard() as site:
        mark = site.witness.mark()
        code, _ = await site.daemon.command("doors", "release", EAST, "--reason", "delivery, seen on camera")
        assert code == 0
        await site.house.public_board.until(lambda: site.house.public_board.is_unlocked("2"))
        commanded = await site.witness.event("operator.commanded", EAST, after=mark)
        assert (commanded["author"], commanded["fact"]["reason"]) == ("demonstrator", "delivery, seen on camera")
        await site.witness.event("order.done", after=mark, fits=lambda event: event["fact"]["act"] == "ReleaseDoor")


async def test_an_unlock_stands_until_it_is_ended_and_an_unlock_without_an_end_is_refused_s19(guard: Guard) -> None:
    async with guard() as site:
        board = site.house.public_board
        assert (await site.daemon.command("doors", "unlock", EAST, "--reason", "public hearing"))[0] == 2
        unlock = ("doors", "unlock", EAST, "--until", "2026-11-23 18:00", "--reason", "public hearing")
        assert await site.daemon.command(*unlock) == (0, "east-entrance is unlocked until 2026-11-23T18:00+00:00\n")
        await board.until(lambda: board.is_unlocked("2"))
        assert (await door(site, EAST))["layer"] == "override"
        await site.daemon.command("doors", "lock", EAST, "--reason", "hearing is over")
        await board.until(lambda: not board.is_unlocked("2"))
        assert (await door(site, EAST))["layer"] == "locked"


async def test_a_command_without_reason_or_for_an_unknown_door_is_refused(guard: Guard) -> None:
    async with guard() as site:
        assert (await site.daemon.command("doors", "release", EAST))[0] == 2
        code, printed = await site.daemon.command("doors", "release", "back-door", "--reason", "no such door")
        assert (code, "back-door" in printed) == (5, True)


async def test_a_uid_that_is_no_operator_is_refused_and_that_is_on_record(guard: Guard) -> None:
    async with guard(start=False) as site:
        operators = site.site.directory / "operators.yaml"
        operators.write_text(operators.read_text().replace("uid: ", "uid: 1"))
        site.daemon.answers_with = 5
        await site.daemon.start()
        code, printed = await site.daemon.command("doors", "release", EAST, "--reason", "let me in")
        assert (code, "is no operator" in printed) == (5, True)


async def test_alarms_are_listed_acknowledged_once_and_a_stale_revision_is_refused(guard: Guard) -> None:
    async with guard() as site:
        mark = site.witness.mark()
        site.house.panel.press(3)
        await site.witness.event("panic.activated", "probation-desk", after=mark)
        await site.witness.event("alarm.received", after=mark)
        _, printed = await site.daemon.command("alarms", "list", "--json")
        alarm = json.loads(printed)["alarms"][0]
        assert (alarm["point"], alarm["priority"], alarm["received_by"]) == ("probation-desk", 1, ["sheriff"])
        await site.witness.event("panic.restored", "probation-desk", after=mark)
        site.house.panel.press(3)
        await site.witness.event("alarm.repeated", after=mark)
        stale = await site.daemon.command("alarms", "ack", alarm["id"], "--rev", str(alarm["rev"]))
        assert (stale[0], "stale_rev" in stale[1]) == (5, True)
        assert (await site.daemon.command("alarms", "ack", alarm["id"], "--note", "two deputies sent"))[0] == 0
        acknowledged = await site.witness.event("alarm.acknowledged", after=mark)
        assert acknowledged["fact"]["by"] == "demonstrator"


async def test_status_answers_with_one_line_and_every_room(guard: Guard) -> None:
    async with guard() as site:
        _, printed = await site.daemon.command("status")
        assert printed.splitlines()[0] == "6/6 devices up, 0 open alarms, MQTT ok"
        _, printed = await site.daemon.command("status", "--json")
        assert json.loads(printed)["rooms"]["clock"] == "believed"
