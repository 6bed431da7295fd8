"""The door controller's registers, request by request, with time as an argument."""

import random
import struct

import pytest

from secd.model.secret import CardBits
from secd.wire import door_controller as wire
from secd.wire.registers import ResetCause
from simulators.door_controller.board import DoorBoard
from simulators.modbus_server import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, answer_request

CARD = CardBits(bit_count=26, value=0x2AAAAAA)


def new_board() -> DoorBoard:
    return DoorBoard(0.0, chance=random.Random(1))


def ask(board: DoorBoard, request: str, now: float) -> bytes:
    """One request in hex as it comes from the wire: the watchdog is fed first."""
    board.feed(now)
    return answer_request(board, bytes.fromhex(request), now)


def write(board: DoorBoard, address: int, *values: int, now: float = 0.0) -> int:
    """FC16; returns the exception code or 0."""
    count = len(values)
    answer = ask(board, struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *values).hex(), now)
    return answer[1] if answer[0] & 0x80 else 0


def holding(board: DoorBoard, address: int, count: int, now: float) -> tuple[int, ...]:
    answer = ask(board, struct.pack(">BHH", 3, address, count).hex(), now)
    assert answer[0] == 3, answer.hex()
    return struct.unpack(f">{count}H", answer[2:])


def words(board: DoorBoard, address: int, count: int, now: float) -> tuple[int, ...]:
    answer = ask(board, struct.pack(">BHH", 4, address, count).hex(), now)
    assert answer[0] == 4, answer.hex()
    return struct.unpack(f">{count}H", answer[2:])


def status(board: DoorBoard, now: float) -> wire.DoorStatus:
    return wire.decode_status(words(board, wire.STATUS, wire.STATUS_WORDS, now))


def fifo(board: DoorBoard, now: float) -> list[wire.CardEntry]:
    per_read = wire.ENTRIES_PER_READ_MAX * wire.ENTRY_WORDS
    first = words(board, wire.FIFO, per_read, now)
    return list(wire.decode_fifo(first + words(board, wire.FIFO + per_read, wire.FIFO_WORDS - per_read, now)))


def test_a_new_board_has_a_boot_id_and_relays_at_rest() -> None:
    seen = status(new_board(), 7.9)
    assert seen.header.boot_id > 0
    assert seen.uptime_s == 7
    assert seen.relays == (wire.Relay(),) * 4


def test_only_the_uptime_changes_while_nothing_happens() -> None:
    board = new_board()
    before = words(board, 0, wire.STATUS_WORDS, 1.0)
    after = words(board, 0, wire.STATUS_WORDS, 5.0)
    assert before[: wire.STEADY_WORDS] == after[: wire.STEADY_WORDS]
    assert (before[-1], after[-1]) == (1, 5)


def test_a_pulse_ends_by_the_boards_own_time_and_falls_back_to_the_held_state() -> None:
    board = new_board()
    assert write(board, wire.PULSE_ENERGISE, 50, now=10.0) == 0
    assert status(board, 14.9).relays[0] == wire.Relay(energised=True, pulsing=True)
    assert holding(board, wire.PULSE_ENERGISE, 1, 12.0) == (30,)
    assert status(board, 15.0).relays[0] == wire.Relay()


def test_a_pulse_can_take_a_held_relay_off_for_a_while() -> None:
    board = new_board()
    ask(board, "050001ff00", 0.0)
    write(board, wire.PULSE_DEENERGISE + 1, 20, now=1.0)
    assert not status(board, 2.9).relays[1].energised
    assert status(board, 3.0).relays[1] == wire.Relay(energised=True)


def test_zero_ends_a_pulse_of_its_own_direction_only() -> None:
    board = new_board()
    write(board, wire.PULSE_ENERGISE, 50)
    write(board, wire.PULSE_DEENERGISE, 0)
    assert status(board, 0.1).relays[0].pulsing
    write(board, wire.PULSE_ENERGISE, 0, now=0.2)
    assert status(board, 0.3).relays[0] == wire.Relay()


def test_writing_a_coil_ends_a_pulse_and_a_new_pulse_replaces_the_old() -> None:
    board = new_board()
    write(board, wire.PULSE_ENERGISE, 600)
    write(board, wire.PULSE_ENERGISE, 10, now=1.0)
    assert status(board, 1.9).relays[0].pulsing
    assert not status(board, 2.0).relays[0].energised
    write(board, wire.PULSE_ENERGISE, 600, now=3.0)
    ask(board, "050000ff00", 4.0)
    assert status(board, 4.0).relays[0] == wire.Relay(energised=True)


