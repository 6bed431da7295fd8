"""The driver against the real simulators over sockets: what it reads, in which order, and what it never tells twice."""

import asyncio
import time

import pytest
from modbus_peers import DEADLINE_S, Watch, card, settings, watched

from secd.model.errors import LinkLost
from secd.model.facts import CardRead, DeviceTold, InputState, LinkChanged, OutputRead, PointChanged
from secd.model.observation import DeviceCursor
from secd.runtime.clock import SystemClock
from secd.wire.registers import ResetCause
from simulators.door_controller.controller import DoorController
from simulators.faults import FaultyLink
from simulators.panic_panel.panel import PanicPanel


async def test_everything_is_read_and_told_as_initial_before_the_link_is_up() -> None:
    async with DoorController() as board:
        board.tamper()
        board.hold("1")
        async with watched(settings(board.port)) as watch:
            first = watch.observations[: [one.fact for one in watch.observations].index(LinkChanged(up=True))]
    points = {one.fact.point for one in first if isinstance(one.fact, PointChanged)}
    assert points == {*(f"input/{n}" for n in range(1, 9)), "tamper/1", "power/ac", "power/battery", "power/lock"}
    assert {one.fact.output for one in first if isinstance(one.fact, OutputRead)} == {1, 2, 3, 4}
    assert all(one.fact.initial for one in first if isinstance(one.fact, PointChanged | OutputRead))
    assert all(one.after_gap for one in first)
    assert watch.points("tamper/1")[0].state is InputState.ACTIVE
    assert watch.points("power/ac")[0].state is InputState.NORMAL


async def test_nothing_is_told_twice_while_nothing_changes() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        told = len(watch.observations)
        asked = board.state()["requests"]
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.state()["requests"] > asked + 10)
        assert watch.observations[told:] == []


async def test_s04_start_and_stop_change_no_output() -> None:
    async with DoorController() as board:
        board.stranger_sets_relay(2)
        async with watched(settings(board.port)) as watch:
            assert [fact.energised for fact in watch.outputs(2)] == [True]
        async with watched(settings(board.port)) as again:
            assert [fact.energised for fact in again.outputs(2)] == [True]
        relays = board.state()["relays"]
    assert [number for number, relay in relays.items() if relay["energised"]] == [2]


async def test_s04_watchdog_and_safe_states_are_written_only_where_they_differ() -> None:
    written = {"watchdog": "12s", "safe_outputs": {"3": "energised"}}
    async with DoorController() as board:
        async with watched(settings(board.port, **written)):
            async with asyncio.timeout(DEADLINE_S):
                await board.until(lambda: board.state()["watchdog_s"] == 12.0 and board.board.relays[2].safe)
        assert [relay.safe for relay in board.board.relays] == [False, False, True, False]
        assert not any(relay.coil for relay in board.board.relays)


async def test_s04_a_watchdog_that_went_off_is_told_once_and_cleared() -> None:
    at = 0.0
    async with DoorController(monotonic=lambda: at) as board:
        async with watched(settings(board.port)):
            pass
        board.stranger_sets_relay(1)
        at = 60.0
        async with watched(settings(board.port)) as watch:
            async with asyncio.timeout(DEADLINE_S):
                await board.until(lambda: not board.board.cabinet.watchdog_tripped)
            assert [fact.detail for fact in watch.told("watchdog_tripped")] == [
                "nobody asked it for 30 s: its relays took their safe states"
            ]
            assert not watch.outputs(1)[0].energised


async def test_contact_wire_and_cabinet_changes_are_told() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        board.cut_wire(5)
        board.mains()
        board.lock_supply()
        await watch.until(lambda: len(watch.points("power/lock")) == 2)
        board.mend_wire(5)
        await watch.until(lambda: len(watch.points("input/5")) == 3)
        assert [fact.state for fact in watch.points("input/5")] == [
            InputState.NORMAL,
            InputState.CUT,
            InputState.NORMAL,
        ]
        assert watch.points("power/ac")[1:] == [PointChanged(point="power/ac", state=InputState.ACTIVE)]


