"""A technician tries one door and one panic point of the guarded courthouse, with every mistake they may have made."""

import asyncio
import json

from simulators.demo.courthouse import card
from simulators.demo.daemon import program
from tests.commission.conftest import Guard, Guarded
from tests.commission.technician import NAME, Deed, Technician, in_the_docs, masked
from tests.guarded import SEEN_S_MAX

EAST, DESK = "east-entrance", "probation-desk"
DOOR = f'secd commission {EAST} --technician "{NAME}"'
POINT = f'secd commission {DESK} --technician "{NAME}"'


def at_east_entrance(site: Guarded) -> dict[str, Deed]:
    """What a technician does at a door that is wired right."""
    board = site.house.public_board

    async def relock() -> None:
        await board.until(lambda: not board.is_unlocked("2"))

    return {
        "contact_opens": lambda: board.force("2"),
        "contact_closes": lambda: board.close("2"),
        "request_to_exit": lambda: board.press_rex("2"),
        "lock_holds": relock,
        "egress": lambda: board.open_from_inside("2"),
        "reader": lambda: board.present_card(2, card("stranger")),
    }


def at_probation_desk(site: Guarded) -> dict[str, Deed]:
    """What a technician does at a supervised panic point."""
    panel = site.house.panel
    return {
        "press": lambda: panel.pull(3),
        "reset": lambda: panel.push_back(3),
        "loop_cut": lambda: panel.cut_wire(3),
        "after_cut": lambda: panel.mend_wire(3),
        "loop_short": lambda: panel.short_wire(3),
        "after_short": lambda: panel.mend_wire(3),
    }


def lines(printed: str, step: str) -> list[str]:
    """What was printed of one step, but for its instruction."""
    told = printed.partition(f" {step}: ")[2].splitlines()[1:]
    end = next((at for at, line in enumerate(told) if not line.startswith(" ")), len(told))
    return [line.strip() for line in told[:end]]


async def test_a_door_wired_right_passes_every_step_and_is_commissioned_as_the_docs_show(guard: Guard) -> None:
    async with guard() as site:
        answers = {"lock_releases": ["yes"], "lock_holds": ["yes"]}
        technician = Technician(site, deeds=at_east_entrance(site), answers=answers)
        assert await technician.commission(EAST) == 0, technician.printed
        assert masked(technician.printed) == in_the_docs(DOOR)
        completed = await site.witness.event("commission.completed", EAST)
        assert (completed["author"], completed["fact"]["technician"]) == ("demonstrator", NAME)
        released = [one for one in site.stored("operator.commanded") if one["fact"]["verb"] == "door.release"]
        assert [one["fact"]["reason"] for one in released] == ["commissioning"]
        _, printed = await site.daemon.command("doors", "list", "--json")
        doors = {door["door"]: door["commissioned"] for door in json.loads(printed)["doors"]}
        assert doors[EAST].endswith(f"by {NAME}")
        assert doors["front-entrance"] == "not commissioned"
        assert "commissioned     1 of 10" in (await site.daemon.command("status"))[1]
        _, exported = await site.daemon.command("commission", "--export", "json")
        rows = json.loads(exported)
        assert [row["step"] for row in rows][-2:] == ["reader", ""]
        assert "4242" not in exported
        await site.end()
        code, told = await site.daemon.replay(site.site.directory)
        assert code == 0, told


async def test_a_supervised_panic_point_is_pressed_received_reset_cut_and_shorted_as_the_docs_show(
    guard: Guard,
) -> None:
    async with guard() as site:
        technician = Technician(site, deeds=at_probation_desk(site))
        assert await technician.commission(DESK) == 0, technician.printed
        assert masked(technician.printed) == in_the_docs(POINT)
        raised = site.stored("alarm.raised")
        assert raised, "alarms raise as always while a point is tried"


