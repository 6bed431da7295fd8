"""A picture is kept whole, proven by its SHA-256, and never lost to another one; a full disk is a sentence, not a crash."""

import asyncio
import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from secd.evidence import EvidenceStore, KeptPicture
from secd.model.errors import StoreFailed

AT = datetime(2026, 11, 21, 23, 30, 5, tzinfo=UTC)
JPEG = b"\xff\xd8\xff" + b"picture" * 1000 + b"\xff\xd9"


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence", 10_000_000)


async def test_a_picture_lies_under_its_utc_day_with_its_sha256(store, tmp_path):
    local = AT.astimezone(timezone(timedelta(hours=5)))
    kept = await store.keep(JPEG, event="01HQ.o1", camera="east-cam", at=local)
    assert kept == KeptPicture(
        path="2026-11-21/233005-east-cam-01HQ.o1.jpg", sha256=hashlib.sha256(JPEG).hexdigest(), size_bytes=len(JPEG)
    )
    assert (tmp_path / "evidence" / kept.path).read_bytes() == JPEG
    assert await store.read(kept) == JPEG


async def test_a_second_picture_of_the_same_name_does_not_replace_the_first(store):
    first = await store.keep(JPEG, event="e", camera="c", at=AT)
    second = await store.keep(JPEG + b"2", event="e", camera="c", at=AT)
    assert second.path != first.path
    assert await store.read(first) == JPEG
    assert await store.read(second) == JPEG + b"2"


async def test_pictures_kept_at_once_are_all_there_and_counted(store):
    kept = await asyncio.gather(*(store.keep(JPEG + bytes([n]), event="e", camera="c", at=AT) for n in range(20)))
    assert len({one.path for one in kept}) == 20
    assert await store.bytes_used() == 20 * (len(JPEG) + 1)
    for one in kept:
        await store.read(one)


async def test_nothing_but_pictures_is_left_in_the_directory(store, tmp_path):
    kept = await store.keep(JPEG, event="e", camera="c", at=AT)
    assert [path.name for path in (tmp_path / "evidence" / "2026-11-21").iterdir()] == [kept.path.rpartition("/")[2]]


async def test_the_quota_is_kept_and_says_what_to_do(tmp_path):
    store = EvidenceStore(tmp_path, len(JPEG) + 10)
    await store.keep(JPEG, event="e", camera="c", at=AT)
    with pytest.raises(StoreFailed, match="move pictures away or allow more"):
        await store.keep(JPEG, event="e", camera="c", at=AT)
    assert len(list(tmp_path.glob("*/*"))) == 1


async def test_the_quota_counts_what_an_earlier_start_kept_and_forgets_what_it_left_half_written(tmp_path):
    kept = await EvidenceStore(tmp_path, 100_000).keep(JPEG, event="e", camera="c", at=AT)
    half = (tmp_path / kept.path).with_name(".half.part")
    half.write_bytes(b"x" * 50_000)
    store = EvidenceStore(tmp_path, 100_000)
    assert await store.bytes_used() == len(JPEG)
    assert not half.exists()


async def test_a_directory_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "evidence").write_text("a file where the directory should be")
    with pytest.raises(StoreFailed, match=r"no picture could be kept in .*evidence"):
        await EvidenceStore(tmp_path / "evidence", 10_000_000).keep(JPEG, event="e", camera="c", at=AT)


_WRITE_BEYOND_THE_LIMIT = """
import asyncio, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from secd.evidence import EvidenceStore
from secd.model.errors import StoreFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    asyncio.run(EvidenceStore(Path(sys.argv[1]), 10_000_000).keep(b"x" * 5000, event="e", camera="c", at=datetime.now(UTC)))
except StoreFailed as error:
    print(error)
"""


async def test_a_disk_that_takes_no_more_leaves_no_half_picture(tmp_path):
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _WRITE_BEYOND_THE_LIMIT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("no picture could be kept in")
    assert list(tmp_path.glob("*/*")) == []


@pytest.mark.parametrize("picture", [b"", b"x" * (32 * 1024 * 1024 + 1)], ids=["empty", "too large"])
async def test_no_picture_and_too_large_a_one_are_not_kept(store, picture):
    with pytest.raises(StoreFailed, match="is not kept"):
        await store.keep(picture, event="e", camera="c", at=AT)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b", "\0", "", "é" * 300])
async def test_no_name_leads_out_of_the_directory(store, tmp_path, name):
    kept = await store.keep(JPEG, event=name, camera=name, at=AT)
    assert (tmp_path / "evidence" / kept.path).resolve().parent == tmp_path / "evidence" / "2026-11-21"


async def test_a_changed_a_missing_and_a_foreign_picture_are_not_read(store, tmp_path):
    kept = await store.keep(JPEG, event="e", camera="c", at=AT)
    with pytest.raises(StoreFailed, match="not in the evidence directory"):
        await store.read(KeptPicture(path="../secret", sha256=kept.sha256, size_bytes=1))
    (tmp_path / "evidence" / kept.path).write_bytes(JPEG[:-1])
    with pytest.raises(StoreFailed, match="not the one that was kept"):
        await store.read(kept)
    (tmp_path / "evidence" / kept.path).unlink()
    with pytest.raises(StoreFailed, match="cannot be read"):
        await store.read(kept)