async def test_s06_a_press_of_40_ms_between_two_polls_is_seen() -> None:
    async with PanicPanel() as panel, watched(settings(panel.port, profile="secd-panic-panel", poll="500ms")) as watch:
        panel.press(3, ms=40)
        await watch.until(lambda: len(watch.points("input/3")) > 1)
        pressed = watch.points("input/3")[1]
        assert pressed.activations == 1
        assert pressed.initial is False


async def test_s06_an_exit_button_pressed_for_40_ms_is_seen_on_the_door_controller() -> None:
    async with DoorController() as board, watched(settings(board.port, poll="500ms")) as watch:
        rex = next(iter(board._building.doors.values())).wiring.rex_input
        board.press_rex("1", ms=40)
        await watch.until(lambda: len(watch.points(f"input/{rex}")) > 1)
        assert watch.points(f"input/{rex}")[1].activations == 1


async def test_s11_three_presses_between_two_polls_are_three() -> None:
    async with PanicPanel() as panel, watched(settings(panel.port, profile="secd-panic-panel", poll="1s")) as watch:
        panel.press(1, ms=20, times=3)
        await watch.until(lambda: sum(fact.activations for fact in watch.points("input/1")) == 3)


async def test_s11_a_press_made_while_nobody_looked_is_told_at_start_with_its_age() -> None:
    at = 100.0
    async with PanicPanel(monotonic=lambda: at) as panel:
        panel.press(7, ms=40)
        at = 130.0
        async with watched(settings(panel.port, profile="secd-panic-panel")) as watch:
            (pressed,) = [one for one in watch.of(PointChanged) if one.fact.point == "input/7"]
    assert pressed.fact == PointChanged(point="input/7", state=InputState.NORMAL, activations=1, initial=True)
    assert pressed.age_s == pytest.approx(30.0)


async def test_s11_a_button_that_stays_in_is_active_at_start_and_on_return() -> None:
    async with PanicPanel() as panel:
        panel.pull(2)
        for _ in range(2):
            async with watched(settings(panel.port, profile="secd-panic-panel")) as watch:
                assert watch.points("input/2")[0].state is InputState.ACTIVE
                assert watch.points("input/2")[0].initial


async def test_a_press_not_yet_acknowledged_is_told_again_after_a_crash() -> None:
    async with PanicPanel() as panel:
        async with watched(settings(panel.port, profile="secd-panic-panel")) as watch:
            panel.press(1, ms=40)
            await watch.until(lambda: sum(fact.activations for fact in watch.points("input/1")) == 1)
        async with watched(settings(panel.port, profile="secd-panic-panel")) as after_the_crash:
            assert after_the_crash.points("input/1")[0].activations == 1


async def test_s11_a_press_stays_with_the_board_until_it_was_told_ten_seconds_ago() -> None:
    ahead_s = 0.0
    clock = SystemClock(monotonic=lambda: time.monotonic() + ahead_s)
    async with PanicPanel() as panel, watched(settings(panel.port, profile="secd-panic-panel"), clock) as watch:
        panel.press(4, ms=20)
        await watch.until(lambda: sum(fact.activations for fact in watch.points("input/4")) == 1)
        ahead_s = 9.0
        asked = panel.state()["requests"]
        async with asyncio.timeout(DEADLINE_S):
            await panel.until(lambda: panel.state()["requests"] > asked + 5)
            assert panel.board.input(4).pending == 1
            ahead_s = 10.5
            await panel.until(lambda: panel.board.input(4).pending == 0)
        panel.press(4, ms=20)
        await watch.until(lambda: sum(fact.activations for fact in watch.points("input/4")) == 2)


async def test_a_press_is_told_once_over_an_outage_within_one_process() -> None:
    async with PanicPanel() as panel:
        watch = Watch(settings(panel.port, profile="secd-panic-panel"))
        watch.start()
        await watch.up()
        panel.press(1, ms=20)
        await watch.until(
            lambda: len(watch.points("input/1")) > 1 and watch.points("input/1")[-1].state is InputState.NORMAL
        )
        await watch.stop()
        panel.press(1, ms=20)
        told = len(watch.observations)
        watch.start()
        await watch.until(lambda: LinkChanged(up=True) in [one.fact for one in watch.observations[told:]])
        assert sum(fact.activations for fact in watch.points("input/1")) == 2
        await watch.stop()


