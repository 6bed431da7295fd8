"""Translation and settings without a socket: snapshots in, observations out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from secd.drivers.modbus_io import FAMILY, ModbusIoSettings
from secd.drivers.modbus_io.driver import _runs
from secd.drivers.modbus_io.profiles import Snapshot
from secd.drivers.modbus_io.translate import Sight, translate, translate_reads
from secd.model.errors import PeerViolation
from secd.model.facts import CardRead, DeviceTold, Fact, InputState, OutputRead, PointChanged
from secd.model.names import DeviceId
from secd.model.secret import CardBits
from secd.model.time import Instant
from secd.wire.door_controller import ENTRIES_PER_READ_MAX, FIFO_DEPTH, CardEntry, Relay, door_header, slot_of
from secd.wire.panic_panel import PressAges, panel_header
from secd.wire.registers import BoardInput, Cabinet

SEEN = Instant(utc=datetime(2026, 3, 11, tzinfo=UTC), mono_s=1000.0)
SIGHT = Sight(device=DeviceId("board"), seen=SEEN)
FIRST = replace(SIGHT, initial=True)
QUIET = Snapshot(header=door_header(7), inputs=(BoardInput(),) * 8, relays=(Relay(),) * 4, watchdog_tenths=300)


def facts(before: Snapshot | None, now: Snapshot, sight: Sight = SIGHT, touched: tuple[int, ...] = ()) -> list[Fact]:
    return [one.fact for one in translate(before, now, sight, touched)]


def with_input(snapshot: Snapshot, number: int, one: BoardInput) -> Snapshot:
    inputs = list(snapshot.inputs)
    inputs[number - 1] = one
    return replace(snapshot, inputs=tuple(inputs))


def entry(sequence: int) -> CardEntry:
    return CardEntry(sequence=sequence, reader=1, bits=CardBits(bit_count=26, value=sequence), age_ms=1500)


def test_two_equal_snapshots_say_nothing() -> None:
    assert facts(QUIET, QUIET) == []


def test_everything_is_told_once_when_nothing_is_known() -> None:
    told = facts(None, QUIET, FIRST)
    assert len(told) == 8 + 4 + 4
    assert all(fact.initial for fact in told if isinstance(fact, PointChanged | OutputRead))


def test_s06_a_closing_shorter_than_the_poll_is_normal_with_an_activation() -> None:
    pressed = with_input(QUIET, 2, BoardInput(activations=1, pending=1))
    assert facts(QUIET, pressed) == [PointChanged(point="input/2", state=InputState.NORMAL, activations=1)]


def test_an_acknowledged_press_is_no_new_press() -> None:
    pressed = with_input(QUIET, 2, BoardInput(activations=3, pending=3))
    acknowledged = with_input(QUIET, 2, BoardInput(activations=3))
    assert facts(pressed, acknowledged) == []


def test_after_a_restart_of_the_board_its_pending_presses_count() -> None:
    before = with_input(QUIET, 2, BoardInput(activations=900))
    now = with_input(replace(QUIET, header=door_header(8)), 2, BoardInput(activations=2, pending=2))
    assert PointChanged(point="input/2", state=InputState.NORMAL, activations=2, initial=True) in facts(
        before, now, FIRST
    )


def test_a_counter_that_falls_is_a_violation() -> None:
    with pytest.raises(PeerViolation, match="the counter of input 1 fell without a restart"):
        facts(with_input(QUIET, 1, BoardInput(activations=2)), QUIET)


def test_s07_a_relay_that_we_did_not_order_is_told_without_the_pulse_flag() -> None:
    now = replace(QUIET, relays=(Relay(energised=True), *(Relay(),) * 3))
    assert facts(QUIET, now) == [OutputRead(output=1, energised=True)]


def test_a_touched_output_is_told_although_it_is_as_before() -> None:
    assert facts(QUIET, QUIET, touched=(3,)) == [OutputRead(output=3, energised=False)]


@pytest.mark.parametrize(
    ("trouble", "point"),
    [
        ("enclosure_open", "tamper/1"),
        ("mains_failed", "power/ac"),
        ("battery_low", "power/battery"),
        ("lock_supply_failed", "power/lock"),
    ],
)
def test_s17_cabinet_troubles_are_points(trouble: str, point: str) -> None:
    now = replace(QUIET, header=replace(QUIET.header, cabinet=Cabinet(**{trouble: True})))
    assert facts(QUIET, now) == [PointChanged(point=point, state=InputState.ACTIVE)]
    assert facts(now, QUIET) == [PointChanged(point=point, state=InputState.NORMAL)]


def test_a_watchdog_that_went_off_is_told_once() -> None:
    tripped = replace(QUIET, header=replace(QUIET.header, cabinet=Cabinet(watchdog_tripped=True)))
    assert [type(fact) for fact in facts(QUIET, tripped)] == [DeviceTold]
    assert facts(tripped, tripped) == []


@pytest.mark.parametrize(
    ("before", "now", "age_s"),
    [
        (BoardInput(), BoardInput(activations=1, pending=1), 2.5),
        (BoardInput(), BoardInput(activations=3, pending=3), 2.5),
        (BoardInput(activations=2, pending=2), BoardInput(activations=3, pending=3), 0.1),
    ],
)
def test_the_age_of_presses_is_that_of_the_first_new_one(before: BoardInput, now: BoardInput, age_s: float) -> None:
    ages = (PressAges(first_tenths=25, last_tenths=1), *(PressAges(),) * 15)
    panel = Snapshot(header=panel_header(7), inputs=(BoardInput(),) * 16, ages=ages)
    (told,) = translate(with_input(panel, 1, before), with_input(panel, 1, now), SIGHT)
    assert told.age_s == age_s


def test_reads_carry_age_and_cursor_and_losses_come_first() -> None:
    told = translate_reads([entry(4), entry(5)], replace(QUIET, newest=5), SIGHT, 1)
    assert [type(one.fact) for one in told] == [DeviceTold, CardRead, CardRead]
    assert told[0].fact == DeviceTold(
        what="reads_lost", detail="2 card reads were overwritten before secd read them", count=2
    )
    assert [one.cursor.sequence for one in told if one.cursor] == [4, 5]
    assert told[1].age_s == 1.5


def test_a_read_newer_than_the_status_waits_for_the_next_poll() -> None:
    told = translate_reads([entry(5), entry(7)], replace(QUIET, newest=5), SIGHT, 4)
    assert [one.cursor.sequence for one in told if one.cursor] == [5]
    assert all(not isinstance(one.fact, DeviceTold) for one in told)


@given(st.integers(0, 0xFFFFFFF0), st.integers(1, FIFO_DEPTH))
def test_slots_are_read_whole_each_once_and_in_allowed_requests(oldest: int, count: int) -> None:
    runs = _runs(oldest, oldest + count - 1)
    slots = [slot for first, length in runs for slot in range(first, first + length)]
    assert slots == [slot_of(sequence) for sequence in range(oldest, oldest + count)]
    assert all(length <= ENTRIES_PER_READ_MAX and first + length <= FIFO_DEPTH for first, length in runs)


BOARD = {"driver": "modbus_io", "profile": "secd-door-controller", "address": "tcp://10.0.0.1"}


def test_settings_as_the_example_site_writes_them() -> None:
    written = {**BOARD, "address": "tcp://127.0.0.1:17501", "label": "ACP-1 east riser", "installed": "2026-03-11"}
    read = ModbusIoSettings.model_validate(written)
    assert (read.unit, read.poll, read.timeout, read.watchdog) == (1, 0.1, 0.3, 30.0)
    assert read.safe_energised == (False,) * 4
    assert FAMILY.place(read) == "modbus://127.0.0.1:17501/1"


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ({"address": "10.0.0.1"}, "an address is tcp://HOST"),
        ({"address": "tcp://10.0.0.1:99999"}, "a port is a number"),
        ({"address": "tcp://10.0.0.1:0"}, "a port from 1 to 65535"),
        ({"address": "tcp://:502"}, "an address is tcp://HOST"),
        ({"unit": "248"}, "247"),
        ({"poll": "5s"}, "less than or equal to 1"),
        ({"timeout": "5s"}, "less than or equal to 1"),
        ({"watchdog": "1s"}, "greater than or equal to 5"),
        ({"safe_outputs": {"5": "energised"}}, "there is no output 5"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_settings_that_cannot_be_are_refused(written: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        ModbusIoSettings.model_validate({**BOARD, **written})


def test_an_address_without_a_port_means_502() -> None:
    assert FAMILY.place(ModbusIoSettings.model_validate({**BOARD, "unit": "3"})) == "modbus://10.0.0.1:502/3"


def test_s04_a_lock_held_by_current_has_an_energised_safe_state() -> None:
    read = ModbusIoSettings.model_validate({**BOARD, "safe_outputs": {"2": "energised", "3": "de-energised"}})
    assert read.safe_energised == (False, True, False, False)


def test_the_family_names_every_point_of_its_boards() -> None:
    door = FAMILY.points(ModbusIoSettings.model_validate(BOARD))
    panel = FAMILY.points(ModbusIoSettings.model_validate({**BOARD, "profile": "secd-panic-panel"}))
    assert door is not None
    assert panel is not None
    assert {"", "input/8", "output/4", "reader/4", "tamper/1", "power/ac", "power/battery", "power/lock"} <= door
    assert "input/16" in panel
    assert not {point for point in panel if point.startswith(("output", "reader", "power/lock"))}