def test_the_watchdog_ends_pulses_and_takes_the_safe_state_when_no_request_comes() -> None:
    board = new_board()
    write(board, wire.WATCHDOG_TENTHS, 300, 0b0100, now=0.0)
    ask(board, "0f00000004010b", 1.0)  # hold relays 1, 2 and 4
    write(board, wire.PULSE_ENERGISE + 2, 6000, now=2.0)
    board.settle(31.9)
    assert [relay.coil for relay in board.relays] == [True, True, True, True]
    board.settle(32.0)
    assert [relay.coil for relay in board.relays] == [False, False, True, False]
    seen = status(board, 40.0)
    assert seen.header.cabinet.watchdog_tripped
    assert not any(relay.pulsing for relay in seen.relays)
    assert [relay.safe_energised for relay in seen.relays] == [False, False, True, False]


def test_any_request_feeds_the_watchdog_and_its_flag_stays_until_cleared() -> None:
    board = new_board()
    write(board, wire.WATCHDOG_TENTHS, 20, now=0.0)
    for second in range(1, 20):
        assert not status(board, float(second)).header.cabinet.watchdog_tripped
    assert status(board, 21.5).header.cabinet.watchdog_tripped
    write(board, wire.PULSE_ENERGISE, 5, now=22.0)
    assert status(board, 22.1).relays[0].energised, "commands go on working while the flag stands"
    assert status(board, 22.2).header.cabinet.watchdog_tripped
    write(board, wire.CLEAR_WATCHDOG_TRIPPED, 1, now=23.0)
    assert not status(board, 23.1).header.cabinet.watchdog_tripped


def test_a_watchdog_switched_off_or_never_fed_does_not_trip() -> None:
    board = new_board()
    board.settle(1000.0)
    assert not board.cabinet.watchdog_tripped
    write(board, wire.WATCHDOG_TENTHS, 0, now=1000.0)
    ask(board, "050000ff00", 1000.0)
    board.settle(1_000_000.0)
    assert board.relays[0].coil


def test_cards_wait_in_their_slots_with_their_age_until_they_are_acknowledged() -> None:
    board = new_board()
    board.read_card(1, CARD, 10.0)
    board.read_card(2, CARD, 11.0)
    assert [(one.sequence, one.reader, one.age_ms) for one in fifo(board, 12.5)] == [(1, 1, 2500), (2, 2, 1500)]
    assert fifo(board, 12.5)[0].bits == CARD
    assert write(board, wire.ACKNOWLEDGE_READS, 0, 1, now=13.0) == 0
    assert [one.sequence for one in fifo(board, 13.0)] == [2]
    assert (status(board, 13.0).fifo_count, status(board, 13.0).acknowledged) == (1, 1)
    assert write(board, wire.ACKNOWLEDGE_READS, 0, 0, now=13.0) == 0
    assert status(board, 13.0).acknowledged == 1


def test_the_ninth_card_overwrites_the_first_and_is_counted() -> None:
    board = new_board()
    for number in range(10):
        board.read_card(1, CardBits(bit_count=8, value=number), float(number))
    assert [one.sequence for one in fifo(board, 20.0)] == list(range(3, 11))
    seen = status(board, 20.0)
    assert (seen.fifo_count, seen.newest, seen.overflows) == (8, 10, 2)


def test_long_and_empty_reads_are_kept_and_impossible_ones_refused() -> None:
    board = new_board()
    long = CardBits(bit_count=256, value=(1 << 256) - 2)
    board.read_card(4, long, 0.0)
    board.read_card(4, CardBits(bit_count=0, value=0), 0.0)
    assert [one.bits for one in fifo(board, 0.0)] == [long, CardBits(bit_count=0, value=0)]
    for reader, bits in ((5, CARD), (1, CardBits(bit_count=257, value=0)), (1, CardBits(bit_count=2, value=4))):
        with pytest.raises(ValueError, match=r"reader|bits"):
            board.read_card(reader, bits, 0.0)


def test_activations_stay_pending_until_the_counter_that_was_read_is_written_back() -> None:
    board = new_board()
    board.press(2, 1.0, 0.04)
    seen = status(board, 1.1).inputs[1]
    assert (seen.state.value, seen.activations, seen.pending) == ("normal", 1, 1)
    board.press(2, 1.2, 0.04)
    assert write(board, wire.ACKNOWLEDGE_ACTIVATIONS + 2, 0, seen.activations, now=1.3) == 0
    assert (status(board, 1.3).inputs[1].activations, status(board, 1.3).inputs[1].pending) == (2, 1)
    assert holding(board, wire.ACKNOWLEDGE_ACTIVATIONS + 2, 2, 1.3) == (0, 1)


