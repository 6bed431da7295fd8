"""What is appended is durable, numbered without gaps, and read back as one step of the log."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from store_entries import START, Troubles, an_alarm_entry, an_entry, an_event, opened, settled

from secd.model.doors import DoorMode, Layer
from secd.model.entry import Entry, StateRow
from secd.model.errors import Fault, StoreFailed
from secd.model.event import Stream
from secd.model.facts import OrderEnded, Passage
from secd.model.names import DeviceId, DoorId, EventId, HolderId, OrderId
from secd.model.observation import DeviceCursor
from secd.model.order import DesiredLock, Order, ReleaseDoor
from secd.model.time import Instant
from secd.runtime.clock import ManualClock, Quiescence
from secd.store import EventFilter, ReadOnlyStore, newest_instant


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


async def test_an_entry_resolves_to_its_inputs_number_and_findings_follow_it(path: Path) -> None:
    taken = an_event("access.taken", Passage(door="east", how="taken", holder=HolderId("rivera")))
    async with opened(path) as store:
        first, second = await settled(store.append(an_entry(findings=(taken,))), store.append(an_entry()))
        entries = await store.entries(1)
    assert (first, second) == (1, 3)
    assert [(entry.seq, len(entry.findings)) for entry in entries] == [(1, 1), (3, 0)]
    assert entries[0].findings == (taken,)


async def test_each_stream_is_dense_and_its_mark_is_its_newest_number(path: Path) -> None:
    async with opened(path) as store:
        await settled(*[store.append(entry) for entry in (an_entry(), an_alarm_entry(), an_entry())])
        event_rows = await store.read_stream(Stream.EVENT, 0, 10)
        alarm_rows = await store.read_stream(Stream.ALARM, 0, 10)
        marks = store.marks()
    assert [row.sequence for row in event_rows] == [1, 2]
    assert [(row.sequence, row.event.kind) for row in alarm_rows] == [(1, "panic.activated"), (2, "alarm.raised")]
    assert marks == {Stream.EVENT: 2, Stream.ALARM: 2, Stream.HEALTH: 0}
    assert alarm_rows[0].alarm is None
    assert alarm_rows[1].alarm is not None
    assert alarm_rows[1].alarm.id == "alarm-1"


async def test_a_start_finds_alarms_modes_cursors_orders_and_the_judges_state(path: Path) -> None:
    order = Order(
        id=OrderId("o1"), act=ReleaseDoor(door=DoorId("east"), duration_s=5), cause=EventId("e"), expires_mono_s=9.5
    )
    lock = DesiredLock(door=DoorId("east"), mode=DoorMode.UNLOCKED, layer=Layer.SCHEDULE, cause=EventId("e"))
    rows = (StateRow(kind="door", key="east", value={"due": 12.5}), StateRow(kind="door", key="west", value={}))
    gone = StateRow(kind="door", key="west", value=None)
    async with opened(path) as store:
        await settled(
            store.append(an_alarm_entry(state=rows, cursor=4, desired=(lock,))),
            store.append(an_entry(an_event(at_s=60), orders=(order,), state=(gone,))),
        )
        epoch = store.epoch
    async with opened(path) as store:
        start = store.start
        assert store.committed_cursor(DeviceId("board-1")) == DeviceCursor(boot_id=7, sequence=4)
    assert start.epoch == epoch
    assert [alarm.id for alarm in start.open_alarms] == ["alarm-1"]
    assert start.desired == (lock,)
    assert start.open_orders == (order,)
    assert start.rows == (rows[0],)
    assert start.last is not None
    assert start.last.utc == START + timedelta(seconds=60)
    assert newest_instant(path) == start.last


async def test_an_ended_order_is_closed_with_the_event_that_says_so(path: Path) -> None:
    order = Order(
        id=OrderId("o1"), act=ReleaseDoor(door=DoorId("east"), duration_s=5), cause=EventId("e"), expires_mono_s=9.5
    )
    ended = an_event("order.done", OrderEnded(order=order.id, act="ReleaseDoor", result="done"))
    async with opened(path) as store:
        await settled(store.append(an_entry(orders=(order,))), store.append(an_entry(ended)))
    async with opened(path) as store:
        assert store.start.open_orders == ()


async def test_a_closed_alarm_leaves_the_open_ones_and_is_found_among_the_closed(path: Path) -> None:
    async with opened(path) as store:
        await settled(*[store.append(an_alarm_entry(alarm_id=name)) for name in ("a", "b")])
        await settled(store.append(an_alarm_entry(alarm_id="a", rev=2, closed=True)))
        assert [alarm.id for alarm in await store.open_alarms()] == ["b"]
        assert [(alarm.id, alarm.rev) for alarm in await store.recently_closed_alarms(5)] == [("a", 2)]


async def test_two_hundred_and_fifty_six_producers_share_commits(path: Path) -> None:
    commits = 0
    async with opened(path) as store:
        futures = [store.append(an_entry()) for _ in range(2560)]
        while not futures[-1].done():
            await store.wait_for_commit()
            commits += 1
        seqs = await settled(*futures)
    assert seqs == list(range(1, 2561))
    assert commits < 256


async def test_an_entry_that_cannot_be_stored_fails_alone(path: Path) -> None:
    troubles = Troubles()
    unknown_kind = an_entry(replace(an_event(), kind="door.exploded\udcff"))
    bad_text = an_entry(an_event(subject="\ud800"))
    twice = an_entry()
    async with opened(path, troubles) as store:
        good = [store.append(an_entry()) for _ in range(3)]
        bad = [store.append(entry) for entry in (unknown_kind, bad_text)]
        first, again = store.append(twice), store.append(twice)
        after = store.append(an_entry())
        assert await settled(*good, first, after) == [1, 2, 3, 4, 5]
        for future in (*bad, again):
            with pytest.raises(Fault, match="cannot be stored"):
                await future
        assert not store.degraded
    assert troubles.kinds == ["events.shed"] * 3
    assert all(trouble.what.isascii() for _, trouble in troubles.all)


async def test_events_are_found_by_subject_kind_holder_time_and_page(path: Path) -> None:
    granted = Passage(door="east", how="taken", holder=HolderId("rivera"))
    async with opened(path) as store:
        for at_s in range(5):
            await settled(store.append(an_entry(an_event(at_s=at_s, subject="east" if at_s % 2 else "west"))))
        await settled(store.append(an_entry(an_event("access.taken", granted, at_s=9))))

        async def seqs(**wanted: object) -> list[int]:
            return [row.seq for row in await store.find_events(EventFilter(**wanted))]  # type: ignore[arg-type]

        assert await seqs(subject="east") == [6, 4, 2]
        assert await seqs(kinds=("access.taken",)) == [6]
        assert await seqs(holder="rivera") == [6]
        assert await seqs(since=START + timedelta(seconds=1), until=START + timedelta(seconds=3)) == [3, 2]
        assert await seqs(after_seq=2, limit=2, newest_first=False) == [3, 4]
        assert await seqs(before_seq=3) == [2, 1]
        found = await store.get_event((await store.find_events(EventFilter(limit=1)))[0].event.id)
        assert found is not None
        assert found.seq == 6
        assert await store.get_event("nothing") is None


async def test_delivery_cursors_are_known_at_once_and_survive_a_restart(path: Path) -> None:
    async with opened(path) as store:
        await store.save_delivery_cursor("broker", Stream.ALARM, 3)
        await store.save_delivery_cursor("broker", Stream.ALARM, 4)
        assert await store.delivery_cursor("broker", Stream.ALARM) == 4
        assert await store.delivery_cursor("broker", Stream.EVENT) == 0
    async with opened(path) as store:
        assert await store.delivery_cursor("broker", Stream.ALARM) == 4


async def test_s21_a_sealed_read_is_kept_beside_the_log(path: Path) -> None:
    async with opened(path) as store:
        store.keep_sealed(EventId("e1"), b"sealed", START + timedelta(days=30))
        await settled(store.append(an_entry()))
        assert await store.sealed_read("e1") == b"sealed"


async def test_a_store_is_read_without_a_daemon_and_beside_one(path: Path) -> None:
    async with opened(path) as store:
        await settled(store.append(an_entry()))
        beside = await ReadOnlyStore.open(path)
        assert (await beside.read_marks())[Stream.EVENT] == 1
        await beside.close()
    alone = await ReadOnlyStore.open(path)
    assert len(await alone.find_events(EventFilter())) == 1
    await alone.close()


async def test_quiescence_counts_an_append_until_it_is_durable(path: Path) -> None:
    quiescence = Quiescence()
    clock = ManualClock(START, quiescence=quiescence)
    async with opened(path, clock=clock, quiescence=quiescence) as store:
        future = store.append(an_entry())
        await clock.advance(1)
        assert future.done()


async def test_the_watchdog_is_answered_by_a_store_at_rest(path: Path) -> None:
    async with opened(path) as store:
        assert await store.answers_within(5)
    assert not await store.answers_within(5)


async def test_the_stored_text_of_an_entry_keeps_its_policy_and_author(path: Path) -> None:
    event = an_event(author="op-1", late=True)
    async with opened(path) as store:
        await settled(store.append(Entry(event=event, verdict=an_entry().verdict, policy=an_entry().policy)))
        row = (await store.find_events(EventFilter()))[0]
    assert (row.event, row.policy) == (event, an_entry().policy)


async def test_appends_of_many_tasks_come_back_in_the_order_they_were_made(path: Path) -> None:
    async with opened(path) as store:
        seqs = await asyncio.gather(*[store.append(an_entry()) for _ in range(700)])
    assert seqs == list(range(1, 701))


async def test_s21_a_sealed_read_is_gone_when_its_day_has_come(path: Path) -> None:
    clock = ManualClock(START)
    async with opened(path, clock=clock) as store:
        store.keep_sealed(EventId("e1"), b"sealed", START + timedelta(days=30))
        await settled(store.append(an_entry()))
        await clock.advance(30 * 86400 + 1)
        await settled(store.append(an_entry()))
        assert await store.sealed_read("e1") is None


class _BrokenClock(ManualClock):
    """A clock with a bug, to see what a bug in the writer thread does."""

    broken = False

    def now(self) -> Instant:
        if self.broken:
            raise RuntimeError("a bug")
        return super().now()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_in_the_writer_ends_the_store_and_whoever_waits_is_told(path: Path) -> None:
    clock = _BrokenClock(START)
    async with opened(path, clock=clock) as store:
        clock.broken = True
        future = store.append(an_entry())
        with pytest.raises(Fault, match="writer fell"):
            await store.run()
        with pytest.raises(StoreFailed):
            await future
        assert not await store.answers_within(1)
