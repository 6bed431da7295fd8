"""Every configuration that ran can be run again; a crash while keeping one leaves those before it as they were."""

import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from toy_site import load, write

from secd.config.generations import CRASH_POINTS, Generations, NotKept

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

KEEP_IN_A_CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from datetime import UTC, datetime
from pathlib import Path
from toy_site import load
from secd.config.generations import Generations
Generations(Path(sys.argv[3])).keep(load(Path(sys.argv[2])), datetime(2026, 11, 22, tzinfo=UTC))
"""


def site_named(directory: Path, name: str) -> Path:
    return write(directory / name, a=f"house: {{name: {name}}}\n", b="areas: {lobby: {}}\n")


def test_a_kept_site_loads_to_the_same_digest(tmp_path: Path) -> None:
    site = load(site_named(tmp_path, "one"))
    path = Generations(tmp_path / "kept").keep(site, NOON)
    assert path.name == f"20261121T120000Z-{site.digest}"
    assert load(path).digest == site.digest
    assert load(path).values == site.values


def test_the_last_kept_is_the_last_good(tmp_path: Path) -> None:
    kept = Generations(tmp_path / "kept")
    assert kept.last_good() is None
    first = kept.keep(load(site_named(tmp_path, "one")), NOON)
    second = kept.keep(load(site_named(tmp_path, "two")), NOON + timedelta(days=1))
    assert kept.last_good() == second
    assert [generation.path for generation in kept.list()] == [first, second]
    assert [generation.kept_at for generation in kept.list()] == [NOON, NOON + timedelta(days=1)]


def test_going_back_to_an_older_site_makes_it_current_without_a_second_copy(tmp_path: Path) -> None:
    kept = Generations(tmp_path / "kept")
    one = load(site_named(tmp_path, "one"))
    first = kept.keep(one, NOON)
    kept.keep(load(site_named(tmp_path, "two")), NOON + timedelta(days=1))
    assert kept.keep(one, NOON + timedelta(days=2)) == first
    assert kept.last_good() == first
    assert len(kept.list()) == 2


def test_a_generation_is_found_by_its_digest(tmp_path: Path) -> None:
    kept = Generations(tmp_path / "kept")
    one = load(site_named(tmp_path, "one"))
    path = kept.keep(one, NOON)
    assert kept.get(one.digest) == path
    assert kept.get("0" * 64) is None


@pytest.mark.parametrize("damage", ["changed", "cut", "missing", "added", "folder", "gone"])
def test_a_damaged_generation_is_passed_over(tmp_path: Path, damage: str) -> None:
    kept = Generations(tmp_path / "kept")
    first = kept.keep(load(site_named(tmp_path, "one")), NOON)
    two = load(site_named(tmp_path, "two"))
    second = kept.keep(two, NOON + timedelta(days=1))
    if damage == "changed":
        (second / "a.yaml").write_text("house: {name: other}\n")
    elif damage == "cut":
        (second / "a.yaml").write_text("")
    elif damage == "missing":
        (second / "b.yaml").unlink()
    elif damage == "added":
        (second / "c.yaml").write_text("areas: {}\n")
    elif damage == "folder":
        (second / "folder").mkdir()
    else:
        second.rename(tmp_path / "elsewhere")
    assert kept.last_good() == first
    assert kept.get(two.digest) is None


def test_keeping_a_site_whose_copy_was_damaged_writes_it_anew(tmp_path: Path) -> None:
    kept = Generations(tmp_path / "kept")
    one = load(site_named(tmp_path, "one"))
    path = kept.keep(one, NOON)
    (path / "a.yaml").write_text("")
    assert kept.keep(one, NOON) == path
    assert kept.last_good() == path


@pytest.mark.parametrize("lost", ["nothing to point at", "no pointer", "pointer to nowhere"])
def test_without_a_usable_pointer_the_newest_whole_one_is_good(tmp_path: Path, lost: str) -> None:
    kept = Generations(tmp_path / "kept")
    kept.keep(load(site_named(tmp_path, "one")), NOON)
    second = kept.keep(load(site_named(tmp_path, "two")), NOON + timedelta(days=1))
    pointer = tmp_path / "kept" / "current"
    pointer.unlink()
    if lost == "pointer to nowhere":
        pointer.symlink_to("../../etc")
    elif lost == "nothing to point at":
        pointer.write_text("not a link")
    assert kept.last_good() == second


def keep_in_a_child(site: Path, kept: Path, **environ: str) -> int:
    command = [sys.executable, "-c", KEEP_IN_A_CHILD, str(Path(__file__).parent), str(site), str(kept)]
    return subprocess.run(
        command, env={**os.environ, **environ}, check=False, timeout=60, capture_output=True
    ).returncode


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_killed_at_any_point_the_one_before_stays_good_and_the_next_try_succeeds(tmp_path: Path, point: str) -> None:
    kept = Generations(tmp_path / "kept")
    first = kept.keep(load(site_named(tmp_path, "one")), NOON)
    two = site_named(tmp_path, "two")
    assert keep_in_a_child(two, tmp_path / "kept", SECD_CRASH_AT=point) == -signal.SIGKILL
    assert kept.last_good() == first
    assert all(load(generation.path).digest == generation.digest for generation in kept.list())
    assert keep_in_a_child(two, tmp_path / "kept") == 0
    good = kept.last_good()
    assert good is not None
    assert load(good).digest == load(two).digest


def test_a_full_disk_leaves_the_one_before_good(tmp_path: Path) -> None:
    kept = Generations(tmp_path / "kept")
    first = kept.keep(load(site_named(tmp_path, "one")), NOON)
    two = load(write(tmp_path / "two", a="house: {name: two}\n" + "#" * 20_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(NotKept):
            kept.keep(two, NOON + timedelta(days=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert kept.last_good() == first
    assert kept.keep(two, NOON + timedelta(days=1)) == kept.last_good()


def test_a_place_that_is_no_directory_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    with pytest.raises(NotKept, match="cannot be"):
        Generations(tmp_path / "kept").keep(load(site_named(tmp_path, "one")), NOON)


def test_only_what_load_site_would_find_again_is_kept(tmp_path: Path) -> None:
    (tmp_path / "site.conf").write_text("areas: {}\n")
    with pytest.raises(NotKept, match="directory"):
        Generations(tmp_path / "kept").keep(load(tmp_path / "site.conf"), NOON)


def test_secrets_beside_the_configuration_are_not_copied(tmp_path: Path) -> None:
    site = site_named(tmp_path, "one")
    (site / "secrets").mkdir()
    (site / "secrets" / "key").write_text("hunter2")
    path = Generations(tmp_path / "kept").keep(load(site), NOON)
    assert sorted(entry.name for entry in path.iterdir()) == ["a.yaml", "b.yaml"]
