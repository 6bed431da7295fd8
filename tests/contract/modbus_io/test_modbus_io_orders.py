"""Orders to the real simulator over sockets: one write, one read-back, never late."""

import asyncio

import pytest
from modbus_peers import DEADLINE_S, Watch, cabled, card, settings, watched

from secd.model.errors import LinkLost
from secd.model.facts import OutputRead
from secd.model.order import DeviceAct, FetchPicture, PulseOutput, SetOutput, SetSignal
from secd.wire.door_controller import Signal
from simulators.door_controller.controller import DoorController
from simulators.panic_panel.panel import PanicPanel
from simulators.spoils import Spoil


async def test_a_pulse_is_timed_by_the_board_and_both_its_ends_are_told() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        outcome = await watch.perform(PulseOutput(output=1, duration_s=0.3))
        assert outcome.done
        await watch.until(lambda: len(watch.outputs(1)) == 3)
        assert watch.outputs(1)[1:] == [
            OutputRead(output=1, energised=True, pulsing=True),
            OutputRead(output=1, energised=False, pulsing=False),
        ]


async def test_s04_a_pulse_ends_although_the_daemon_is_gone() -> None:
    at = 0.0
    async with DoorController(monotonic=lambda: at) as board:
        async with watched(settings(board.port)) as watch:
            assert (await watch.perform(PulseOutput(output=1, duration_s=5.0))).done
            assert board.board.relay(1).coil
        at = 5.1
        board.now()
        assert not board.board.relay(1).coil


async def test_a_lock_wired_to_be_held_by_current_is_released_by_a_pulse_without_it() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        assert (await watch.perform(SetOutput(output=2, energised=True))).done
        assert (await watch.perform(PulseOutput(output=2, duration_s=0.3, energise=False))).done
        await watch.until(
            lambda: watch.outputs(2)[-1] == OutputRead(output=2, energised=True) and len(watch.outputs(2)) > 2
        )
        assert OutputRead(output=2, energised=False, pulsing=True) in watch.outputs(2)


async def test_setting_an_output_cuts_a_running_pulse_short() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        await watch.perform(PulseOutput(output=1, duration_s=60.0))
        assert (await watch.perform(SetOutput(output=1, energised=False))).done
        assert not board.board.relay(1).coil
        assert board.board.relay(1).pulse is None


async def test_an_order_that_changes_nothing_is_still_told() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        assert (await watch.perform(SetOutput(output=4, energised=False))).done
        await watch.until(lambda: len(watch.outputs(4)) == 2)
        assert watch.outputs(4)[1] == OutputRead(output=4, energised=False)


@pytest.mark.parametrize(("granted", "shown"), [(True, Signal(green=True)), (False, Signal(red=True, buzzer=True))])
async def test_a_reader_shows_the_decision(granted: bool, shown: Signal) -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        assert (await watch.perform(SetSignal(reader=3, granted=granted))).done
        assert board.board.signals[2].shown == shown


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (PulseOutput(output=5, duration_s=1.0), "there is no output 5; a secd-door-controller has 4"),
        (SetOutput(output=0, energised=True), "there is no output 0"),
        (SetSignal(reader=5, granted=True), "there is no reader 5"),
        (PulseOutput(output=1, duration_s=601.0), "the board cannot time that pulse"),
        (FetchPicture(), "takes no pictures"),
    ],
)
async def test_what_the_board_cannot_do_is_refused_before_anything_is_sent(act: DeviceAct, why: str) -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        outcome = await watch.perform(act)
        assert not outcome.done
        assert why in outcome.detail
        assert not any(relay.coil for relay in board.board.relays)


async def test_a_panic_panel_has_no_output_to_set() -> None:
    async with PanicPanel() as panel, watched(settings(panel.port, profile="secd-panic-panel")) as watch:
        outcome = await watch.perform(SetOutput(output=1, energised=True))
        assert outcome.detail == "there is no output 1; a secd-panic-panel has 0"


async def test_s08_a_late_order_is_refused_and_moves_nothing() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        outcome = await watch.perform(PulseOutput(output=1, duration_s=5.0), expires_in_s=-0.001)
        assert not outcome.done
        assert outcome.detail.startswith("late")
        assert not board.board.relay(1).coil


async def test_s08_an_order_that_became_late_behind_a_silent_board_is_refused() -> None:
    async with cabled(timeout="1s", poll="20ms") as (board, cable, watch):
        cable.spoil(Spoil.LOST)
        asked = board.state()["requests"]
        async with asyncio.timeout(DEADLINE_S):
            await board.until(lambda: board.state()["requests"] > asked)
        outcome = await watch.perform(PulseOutput(output=1, duration_s=5.0), expires_in_s=0.05)
        assert not outcome.done
        assert outcome.detail.startswith("late")
        assert not board.board.relay(1).coil


async def test_an_order_whose_answer_is_lost_is_not_called_done_and_not_repeated() -> None:
    async with cabled(poll="1s", timeout="200ms") as (board, cable, watch):
        cable.spoil(Spoil.LOST)
        outcome = await watch.perform(PulseOutput(output=1, duration_s=5.0))
        assert not outcome.done
        assert outcome.detail.endswith("it may have been carried out")
        assert board.board.relay(1).coil
        await watch.until(lambda: OutputRead(output=1, energised=True, pulsing=True) in watch.outputs(1))


async def test_without_a_link_an_order_says_so() -> None:
    async with DoorController() as board:
        watch = Watch(settings(board.port))
        with pytest.raises(LinkLost, match="board is not connected"):
            await watch.perform(SetOutput(output=1, energised=True))


async def test_orders_and_card_reads_do_not_wait_for_each_other() -> None:
    async with DoorController() as board, watched(settings(board.port)) as watch:
        for number in range(1, 9):
            board.present_card(1, card(number))
            assert (await watch.perform(PulseOutput(output=1 + number % 4, duration_s=0.2))).done
        await watch.until(lambda: len(watch.reads()) == 8)
        assert watch.sequences() == list(range(1, 9))