async def test_a_card_is_told_with_its_age_cursor_and_bits() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        board.present_card(2, card(0x2F623AE))
        await watch.until(watch.reads)
        (read,) = watch.reads()
        assert read.fact == CardRead(reader=2, bits=card(0x2F623AE))
        assert read.cursor == DeviceCursor(boot_id=board.board.boot_id, sequence=1)
        assert read.after_gap is False
        assert 0.0 <= read.age_s < 5.0


@pytest.mark.parametrize("bit_count", [0, 1, 256])
async def test_reads_of_any_length_come_through(bit_count: int) -> None:
    bits = card((1 << bit_count) - 1, bit_count)
    async with DoorController() as board, watched(settings(board.port)) as watch:
        board.present_card(1, bits)
        await watch.until(watch.reads)
        assert watch.reads()[0].fact == CardRead(reader=1, bits=bits)


async def test_s08_a_read_found_after_a_gap_says_so_and_carries_its_age() -> None:
    at = 50.0
    async with DoorController(monotonic=lambda: at) as board:
        board.present_card(1, card(1))
        at = 53.25
        async with watched(settings(board.port)) as watch:
            (read,) = watch.reads()
    assert read.after_gap
    assert read.age_s == pytest.approx(3.25)


async def test_reads_are_acknowledged_only_up_to_the_committed_cursor() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        watch.commits_at_once = False
        for number in range(3):
            board.present_card(1, card(number))
        await watch.until(lambda: len(watch.reads()) == 3)
        asked = board.state()["requests"]
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.state()["requests"] > asked + 5)
            assert board.board.fifo.acknowledged == 0
            watch.committed = DeviceCursor(boot_id=board.board.boot_id, sequence=2)
            await board.until(lambda: board.board.fifo.acknowledged > 0)
        assert board.board.fifo.acknowledged == 2
        assert watch.sequences() == [1, 2, 3]


async def test_reads_that_nobody_commits_are_told_again_every_ten_seconds() -> None:
    ahead_s = 0.0
    clock = SystemClock(monotonic=lambda: time.monotonic() + ahead_s)
    async with DoorController() as board, watched(settings(board.port), clock) as watch:
        watch.commits_at_once = False
        board.present_card(1, card(1))
        board.present_card(1, card(2))
        await watch.until(lambda: len(watch.reads()) == 2)
        ahead_s = 10.5
        await watch.until(lambda: len(watch.reads()) == 4)
        assert watch.sequences() == [1, 2, 1, 2]
        watch.committed = DeviceCursor(boot_id=board.board.boot_id, sequence=2)
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.board.fifo.acknowledged == 2)
        ahead_s = 30.0
        board.present_card(1, card(3))
        await watch.until(lambda: len(watch.reads()) == 5)
        assert watch.sequences()[4:] == [3]
        assert watch.told("reads_lost") == []


async def test_a_cursor_of_another_start_acknowledges_nothing() -> None:
    async with DoorController() as board:
        watch = Watch(settings(board.port))
        watch.commits_at_once = False
        watch.committed = DeviceCursor(boot_id=board.board.boot_id ^ 1, sequence=9)
        board.present_card(1, card(1))
        watch.start()
        await watch.up()
        asked = board.state()["requests"]
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.state()["requests"] > asked + 5)
        assert board.board.fifo.acknowledged == 0
        assert watch.told("restarted") == [DeviceTold(what="restarted", detail="power came on")]
        assert watch.sequences() == [1]
        await watch.stop()


