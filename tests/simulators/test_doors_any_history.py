"""Whatever is done to a board, in whatever order, its words are such as the map allows and nothing counted is lost."""

import random
import struct
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from secd.model.facts import InputState
from secd.model.secret import CardBits
from secd.wire import door_controller as wire
from secd.wire.registers import ResetCause
from simulators.door_controller.board import DoorBoard
from simulators.door_controller.building import Building, wire_doors
from simulators.modbus_server import answer_request

POINTS = st.integers(1, 8)
DOORS = st.sampled_from(["1", "2", "3", "4"])
HOLDING = st.one_of(st.integers(0, 5), st.integers(0x10, 0x18), st.integers(0x20, 0x24), st.integers(0x30, 0x40))
WORDS = st.one_of(st.integers(0, 9), st.integers(0, 0xFFFF))
DONE = st.one_of(
    st.tuples(st.just("card"), st.integers(1, 4)),
    st.tuples(st.just("press"), POINTS),
    st.tuples(st.just("bounce"), POINTS),
    st.tuples(st.just("wire"), POINTS, st.sampled_from([InputState.CUT, InputState.SHORT, None])),
    st.tuples(st.just("walk"), DOORS),
    st.tuples(st.just("force"), DOORS),
    st.tuples(st.just("leave"), DOORS),
    st.tuples(st.just("close"), DOORS),
    st.tuples(st.just("boot")),
    st.tuples(st.just("write"), HOLDING, st.lists(WORDS, min_size=1, max_size=5)),
    st.tuples(st.just("coils"), st.integers(0, 4), st.integers(1, 4), st.integers(0, 15)),
)


def do(board: DoorBoard, building: Building, what: tuple[Any, ...], now: float) -> None:
    match what:
        case ("card", reader):
            board.read_card(reader, CardBits(bit_count=26, value=reader), now)
        case ("press", point):
            board.press(point, now, 0.04)
        case ("bounce", point):
            board.bounce(point, now, 2, 0.01)
        case ("wire", point, fault):
            board.set_wire(point, now, fault)
        case ("walk", door):
            assert building.door(door).walk_through(now, 1.0) is (building.door(door).is_open)
        case ("force", door):
            building.door(door).force(now)
        case ("leave", door):
            building.door(door).open_from_inside(now, 0.1, 1.0)
        case ("close", door):
            building.door(door).close(now)
        case ("boot",):
            board.boot(now, ResetCause.POWER_ON)
        case ("write", address, values):
            count = len(values)
            request(board, struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *values), now)
        case ("coils", address, count, packed):
            request(board, struct.pack(">BHHBB", 15, address, count, 1, packed), now)


def request(board: DoorBoard, pdu: bytes, now: float) -> bytes:
    board.feed(now)
    return answer_request(board, pdu, now)


def poll(board: DoorBoard, now: float) -> wire.DoorStatus:
    answer = request(board, struct.pack(">BHH", 4, 0, wire.STATUS_WORDS), now)
    return wire.decode_status(struct.unpack(f">{wire.STATUS_WORDS}H", answer[2:]))


def fifo(board: DoorBoard, now: float) -> tuple[wire.CardEntry, ...]:
    words: list[int] = []
    for at in range(0, wire.FIFO_WORDS, wire.ENTRY_WORDS):
        answer = request(board, struct.pack(">BHH", 4, wire.FIFO + at, wire.ENTRY_WORDS), now)
        words += struct.unpack(f">{wire.ENTRY_WORDS}H", answer[2:])
    return wire.decode_fifo(words)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(DONE, st.sampled_from([0.0, 0.02, 0.5, 5.0, 40.0])), max_size=40))
def test_every_history_leaves_words_the_driver_can_read(history: list[tuple[tuple[Any, ...], float]]) -> None:
    now = 0.0
    board = DoorBoard(now, chance=random.Random(1))
    building = Building(wire_doors(4), board, now)
    before = poll(board, now)
    for what, pause_s in history:
        do(board, building, what, now)
        now += pause_s
        seen = poll(board, now)
        reads = fifo(board, now)
        assert [one.sequence for one in reads] == list(range(seen.newest - seen.fifo_count + 1, seen.newest + 1))
        if seen.header.boot_id == before.header.boot_id:
            assert seen.newest >= before.newest
            assert all(new.activations >= old.activations for new, old in zip(seen.inputs, before.inputs, strict=True))
            assert not any(
                old.pending and not new.pending for new, old in zip(seen.inputs, before.inputs, strict=True)
            ) or (what[0] == "write"), "only an acknowledgement ends what is pending"
        for number, door in enumerate(building.doors.values()):
            assert door.unlocked is seen.relays[number].energised
        before = seen
