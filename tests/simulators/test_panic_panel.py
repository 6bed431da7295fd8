"""The panic panel: by its registers with time as an argument, and on a real socket by pymodbus."""

import asyncio
import random

import pytest
from pymodbus.client import AsyncModbusTcpClient

from secd.model.facts import InputState
from secd.wire import panic_panel as wire
from secd.wire.registers import ResetCause
from simulators.inputs import PENDING_TIMES_MAX
from simulators.modbus_server import ModbusError
from simulators.panic_panel.panel import PanicBoard, PanicPanel


class Seconds:
    """A panel's time that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def panel(seconds: Seconds) -> PanicPanel:
    return PanicPanel(monotonic=seconds, chance=random.Random(1))


def read(board: PanicBoard, now: float) -> wire.PanelStatus:
    board.feed(now)
    raw = board.read_input(wire.STATUS, wire.STATUS_WORDS, now)
    return wire.decode_status([int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)])


def acknowledge(board: PanicBoard, point: int, counter: int) -> None:
    board.write_holding(wire.ACKNOWLEDGE_ACTIVATIONS + 2 * (point - 1), [counter >> 16, counter & 0xFFFF], 0.0)


def test_a_press_of_forty_milliseconds_between_two_polls_stays_pending_until_acknowledged(
    panel: PanicPanel, seconds: Seconds
) -> None:
    panel.press(3, ms=40)
    seconds.now += 0.1
    seen = read(panel.board, panel.now()).inputs[2]
    assert (seen.state, seen.activations, seen.pending) == (InputState.NORMAL, 1, 1)
    acknowledge(panel.board, 3, 1)
    assert read(panel.board, panel.now()).inputs[2].pending == 0


def test_three_presses_and_eight_stay_different(panel: PanicPanel, seconds: Seconds) -> None:
    panel.press(1, ms=50, times=3)
    panel.press(2, ms=50, times=8)
    seconds.now += 5
    seen = read(panel.board, panel.now())
    assert [one.activations for one in seen.inputs[:2]] == [3, 8]


def test_ages_tell_the_first_and_the_last_pending_press(panel: PanicPanel, seconds: Seconds) -> None:
    panel.press(1, ms=100)
    seconds.now += 10
    assert read(panel.board, panel.now()).ages[0] == wire.PressAges(first_tenths=100, last_tenths=100)
    panel.press(1, ms=100)
    seconds.now += 5
    assert read(panel.board, panel.now()).ages[0] == wire.PressAges(first_tenths=150, last_tenths=50)
    acknowledge(panel.board, 1, 1)
    assert read(panel.board, panel.now()).ages[0] == wire.PressAges(first_tenths=50, last_tenths=50)
    acknowledge(panel.board, 1, 2)
    assert read(panel.board, panel.now()).ages[0] == wire.PressAges()


def test_an_age_saturates(panel: PanicPanel, seconds: Seconds) -> None:
    panel.press(1)
    seconds.now += 86_400
    assert read(panel.board, panel.now()).ages[0].first_tenths == wire.AGE_TENTHS_MAX


def test_of_very_many_presses_the_first_is_never_told_younger_than_it_is(panel: PanicPanel, seconds: Seconds) -> None:
    for _ in range(PENDING_TIMES_MAX + 10):
        panel.press(1, ms=100)
        seconds.now += 1
        panel.now()
    acknowledge(panel.board, 1, PENDING_TIMES_MAX + 5)
    seen = read(panel.board, panel.now())
    assert seen.inputs[0].pending == 5
    assert seen.ages[0].first_tenths >= 50
    assert seen.ages[0].last_tenths == 10


def test_a_latching_button_stays_active_until_pushed_back_and_counts_once(panel: PanicPanel, seconds: Seconds) -> None:
    panel.pull(16)
    panel.pull(16)
    seconds.now += 60
    assert read(panel.board, panel.now()).inputs[15].state is InputState.ACTIVE
    panel.push_back(16)
    seen = read(panel.board, panel.now()).inputs[15]
    assert (seen.state, seen.activations) == (InputState.NORMAL, 1)


def test_cut_and_short_are_told_apart_and_a_press_on_a_broken_wire_is_not_seen(panel: PanicPanel) -> None:
    panel.cut_wire(1)
    panel.short_wire(2)
    panel.press(1)
    seen = read(panel.board, panel.now())
    assert [one.state for one in seen.inputs[:2]] == [InputState.CUT, InputState.SHORT]
    assert seen.inputs[0].activations == 0
    panel.mend_wire(2)
    assert read(panel.board, panel.now()).inputs[1].state is InputState.NORMAL


def test_cabinet_troubles_are_told(panel: PanicPanel) -> None:
    panel.tamper()
    panel.mains()
    panel.battery()
    cabinet = read(panel.board, panel.now()).header.cabinet
    assert (cabinet.enclosure_open, cabinet.mains_failed, cabinet.battery_low) == (True, True, True)
    panel.tamper(is_open=False)
    panel.mains(failed=False)
    panel.battery(low=False)
    assert not read(panel.board, panel.now()).header.cabinet.enclosure_open


def test_after_a_reboot_a_button_that_is_in_reads_active_and_was_not_counted(panel: PanicPanel) -> None:
    before = panel.board.boot_id
    panel.pull(1)
    panel.reboot(ResetCause.PROCESSOR_WATCHDOG)
    seen = read(panel.board, panel.now())
    assert seen.header.boot_id != before
    assert seen.header.reset_cause is ResetCause.PROCESSOR_WATCHDOG
    assert (seen.inputs[0].state, seen.inputs[0].activations) == (InputState.ACTIVE, 0)


@pytest.mark.parametrize(("address", "values", "code"), [(0x0050, [0, 0], 2), (0x0030, [0, 1], 3), (0x0031, [0, 0], 3)])
def test_an_acknowledgement_of_what_never_was_is_refused(
    panel: PanicPanel, address: int, values: list[int], code: int
) -> None:
    with pytest.raises(ModbusError) as refused:
        panel.board.write_holding(address, values, 0.0)
    assert refused.value.code == code


async def test_pymodbus_sees_a_press_and_acknowledges_it() -> None:
    async with PanicPanel() as panel:
        client = AsyncModbusTcpClient("127.0.0.1", port=panel.port, timeout=5, retries=0, reconnect_delay=0)
        assert await client.connect()
        try:
            panel.pull(4)
            answer = await client.read_input_registers(wire.STATUS, count=wire.STATUS_WORDS)
            seen = wire.decode_status(answer.registers).inputs[3]
            assert (seen.state, seen.pending) == (InputState.ACTIVE, 1)
            async with asyncio.timeout(10), asyncio.TaskGroup() as group:
                group.create_task(panel.until(lambda: panel.board.input(4).pending == 0))
                await client.write_registers(wire.ACKNOWLEDGE_ACTIVATIONS + 6, [0, 1])
            assert (await client.read_coils(0)).exception_code == 2
        finally:
            client.close()