async def test_after_a_crash_reads_newer_than_the_committed_cursor_come_again() -> None:
    async with DoorController() as board:
        async with watched(settings(board.port)) as watch:
            watch.commits_at_once = False
            for number in range(3):
                board.present_card(1, card(number))
            await watch.until(lambda: len(watch.reads()) == 3)
        after_the_crash = Watch(settings(board.port))
        after_the_crash.committed = DeviceCursor(boot_id=board.board.boot_id, sequence=1)
        after_the_crash.start()
        await after_the_crash.up()
        assert after_the_crash.sequences() == [2, 3]
        assert all(read.after_gap for read in after_the_crash.reads())
        assert after_the_crash.told("reads_lost") == []
        await after_the_crash.stop()


async def test_reads_reported_before_an_outage_are_not_told_again_after_it() -> None:
    async with DoorController() as board:
        watch = Watch(settings(board.port))
        watch.commits_at_once = False
        watch.start()
        await watch.up()
        board.present_card(1, card(1))
        await watch.until(watch.reads)
        await watch.stop()
        board.present_card(1, card(2))
        watch.start()
        await watch.until(lambda: len(watch.reads()) == 2)
        assert watch.sequences() == [1, 2]
        await watch.stop()


async def test_a_burst_of_twelve_cards_keeps_the_last_eight_and_tells_that_four_are_lost() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        for number in range(12):
            board.present_card(1 + number % 4, card(number))
        await watch.until(lambda: len(watch.reads()) == 8)
        assert watch.sequences() == [5, 6, 7, 8, 9, 10, 11, 12]
        assert [fact.count for fact in watch.told("reads_lost")] == [4]
        kinds = [type(one.fact) for one in watch.observations if isinstance(one.fact, CardRead | DeviceTold)]
        assert kinds[0] is DeviceTold
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.board.fifo.acknowledged == 12)


async def test_cards_presented_one_by_one_go_round_the_fifo_without_a_loss() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        for number in range(1, 21):
            board.present_card(1, card(number))
            await watch.until(lambda number=number: len(watch.reads()) == number)
        assert watch.sequences() == list(range(1, 21))
        assert watch.told("reads_lost") == []


async def test_reads_acknowledged_by_another_master_are_told_as_lost() -> None:
    async with DoorController() as board:
        async with watched(settings(board.port)) as watch:
            board.present_card(1, card(1))
            await watch.until(watch.reads)
        board.present_card(1, card(2))
        board.board.fifo.acknowledge(2)
        board.board.changed()
        again = Watch(settings(board.port))
        again.committed = watch.committed
        again.start()
        await again.up()
        assert [fact.count for fact in again.told("reads_lost")] == [1]
        await again.stop()


async def test_a_reboot_is_told_and_everything_is_initial_again() -> None:
    async with DoorController() as board:
        watch = Watch(settings(board.port))
        watch.start()
        await watch.up()
        board.present_card(1, card(1))
        await watch.until(watch.reads)
        board.reboot(ResetCause.BROWN_OUT)
        assert isinstance(await watch.ended(), LinkLost)
        board.present_card(1, card(2))
        told = len(watch.observations)
        watch.start()
        await watch.until(lambda: LinkChanged(up=True) in [one.fact for one in watch.observations[told:]])
        assert watch.told("restarted") == [DeviceTold(what="restarted", detail="its supply sagged")]
        assert [read.cursor for read in watch.reads()[1:]] == [DeviceCursor(boot_id=board.board.boot_id, sequence=1)]
        assert watch.points("input/1")[-1].initial
        await watch.stop()


async def test_a_reboot_behind_a_living_connection_is_told_too() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        board.board.boot(board.now(), ResetCause.PROCESSOR_WATCHDOG)
        board.present_card(3, card(5))
        await watch.until(watch.reads)
        assert watch.told("restarted") == [DeviceTold(what="restarted", detail="its processor had stopped")]
        assert watch.points("input/1")[-1].initial
        assert watch.reads()[0].after_gap


async def test_a_slow_cable_delays_and_loses_nothing() -> None:
    async with DoorController() as board, FaultyLink(board.port) as cable:
        cable.delay(0.03)
        async with watched(settings(cable.port)) as watch:
            board.present_card(1, card(1))
            await watch.until(watch.reads)
            assert watch.sequences() == [1]