async def test_a_swapped_contact_and_request_to_exit_are_recognised(guard: Guard) -> None:
    async with guard() as site:
        board = site.house.public_board

        def leave_by_the_lever() -> None:
            board.close("2")
            board.open_from_inside("2")

        deeds = {
            **at_east_entrance(site),
            "contact_opens": lambda: board.press_rex("2"),
            "request_to_exit": lambda: board.force("2"),
            "egress": leave_by_the_lever,
        }
        answers = {"contact_opens": ["skip", "wires to be moved"], "request_to_exit": ["leave"]}
        answers |= {"lock_releases": ["yes"], "lock_holds": ["yes"]}
        technician = Technician(site, deeds=deeds, answers=answers)
        assert await technician.commission(EAST) == 1
        said = "public-board input/4 changed when public-board input/3, the contact, should have: the two are swapped"
        assert lines(technician.printed, "contact_opens")[0] == f"failed: the REX input {said}"
        said = "public-board input/3 changed when public-board input/4, the request to exit, should have: the two are swapped"
        assert lines(technician.printed, "request_to_exit")[0] == f"failed: the contact input {said}"
        failed = await site.witness.event("commission.step_failed", EAST)
        assert (failed["fact"]["step"], failed["author"]) == ("contact_opens", "demonstrator")
        assert f"{EAST} is not commissioned: " in technician.printed


async def test_inverted_polarities_and_a_stuck_relay_are_recognised(guard: Guard) -> None:
    async with guard(start=False) as site:
        doors = site.site.directory / "doors.yaml"
        doors.write_text(
            doors.read_text().replace("input: public-board/3, closed_is: 1", "input: public-board/3, closed_is: 0")
        )
        await site.start()
        board = site.house.public_board
        answers = {"contact_opens": ["leave"], "contact_closes": ["leave"], "egress": ["leave"]}
        answers |= {"lock_releases": ["no", "leave"], "lock_holds": ["no", "leave"]}
        technician = Technician(site, deeds=at_east_entrance(site), answers=answers)
        assert await technician.commission(EAST, "--time-limit", "8") == 1
        said = "public-board input/3 reads open while the door is shut: the polarity is inverted (`closed_is`)"
        assert lines(technician.printed, "contact_opens")[0] == f"failed: {said}"
        said = "it is locked when secd releases it and open when secd locks it: the polarity is inverted (`relay`)"
        assert f"failed: {said}" in lines(technician.printed, "lock_holds")
        board.stick_relay(2, closed=True)
        answers = {**answers, "lock_releases": ["yes"], "lock_holds": ["no", "leave"]}
        again = Technician(site, deeds={**at_east_entrance(site), "lock_holds": list}, answers=answers)
        assert await again.commission(EAST, "--time-limit", "8") == 1
        said = "the relay is in its locked state and the door can be opened: the relay's contact is stuck"
        assert f"failed: {said}, or the lock does not hold" in lines(again.printed, "lock_holds")


async def test_a_bouncing_contact_is_said_and_an_interrupted_trial_goes_on_after_a_restart(guard: Guard) -> None:
    async with guard() as site:
        board = site.house.public_board
        east = at_east_entrance(site)
        deeds: dict[str, Deed | list[Deed]] = {
            **east,
            "contact_opens": [lambda: board.bounce(3, times=4), east["contact_opens"]],
        }
        deeds["request_to_exit"] = lambda: site.restart(kill=True)
        technician = Technician(site, deeds=deeds, answers={"contact_opens": ["again"]})
        assert await technician.commission(EAST) != 0
        bounced, *_ = lines(technician.printed, "contact_opens")
        assert bounced.startswith("failed: public-board input/3 bounces: the contact changed "), technician.printed
        answers = {"lock_releases": ["yes"], "lock_holds": ["yes"]}
        later = Technician(site, deeds=east, answers=answers)
        assert await later.commission(EAST) == 0, later.printed
        assert masked(later.printed).splitlines()[2] == f"2/7 contact_closes: passed YYYY-MM-DD HH:MM:SS by {NAME}"


