"""A failing disk is a mode: secd goes on, nothing that is held is lost, and nothing is stored twice. Real faults only."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from store_entries import (
    DEADLINE_S,
    START,
    Troubles,
    an_alarm_entry,
    an_entry,
    an_event,
    files_no_larger_than,
    log_size,
    opened,
    settled,
)

from secd.model.entry import Entry, StateRow
from secd.model.errors import StoreFailed
from secd.model.names import DeviceId
from secd.model.observation import DeviceCursor
from secd.runtime.clock import ManualClock
from secd.store import EventFilter, ReadOnlyStore, Store, newest_instant
from secd.store.codec import decode_entry, encode_entry
from secd.store.database import write_engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "events.db"


def large_entries(count: int) -> Iterator[Entry]:
    return (an_entry(an_event(subject="x" * 400)) for _ in range(count))


async def stored_ids(store: Store | ReadOnlyStore) -> list[str]:
    rows = await store.find_events(EventFilter(after_seq=0, newest_first=False, limit=10_000))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    return [row.event.id for row in rows]


async def test_a_disk_that_takes_no_more_is_declared_and_everything_goes_in_once_it_does(path: Path) -> None:
    troubles = Troubles()
    async with opened(path, troubles) as store:
        await settled(store.append(an_entry()))
        with files_no_larger_than(log_size(path) + 8192):
            entries = list(large_entries(600))
            futures = [store.append(entry) for entry in entries]
            trouble = await troubles.next("store.degraded")
            assert store.degraded
            assert str(path) in trouble.where
            assert trouble.remedy
            assert await store.answers_within(DEADLINE_S)
            assert len(await store.find_events(EventFilter())) >= 1
        await troubles.next("store.recovered")
        seqs = await settled(*futures)
        assert troubles.kinds[-1] == "store.recovered"
        assert seqs == list(range(2, 602))
        assert (await stored_ids(store))[1:] == [entry.event.id for entry in entries]


async def test_an_entry_stored_before_the_failure_is_not_stored_again_after_it(path: Path) -> None:
    troubles = Troubles()
    twice = an_entry()
    async with opened(path, troubles) as store:
        [seq] = await settled(store.append(twice))
        with files_no_larger_than(log_size(path) + 4096):
            futures = [store.append(entry) for entry in large_entries(100)]
            await troubles.next("store.degraded")
            again = store.append(twice)
        assert (await settled(*futures, again))[-1] == seq
        assert len(await stored_ids(store)) == 101


async def test_a_device_is_acknowledged_while_degraded_so_that_its_readers_do_not_stand_still(path: Path) -> None:
    troubles = Troubles()
    async with opened(path, troubles) as store:
        await settled(store.append(an_entry(cursor=1)))
        with files_no_larger_than(log_size(path) + 4096):
            futures = [store.append(entry) for entry in large_entries(100)]
            await troubles.next("store.degraded")
            futures.append(store.append(an_entry(cursor=2)))
            assert store.committed_cursor(DeviceId("board-1")) == DeviceCursor(boot_id=7, sequence=2)
        await settled(*futures)


async def test_when_memory_is_full_ordinary_entries_go_first_and_alarms_stay(path: Path) -> None:
    troubles = Troubles()
    async with opened(path, troubles, spool_max=10) as store:
        with files_no_larger_than(log_size(path)):
            held = store.append(an_entry(an_event(subject="y" * 9000)))
            await troubles.next("store.degraded")
            state = (StateRow(kind="door", key="east", value={"mode": "open"}),)
            ordinary = [store.append(an_entry(state=state if at == 0 else ())) for at in range(10)]
            alarms = [store.append(an_alarm_entry(alarm_id=f"a{at}")) for at in range(6)]
            await troubles.next("events.shed")
            assert store.shed_count == 6
            for future in ordinary[:6]:
                with pytest.raises(StoreFailed, match="memory is full"):
                    await future
        await settled(held, *ordinary[6:], *alarms)
        recovered = await troubles.next("store.recovered")
        assert "6 events were not stored" in recovered.what
    async with opened(path) as store:
        assert [alarm.id for alarm in store.start.open_alarms] == [f"a{at}" for at in range(6)]
        assert store.start.rows == state


async def test_a_commit_that_does_not_come_back_is_declared_and_then_counts(path: Path) -> None:
    troubles = Troubles()
    async with opened(path, troubles, commit_s_max=0.2) as store:
        engine = write_engine(path)
        with engine.connect() as other, other.begin():
            future = store.append(an_entry())
            assert "no commit in 0.2 s" in (await troubles.next("store.degraded")).what
            assert not future.done()
            assert await store.answers_within(0.05)
        engine.dispose()
        await troubles.next("store.recovered")
        assert await settled(future) == [1]


async def test_what_was_spooled_beside_the_store_is_merged_in_order_at_the_next_open(
    path: Path, tmp_path: Path
) -> None:
    spool, troubles = tmp_path / "spool.jsonl", Troubles()
    async with opened(path, troubles, spool_path=spool) as store:
        stored = an_entry()
        await settled(store.append(stored))
        with files_no_larger_than(log_size(path) + 4096):
            entries = [*large_entries(20), an_alarm_entry(state=(StateRow(kind="k", key="1", value={"v": 1}),))]
            futures = [store.append(entry) for entry in entries]
            await troubles.next("store.degraded")
            await store.close()
            for future in futures:
                with pytest.raises(StoreFailed, match="ended before"):
                    await future
    spooled = [decode_entry(line).event.id for line in spool.read_bytes().splitlines()]
    assert set(spooled) == {entry.event.id for entry in entries}
    with spool.open("ab") as file:
        file.write(encode_entry(stored) + b"\n" + encode_entry(an_entry())[:40])
    merged = Troubles()
    async with opened(path, merged, spool_path=spool) as store:
        assert await stored_ids(store) == [
            stored.event.id, *(entry.event.id for entry in entries), entries[-1].verdict.findings[0].id
        ]  # fmt: skip
        assert [alarm.id for alarm in store.start.open_alarms] == ["alarm-1"]
        assert store.start.rows == (StateRow(kind="k", key="1", value={"v": 1}),)
        assert not spool.exists()
        assert "21 entries" in (await merged.next("store.recovered")).what


async def test_a_store_that_cannot_be_opened_guards_from_its_spool_and_opens_when_it_can(tmp_path: Path) -> None:
    place, spool, troubles = tmp_path / "state", tmp_path / "spool.jsonl", Troubles()
    place.write_text("a file where the directory should be")
    spool.write_bytes(encode_entry(an_alarm_entry(cursor=5)) + b"\n")
    async with opened(place / "events.db", troubles, spool_path=spool) as store:
        assert store.degraded
        assert (store.epoch, [alarm.id for alarm in store.start.open_alarms]) == ("", ["alarm-1"])
        assert newest_instant(place / "events.db", spool) == store.start.last
        with pytest.raises(StoreFailed):
            await store.find_events(EventFilter())
        future = store.append(an_entry())
        place.unlink()
        await troubles.next("store.recovered")
        assert await settled(future) == [3]
        assert store.epoch
        assert len(await stored_ids(store)) == 3
    assert not spool.exists()


async def test_a_full_disk_at_start_does_not_keep_secd_from_knowing_what_was_stored(path: Path) -> None:
    async with opened(path) as store:
        await settled(store.append(an_alarm_entry(cursor=3)))
        epoch = store.epoch
    troubles = Troubles()
    with files_no_larger_than(0):
        store = await Store.open(path, site="courthouse", clock=a_clock(), on_trouble=troubles, ballast_bytes=0)
        assert store.degraded
        assert [alarm.id for alarm in store.start.open_alarms] == ["alarm-1"]
        assert (store.epoch, store.last_seq) == (epoch, 2)
        future = store.append(an_entry())
    await troubles.next("store.recovered")
    assert await settled(future) == [3]
    await store.close()


async def test_a_damaged_store_is_left_as_it_is_and_what_happens_is_spooled(tmp_path: Path) -> None:
    path, spool, troubles = tmp_path / "events.db", tmp_path / "spool.jsonl", Troubles()
    path.write_bytes(b"this was a database once" * 400)
    async with opened(path, troubles, spool_path=spool) as store:
        assert "backup" in (await troubles.next("store.degraded")).remedy
        store.append(an_entry())
    assert path.read_bytes() == b"this was a database once" * 400
    path.unlink()
    async with opened(path, spool_path=spool) as store:
        assert len(await stored_ids(store)) == 1


async def test_a_store_of_a_newer_secd_is_not_touched(path: Path) -> None:
    async with opened(path) as store:
        await settled(store.append(an_entry()))
    engine = write_engine(path)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    troubles = Troubles()
    async with opened(path, troubles) as store:
        assert "another version" in (await troubles.next("store.degraded")).what
        assert store.start.last is not None


async def test_another_sites_store_is_refused(path: Path) -> None:
    async with opened(path):
        pass
    with pytest.raises(StoreFailed, match="belongs to the site 'courthouse'"):
        async with opened(path, site="jail"):
            pass


@pytest.mark.needs("unshare")
def test_a_full_disk_is_bridged_by_the_reserve_and_then_declared(tmp_path: Path) -> None:
    child = [sys.executable, str(Path(__file__).with_name("store_on_a_small_disk.py")), str(tmp_path)]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", *child], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["told"] == ["store.degraded", "store.recovered", "store.degraded"]
    assert "reserve" in told["recovered"]
    assert "full" in told["degraded"]
    assert told["degraded_at_last"]
    assert told["acknowledged"] > 0
    assert told["stored"] == told["acknowledged"] + told["waiting"]
    assert told["dense"]


async def test_closing_while_the_disk_fails_ends_within_its_bound(path: Path) -> None:
    troubles = Troubles()
    store = await Store.open(path, site="courthouse", clock=a_clock(), on_trouble=troubles, ballast_bytes=0)
    with files_no_larger_than(log_size(path)):
        future = store.append(an_entry(an_event(subject="z" * 9000)))
        await troubles.next("store.degraded")
        async with asyncio.timeout(DEADLINE_S):
            await store.close()
    with pytest.raises(StoreFailed):
        await future
    with pytest.raises(StoreFailed, match="closed"):
        await store.append(an_entry())


def a_clock() -> ManualClock:
    return ManualClock(START)