def test_a_signal_is_shown_for_its_time() -> None:
    board = new_board()
    green = wire.Signal(green=True, buzzer=True)
    command = wire.encode_signal_command(green, 15)
    assert write(board, wire.SIGNAL + 1, command, now=1.0) == 0
    assert status(board, 2.4).signals[1] == green
    assert holding(board, wire.SIGNAL + 1, 1, 2.0) == (wire.encode_signal_command(green, 5),)
    assert status(board, 2.5).signals[1] == wire.Signal()
    assert holding(board, wire.SIGNAL, 4, 3.0) == (0, 0, 0, 0)


def test_a_reboot_forgets_reads_and_counters_but_keeps_safe_states_and_takes_them() -> None:
    board = new_board()
    before = board.boot_id
    write(board, wire.WATCHDOG_TENTHS, 100, 0b0010)
    board.read_card(1, CARD, 0.0)
    board.press(2, 0.0, 0.04)
    ask(board, "050000ff00", 0.5)
    board.boot(1.0, ResetCause.BROWN_OUT)
    seen = status(board, 1.5)
    assert seen.header.boot_id not in {0, before}
    assert seen.header.reset_cause is ResetCause.BROWN_OUT
    assert (seen.newest, seen.fifo_count, seen.inputs[1].activations, seen.uptime_s) == (0, 0, 0, 0)
    assert seen.watchdog_tenths == 100
    assert [relay.energised for relay in seen.relays] == [False, True, False, False]


def test_coils_are_the_held_states() -> None:
    board = new_board()
    ask(board, "0f000000040105", 0.0)
    assert ask(board, "0100000004", 0.0) == bytes.fromhex("010105")
    write(board, wire.PULSE_DEENERGISE, 10)
    assert ask(board, "0100000001", 0.0) == bytes.fromhex("010101")


@pytest.mark.parametrize(
    ("request_hex", "code"),
    [
        ("0200000001", ILLEGAL_FUNCTION),
        ("2b0e0100", ILLEGAL_FUNCTION),
        ("0400000000", ILLEGAL_VALUE),
        ("040000007e", ILLEGAL_VALUE),
        ("04000000", ILLEGAL_VALUE),
        ("0400000031", ILLEGAL_ADDRESS),  # one past the status
        ("0400300001", ILLEGAL_ADDRESS),
        ("0401b00001", ILLEGAL_ADDRESS),  # one past the FIFO
        ("04ffff007d", ILLEGAL_ADDRESS),
        ("0300050001", ILLEGAL_ADDRESS),
        ("0300040002", ILLEGAL_ADDRESS),
        ("0300180001", ILLEGAL_ADDRESS),
        ("0300400001", ILLEGAL_ADDRESS),
        ("0100040001", ILLEGAL_ADDRESS),
        ("0100000005", ILLEGAL_ADDRESS),
        ("050004ff00", ILLEGAL_ADDRESS),
        ("0500000001", ILLEGAL_VALUE),
        ("0f00000005011f", ILLEGAL_ADDRESS),
        ("0f00000004020505", ILLEGAL_VALUE),
        ("0600000009", ILLEGAL_VALUE),  # watchdog of 0.9 s
        ("0600001771", ILLEGAL_VALUE),  # watchdog of 600.1 s
        ("0600010010", ILLEGAL_VALUE),  # a fifth relay's safe state
        ("0600020000", ILLEGAL_VALUE),  # half an acknowledgement
        ("0600030000", ILLEGAL_VALUE),
        ("10000200020400000001", ILLEGAL_VALUE),  # a read that was never made
        ("0600040002", ILLEGAL_VALUE),
        ("0600101771", ILLEGAL_VALUE),
        ("06002008ff", ILLEGAL_VALUE),
        ("0600300000", ILLEGAL_VALUE),  # half a counter
        ("10003000020400000001", ILLEGAL_VALUE),  # an activation that never was
        ("10003100020400000000", ILLEGAL_VALUE),
        ("1000000002030000", ILLEGAL_VALUE),
    ],
)
def test_what_the_map_does_not_allow_is_answered_with_its_exception(request_hex: str, code: int) -> None:
    function = int(request_hex[:2], 16)
    assert ask(new_board(), request_hex, 0.0) == bytes((function | 0x80, code))


def test_a_write_with_one_wrong_value_changes_nothing() -> None:
    board = new_board()
    assert write(board, wire.PULSE_ENERGISE, 50, 6001) == ILLEGAL_VALUE
    assert write(board, wire.WATCHDOG_TENTHS, 100, 0xFF) == ILLEGAL_VALUE
    seen = status(board, 0.1)
    assert not any(relay.energised for relay in seen.relays)
    assert seen.watchdog_tenths == wire.WATCHDOG_TENTHS_DEFAULT