async def test_a_press_is_refused_while_an_earlier_alarm_of_the_point_is_open(guard: Guard) -> None:
    async with guard() as site:
        site.house.panel.press(3)
        await site.witness.event("alarm.raised")
        technician = Technician(site, deeds={})
        assert await technician.commission(DESK) == 5
        assert "close it first" in technician.printed
        assert site.stored("commission.step_passed", "commission.step_failed") == []


async def test_s12_a_technician_who_may_not_see_silent_alarms_neither_tries_nor_watches_such_a_point(
    guard: Guard,
) -> None:
    async with guard(start=False) as site:
        operators = site.site.directory / "operators.yaml"
        operators.write_text(operators.read_text().replace("see_silent, ", ""))
        await site.daemon.start()
        code, printed = await site.daemon.command("commission", "bench-a")
        assert (code, "there is no door or panic point bench-a" in printed) == (5, True)
        _, listed = await site.daemon.command("commission")
        assert DESK in listed
        assert "bench-a" not in listed
        process = await asyncio.create_subprocess_exec(
            str(program("secd")), "devices", "watch", "panic-panel", "--json", "--socket", str(site.daemon.socket),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        async with asyncio.timeout(SEEN_S_MAX):
            shown = {point["point"] for point in json.loads(await process.stdout.readline())["points"]}
        process.terminate()
        await process.wait()
        assert "input/3" in shown
        assert not {"input/1", "input/2"} & shown


async def test_a_wireless_button_is_pressed_and_its_receipt_awaited(guard: Guard) -> None:
    async with guard() as site:
        await site.house.buttons.until_connected()
        technician = Technician(site, deeds={"press": lambda: site.house.buttons.press("badge-1")})
        assert await technician.commission("bailiff-badge-1") == 0, technician.printed
        assert lines(technician.printed, "press") == ["passed: wireless-buttons button/badge-1 pressed: help"]
        assert lines(technician.printed, "receipt") == ["passed: received by sheriff"]


async def test_the_lock_of_a_door_that_stands_unlocked_is_not_tried(guard: Guard) -> None:
    async with guard() as site:
        board = site.house.public_board
        deeds: dict[str, Deed] = {
            "contact_opens": lambda: board.force("1"),
            "contact_closes": lambda: board.close("1"),
            "request_to_exit": lambda: board.press_rex("1"),
        }
        technician = Technician(site, deeds=deeds)
        assert await technician.commission("front-entrance") == 5
        assert "front-entrance stands unlocked, so its lock shows nothing" in technician.printed
        _, printed = await site.daemon.command("commission", "front-entrance", "--json")
        results = [step["record"] and step["record"]["result"] for step in json.loads(printed)["steps"]]
        assert results[:4] == ["passed", "passed", "passed", None]


async def test_steps_that_are_skipped_need_a_reason_and_stay_visible_in_list_and_export(guard: Guard) -> None:
    async with guard() as site:
        answers = site.directory / "answers"
        answers.write_text("skip\nno button is fitted yet\n" * 4)
        words = ("commission", DESK, "--technician", NAME, "--answers", str(answers), "--time-limit", "1")
        code, printed = await site.daemon.command(*words)
        assert code == 0, printed
        skipped = "press, receipt, loop_cut, loop_short"
        assert masked(printed).splitlines()[-1] == f"{DESK}: commissioned, YYYY-MM-DD by {NAME}, without {skipped}"
        assert lines(printed, "press")[0] == "failed: panic-panel input/3 is not active after 1 s"
        _, exported = await site.daemon.command("commission", "--export", "csv")
        rows = exported.splitlines()
        assert rows[0] == "target,step,result,at,technician,operator,how,said,skipped,event"
        assert [row.split(",")[2] for row in rows[1:4]] == ["failed", "skipped", "failed"]
        assert "no button is fitted yet" in rows[2]
