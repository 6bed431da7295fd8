"""The dead-man relay (S17): it is held by pulses of a secd that answers, and falls within a bound of whatever ended it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from secd.app.dead_man import PULSES_LONG, DeadMan, DeadManSettings
from secd.model.names import DeviceId
from secd.model.order import DeviceOrder, Outcome, PulseOutput
from secd.runtime.clock import ManualClock
from simulators.door_controller.parts import RelayOutput
from tests.app.conftest import Guard, Guarded
from tests.guarded import SEEN_S_MAX

EVERY_S = 1.0
SETTINGS = DeadManSettings.model_validate({"output": "public-board/4", "every": "1s"})


def relay(site: Guarded) -> RelayOutput:
    return site.house.public_board.board.relay(4)


async def pulsed(site: Guarded, times: int) -> None:
    """Wait for so many pulses more."""
    target = relay(site).pulses + times
    async with asyncio.timeout(SEEN_S_MAX):
        await site.house.public_board.until(lambda: relay(site).pulses >= target)


async def test_s17_the_relay_is_held_while_secd_lives_and_falls_within_two_pulses_of_kill_9(guard: Guard) -> None:
    async with guard(start=False) as site:
        (site.site.directory / "dead-man.yaml").write_text("dead_man: {output: public-board/4, every: 1s}\n")
        await site.start()
        await pulsed(site, 4)
        assert (relay(site).contact, relay(site).switches) == (True, 1)  # it never fell between two pulses
        site.daemon.signal(signal.SIGKILL)
        await site.daemon.ended()
        board = site.house.public_board
        assert 0.0 < relay(site).pulse_ends - board.now() <= EVERY_S * PULSES_LONG
        board.board.settle(relay(site).pulse_ends)  # nobody asks the board any more: it looks at its own clock then
        assert not relay(site).contact
        await site.end()
        site.another_daemon()
        await site.start()
        await pulsed(site, 2)
        assert relay(site).contact


class Board:
    """Takes down what it is told; answers as it is set to."""

    def __init__(self) -> None:
        self.orders: list[DeviceOrder] = []
        self.well = True
        self.done = True

    async def perform(self, order: DeviceOrder) -> Outcome:
        self.orders.append(order)
        return Outcome(order=order.id, done=self.done, detail="" if self.done else "the board declined")

    async def is_well(self) -> bool:
        return self.well


@asynccontextmanager
async def pulsing(board: Board, settings: list[DeadManSettings | None]) -> AsyncIterator[ManualClock]:
    clock = ManualClock(datetime(2026, 11, 23, 10, tzinfo=UTC))
    man = DeadMan(settings=lambda: settings[-1], is_well=board.is_well, perform=board.perform, clock=clock)
    task = asyncio.create_task(man.run())
    try:
        yield clock
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_s17_each_pulse_outlasts_the_next_one() -> None:
    board = Board()
    async with pulsing(board, [SETTINGS]) as clock:
        await clock.advance(3.0)
    assert [(order.device, order.act) for order in board.orders] == [
        (DeviceId("public-board"), PulseOutput(output=4, duration_s=2.0))
    ] * 4
    assert len({order.id for order in board.orders}) == 4


async def test_s17_a_secd_that_does_not_answer_pulses_nothing_until_it_does() -> None:
    board = Board()
    async with pulsing(board, [SETTINGS]) as clock:
        await clock.advance(0.0)
        board.well = False
        await clock.advance(10.0)
        assert len(board.orders) == 1
        board.well = True
        await clock.advance(1.0)
        assert len(board.orders) == 2


async def test_s17_a_board_that_declines_is_asked_again_at_the_next_pulse() -> None:
    board = Board()
    board.done = False
    async with pulsing(board, [SETTINGS]) as clock:
        await clock.advance(2.0)
    assert len(board.orders) == 3


async def test_s17_the_relay_follows_the_running_configuration() -> None:
    board, settings = Board(), list[DeadManSettings | None]([None])
    async with pulsing(board, settings) as clock:
        await clock.advance(20.0)
        assert board.orders == []
        settings.append(SETTINGS)
        await clock.advance(5.0)
        assert board.orders
