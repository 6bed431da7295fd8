"""A card's way as the benchmark reckons it: parts, what was lost, the bar's size of site, and the witness beside a store."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest

from benchmarks.door_end_to_end import BELOW_A_LOOK, Card, Case, Found, parts, summed_up
from benchmarks.raw_chain import Rows, keep, make_store
from benchmarks.raw_modbus import Raw
from benchmarks.site import Extent, card_of, write_site
from benchmarks.witness import Witness, witness
from simulators.door_controller.controller import DoorController

SHOWN = {"shown": [[3, 10.0], [4, 11.0]], "pulses": [[3, 10.0625], [4, 11.125]]}
CARDS = [
    Card(door=3, seen=10.03125, stored=10.0390625, station=10.046875, done=10.09375),
    Card(door=4, seen=11.0625, stored=11.078125, station=11.09375),
]
OURS = {"presented_to_seen": [40.0], "seen_to_ordered": [2.0], BELOW_A_LOOK: [4.0]}
FLOOR = {"presented_to_seen": [50.0], "seen_to_ordered": [0.25], BELOW_A_LOOK: [-0.5]}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "floor.db"
    make_store(path)
    return path


@pytest.fixture
def beside(store: Path) -> Iterator[Witness]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        yield Witness(connection)


def kept(store: Path, *seqs: int) -> list[list[int]]:
    rows: Rows = SimpleQueue()
    for seq in seqs:
        rows.put((seq, 0, 1, 10.0))
    rows.put(None)
    groups: list[list[int]] = []
    keep(store, rows, lambda group: groups.append([row[0] for row in group]))
    return groups


def found(*, lost: int = 0) -> Found:
    return Found(ours=OURS, floor=FLOOR, lost=lost, core_percent=12.0, machine_percent=60.0)


def test_each_part_of_the_way_is_told_in_milliseconds() -> None:
    assert parts(SHOWN, CARDS) == (
        {
            "presented_to_seen": [31.25, 62.5],
            "seen_to_ordered": [31.25, 62.5],
            "presented_to_ordered": [62.5, 125.0],
            "seen_to_stored": [7.8125, 15.625],
            "stored_to_station": [7.8125, 15.625],
            "seen_to_station": [15.625, 31.25],
            "presented_to_station": [46.875, 93.75],
            "seen_to_done": [62.5],
        },
        0,
    )


@pytest.mark.parametrize(
    ("cards", "lost"),
    [
        (CARDS[:1], 1),
        ([CARDS[0], Card(door=4, seen=11.0625, stored=None, station=None)], 1),
        ([CARDS[0], Card(door=4, seen=11.0625, stored=11.07, station=None)], 1),
        ([CARDS[0], Card(door=4, seen=11.5, stored=11.51, station=11.52)], 1),
        ([], 2),
    ],
    ids=["not seen", "not stored", "not at the station", "no pulse after it", "none seen"],
)
def test_a_step_that_was_not_taken_is_lost_and_counted(cards: list[Card], lost: int) -> None:
    assert parts(SHOWN, cards)[1] == lost


def test_the_bar_is_for_two_hundred_doors_and_the_theory_is_of_the_poll() -> None:
    small, large = Case(doors=50, poll_ms=50), Case(doors=200, poll_ms=100)
    told = summed_up({small: found(), large: found(lost=2)})
    assert [(bar.name, bar.value, bar.limit, bar.holds) for bar in told.bars] == [
        ("200_doors_100_ms_poll_seen_to_ordered_p99_ms", 2.0, 5.0, True),
        ("steps_lost", 2, 0, False),
    ]
    assert told.figures["50_doors_50_ms_poll_presented_to_seen_theory_p50_ms"] == 25.0
    assert told.figures["200_doors_100_ms_poll_presented_to_seen_theory_p99_ms"] == 99.0
    assert told.floor["200_doors_100_ms_poll_seen_to_ordered_p99_ms"] == 0.25


def test_a_part_shorter_than_a_look_has_no_ratio_to_the_floor() -> None:
    assert summed_up({Case(doors=50, poll_ms=50): found()}).ratios == {
        "50_doors_50_ms_poll_presented_to_seen_p50_to_floor": 0.8,
        "50_doors_50_ms_poll_seen_to_ordered_p50_to_floor": 8.0,
    }


def test_a_witness_sees_a_row_once_it_is_committed_and_not_before(store: Path, beside: Witness) -> None:
    beside.look()
    assert beside.marks == []
    with closing(sqlite3.connect(store, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO events (seq, board, reader, at) VALUES (1, 0, 1, 10.0)")
        beside.look()
        assert beside.moment(1) is None
        writer.execute("COMMIT")
    beside.look()
    assert beside.moment(1) is not None


def test_rows_of_one_commit_have_one_moment_and_later_rows_a_later_one(store: Path, beside: Witness) -> None:
    assert kept(store, 1, 2) == [[1, 2]]
    beside.look()
    beside.look()
    assert kept(store, 3) == [[3]]
    beside.look()
    assert [seq for seq, _ in beside.marks] == [2, 3]
    assert beside.moment(1) == beside.moment(2) == beside.marks[0][1]
    assert beside.moment(3) == beside.marks[1][1]
    assert beside.moment(4) is None


def test_a_witness_has_seen_everything_when_its_block_ends(store: Path) -> None:
    with witness(store) as beside:
        kept(store, 1, 2, 3)
    assert beside.moment(3) is not None


def test_the_boards_of_a_site_are_polled_as_the_benchmark_says(tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", Extent(boards=1, doors=2), [4001], "mqtt://127.0.0.1:4002", poll_ms=50)
    assert "tcp://127.0.0.1:4001, poll: 50ms}" in (site / "devices.yaml").read_text()


async def test_the_floor_takes_every_card_that_one_poll_shows_and_opens_each_door() -> None:
    async with DoorController() as board, asyncio.timeout(10):
        floor = Raw({"ports": [board.port], "boards": 1})
        await floor.connect()
        for reader in (1, 2):
            board.present_card(reader, card_of(reader))
        await floor.start(0.05)
        await board.until(lambda: all(board.board.relay(reader).pulse is not None for reader in (1, 2)))
        assert [reader for _, reader, _ in (await floor.seen())["seen"]] == [1, 2]
