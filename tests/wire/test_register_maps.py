"""Our register maps: golden words, both directions, and no words that are neither decoded nor refused."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.model.facts import InputState
from secd.model.secret import CardBits
from secd.wire import door_controller as door
from secd.wire import panic_panel as panel
from secd.wire.registers import (
    DOOR_CONTROLLER,
    PANIC_PANEL,
    WORDS_PER_READ_MAX,
    BoardInput,
    Cabinet,
    ForeignBoard,
    Header,
    MapViolation,
    ResetCause,
    decode_header,
    encode_inputs,
)

Decoded = TypeVar("Decoded")

WORD = st.integers(0, 0xFFFF)
LONG = st.integers(0, 0xFFFFFFFF)
STATES = st.sampled_from([InputState.NORMAL, InputState.ACTIVE, InputState.CUT, InputState.SHORT])
CABINETS = st.builds(Cabinet, **{name: st.booleans() for name in Cabinet.__slots__})
PANEL_CABINETS = CABINETS.map(lambda cabinet: replace(cabinet, watchdog_tripped=False))


@st.composite
def board_inputs(draw: st.DrawFn) -> BoardInput:
    activations = draw(LONG)
    return BoardInput(
        state=draw(STATES), activations=activations, pending=draw(st.integers(0, min(activations, 0xFFFF)))
    )


def headers(header: Header, cabinets: st.SearchStrategy[Cabinet]) -> st.SearchStrategy[Header]:
    return st.builds(
        replace,
        st.just(header),
        boot_id=st.integers(1, 0xFFFFFFFF),
        cabinet=cabinets,
        reset_cause=st.sampled_from(ResetCause),
    )


@st.composite
def door_statuses(draw: st.DrawFn) -> door.DoorStatus:
    newest = draw(LONG)
    acknowledged = draw(st.integers(max(0, newest - 12), newest))
    return door.DoorStatus(
        header=draw(headers(door.door_header(1), CABINETS)),
        fifo_count=min(newest - acknowledged, door.FIFO_DEPTH),
        newest=newest,
        acknowledged=acknowledged,
        overflows=draw(LONG),
        inputs=tuple(draw(st.lists(board_inputs(), min_size=8, max_size=8))),
        relays=tuple(
            draw(
                st.lists(
                    st.builds(door.Relay, energised=st.booleans(), pulsing=st.booleans(), safe_energised=st.booleans()),
                    min_size=4,
                    max_size=4,
                )
            )
        ),
        signals=tuple(
            draw(
                st.lists(
                    st.builds(door.Signal, green=st.booleans(), red=st.booleans(), buzzer=st.booleans()),
                    min_size=4,
                    max_size=4,
                )
            )
        ),
        watchdog_tenths=draw(st.just(0) | st.integers(10, 6000)),
        uptime_s=draw(LONG),
    )


@st.composite
def panel_statuses(draw: st.DrawFn) -> panel.PanelStatus:
    pairs = st.tuples(WORD, WORD).map(sorted)
    ages = draw(st.lists(pairs, min_size=16, max_size=16))
    return panel.PanelStatus(
        header=draw(headers(panel.panel_header(1), PANEL_CABINETS)),
        inputs=tuple(draw(st.lists(board_inputs(), min_size=16, max_size=16))),
        ages=tuple(panel.PressAges(first_tenths=first, last_tenths=last) for last, first in ages),
        uptime_s=draw(LONG),
    )


@st.composite
def card_entries(draw: st.DrawFn) -> door.CardEntry:
    bit_count = draw(st.integers(0, 256))
    bits = CardBits(bit_count=bit_count, value=draw(st.integers(0, (1 << bit_count) - 1)))
    return door.CardEntry(
        sequence=draw(st.integers(1, 0xFFFFFFFF)), reader=draw(st.integers(1, 4)), bits=bits, age_ms=draw(LONG)
    )


def decoded_or_refused(decode: Callable[[list[int]], Decoded], words: list[int]) -> Decoded | None:
    """What the words say, or None when they were refused with a reason; anything else they raise fails the test."""
    try:
        return decode(words)
    except MapViolation as violation:
        if not str(violation):
            raise
        return None


def test_the_door_status_is_these_words() -> None:
    status = door.DoorStatus(
        header=replace(
            door.door_header(0xCAFE0001),
            cabinet=Cabinet(watchdog_tripped=True, battery_low=True, enclosure_open=True),
            reset_cause=ResetCause.BROWN_OUT,
        ),
        fifo_count=2,
        newest=0x00010003,
        acknowledged=0x00010001,
        overflows=5,
        inputs=(
            BoardInput(state=InputState.ACTIVE, activations=0x00020001, pending=3),
            BoardInput(state=InputState.CUT),
            BoardInput(state=InputState.SHORT),
            *(BoardInput(),) * 4,
            BoardInput(state=InputState.ACTIVE, activations=1, pending=1),
        ),
        relays=(
            door.Relay(energised=True, pulsing=True),
            door.Relay(safe_energised=True),
            door.Relay(),
            door.Relay(energised=True),
        ),
        signals=(door.Signal(green=True), door.Signal(red=True, buzzer=True), door.Signal(), door.Signal()),
        watchdog_tenths=300,
        uptime_s=0x00030004,
    )
    words = [
        0x5EC1, 0x0100, 0xCAFE, 0x0001, 8, 4, 4, 0b10101, 3,
        2, 1, 3, 1, 1, 0, 5,
        0b01_00_00_00_00_11_10_01, 0b10000001,
        2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        3, 0, 0, 0, 0, 0, 0, 1,
        0b0001_1001, 0x0061, 300, 0b0010,
        3, 4,
    ]  # fmt: skip
    assert door.encode_status(status) == words
    assert door.decode_status(words) == status


def test_the_panel_status_is_these_words() -> None:
    status = panel.PanelStatus(
        header=replace(panel.panel_header(7), cabinet=Cabinet(mains_failed=True)),
        inputs=(
            *(BoardInput(),) * 8,
            BoardInput(state=InputState.ACTIVE, activations=2, pending=2),
            *(BoardInput(),) * 7,
        ),
        ages=(*(panel.PressAges(),) * 8, panel.PressAges(first_tenths=21, last_tenths=4), *(panel.PressAges(),) * 7),
        uptime_s=9,
    )
    words = [
        0x5EC2, 0x0100, 0, 7, 16, 0, 0, 0b10, 0,
        0, 1, 1 << 8,
        *[0] * 17, 2, *[0] * 14,
        *[0] * 8, 2, *[0] * 7,
        0, 9,
        *[0xFFFF] * 8, 21, *[0xFFFF] * 7,
        *[0xFFFF] * 8, 4, *[0xFFFF] * 7,
    ]  # fmt: skip
    assert panel.encode_status(status) == words
    assert panel.decode_status(words) == status


def test_a_card_entry_is_these_words_in_its_slot() -> None:
    entry = door.CardEntry(sequence=11, reader=2, bits=CardBits(bit_count=26, value=0x2F623AE), age_ms=0x10005)
    words = door.encode_fifo([entry])
    slot = 3 * door.ENTRY_WORDS
    assert words[slot : slot + door.ENTRY_WORDS] == [0, 11, 2, 26, 1, 5, *[0] * 14, 0x02F6, 0x23AE]
    assert not any(words[:slot])
    assert not any(words[slot + door.ENTRY_WORDS :])


def test_one_request_reads_a_whole_board() -> None:
    assert (door.STATUS_WORDS, panel.STATUS_WORDS) == (48, 94)
    assert max(door.STATUS_WORDS, panel.STATUS_WORDS) <= WORDS_PER_READ_MAX
    assert door.ENTRIES_PER_READ_MAX * door.ENTRY_WORDS <= WORDS_PER_READ_MAX


@given(door_statuses())
def test_door_status_comes_back_as_it_was(status: door.DoorStatus) -> None:
    assert door.decode_status(door.encode_status(status)) == status


@given(panel_statuses())
def test_panel_status_comes_back_as_it_was(status: panel.PanelStatus) -> None:
    assert panel.decode_status(panel.encode_status(status)) == status


@given(st.lists(card_entries(), max_size=8, unique_by=lambda entry: door.slot_of(entry.sequence)))
def test_card_reads_come_back_as_they_were(entries: list[door.CardEntry]) -> None:
    assert door.decode_fifo(door.encode_fifo(entries)) == tuple(sorted(entries, key=lambda entry: entry.sequence))


@given(door_statuses(), st.integers(0, door.STATUS_WORDS - 1), WORD)
def test_any_door_words_decode_or_say_what_is_wrong(status: door.DoorStatus, at: int, word: int) -> None:
    words = door.encode_status(status)
    words[at] = word
    decoded = decoded_or_refused(door.decode_status, words)
    assert decoded is None or door.encode_status(decoded) == words


@given(panel_statuses(), st.integers(0, panel.STATUS_WORDS - 1), WORD)
def test_any_panel_words_decode_or_say_what_is_wrong(status: panel.PanelStatus, at: int, word: int) -> None:
    words = panel.encode_status(status)
    words[at] = word
    decoded = decoded_or_refused(panel.decode_status, words)
    assert decoded is None or panel.encode_status(decoded) == words


@given(st.lists(WORD, max_size=130))
def test_random_words_are_refused_as_another_board_or_nonsense(words: list[int]) -> None:
    for decode in (door.decode_status, panel.decode_status):
        with pytest.raises(MapViolation):
            decode(words)


@given(st.lists(WORD, max_size=3 * door.ENTRY_WORDS))
def test_random_fifo_words_decode_or_say_what_is_wrong(words: list[int]) -> None:
    entries = decoded_or_refused(door.decode_fifo, words)
    assert entries is None or all(entry.sequence for entry in entries)


def spoiled(words: list[int], at: int, word: int) -> list[int]:
    return [*words[:at], word, *words[at + 1 :]]


GOOD = door.encode_status(door.DoorStatus(header=door.door_header(1)))


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (GOOD[:-1], "status: 47 words came, 48 were expected"),
        (spoiled(GOOD, 3, 0), "the boot id is 0"),
        (spoiled(GOOD, 4, 16), "8 inputs, 4 relays and 4 readers"),
        (spoiled(GOOD, 7, 0x20), "cabinet flags: reserved bits are set in 0x0020"),
        (spoiled(GOOD, 8, 5), "5 is no reset cause"),
        (spoiled(GOOD, 9, 9), "9 reads between acknowledged 0 and newest 0"),
        (spoiled(GOOD, 13, 1), "between acknowledged 1 and newest 0"),
        (spoiled(GOOD, 17, 4), "input 3: its latched bit does not agree with 0 pending"),
        (spoiled(GOOD, 17, 0x100), "latched bits: reserved bits"),
        (spoiled(GOOD, 34, 1), "input 1: 1 activations pending of only 0"),
        (spoiled(GOOD, 42, 0x100), "relays: reserved bits"),
        (spoiled(GOOD, 43, 8), "signals: reserved bits"),
        (spoiled(GOOD, 44, 9), "watchdog: 9 tenths of a second is out of range"),
        (spoiled(GOOD, 45, 0x10), "safe states: reserved bits"),
        (spoiled(GOOD, 46, 0x10000), "word 46 is 65536, which is not 16 bits"),
    ],
)
def test_nonsense_is_refused_and_told_what_is_wrong(words: list[int], wrong: str) -> None:
    with pytest.raises(MapViolation, match=wrong):
        door.decode_status(words)


def test_another_vendors_board_is_recognised() -> None:
    with pytest.raises(ForeignBoard, match=r"this is an unknown product \(0x0102\), not a secd door controller"):
        decode_header(spoiled(GOOD, 0, 0x0102), DOOR_CONTROLLER)


def test_the_other_product_of_ours_is_recognised() -> None:
    with pytest.raises(ForeignBoard, match="this is secd door controller, not a secd panic panel"):
        decode_header(GOOD, PANIC_PANEL)


def test_another_map_version_is_recognised_and_a_newer_minor_one_accepted() -> None:
    with pytest.raises(ForeignBoard, match=r"its register map is version 2\.0; this profile speaks 1"):
        door.decode_status(spoiled(GOOD, 1, 0x0200))
    assert door.decode_status(spoiled(GOOD, 1, 0x0103)).header.map_minor == 3


@pytest.mark.parametrize(
    ("at", "word", "wrong"),
    [
        (1, 0, "an entry that is not empty has sequence 0"),
        (2, 5, "came from reader 5"),
        (3, 257, "claims 257 bits"),
        (3, 25, "more bits than the 25 it claims"),
    ],
)
def test_a_bad_card_entry_is_refused(at: int, word: int, wrong: str) -> None:
    words = door.encode_fifo([door.CardEntry(sequence=8, reader=1, bits=CardBits(bit_count=26, value=1 << 25))])
    with pytest.raises(MapViolation, match=wrong):
        door.decode_fifo(spoiled(words, at, word))


def test_half_an_entry_is_refused() -> None:
    with pytest.raises(MapViolation, match="21 words are not whole entries of 22"):
        door.decode_fifo([1] * 21)


def test_a_board_cannot_say_that_it_does_not_know_an_input() -> None:
    with pytest.raises(ValueError, match="a board cannot say"):
        encode_inputs([BoardInput(state=InputState.UNKNOWN)])


@given(st.builds(door.Signal, green=st.booleans(), red=st.booleans(), buzzer=st.booleans()), st.integers(1, 255))
def test_signal_commands_come_back_as_they_were(signal: door.Signal, tenths: int) -> None:
    assert door.decode_signal_command(door.encode_signal_command(signal, tenths)) == (signal, tenths)


@pytest.mark.parametrize(("duration_s", "tenths"), [(0.04, 1), (0.1, 1), (0.25, 2), (5.0, 50), (600.0, 6000)])
def test_durations_are_tenths_and_never_none(duration_s: float, tenths: int) -> None:
    assert door.encode_tenths(duration_s, door.PULSE_TENTHS_MAX) == tenths


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 600.1])
def test_a_duration_the_board_cannot_time_is_refused(duration_s: float) -> None:
    with pytest.raises(ValueError, match=r"is not between 0\.1 and 600"):
        door.encode_tenths(duration_s, door.PULSE_TENTHS_MAX)
