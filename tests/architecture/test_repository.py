"""The repository itself: locks that name no host, files that say what they are, nothing half done, no machine of ours."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from source_tree import PRODUCT, ROOT, files, sources

LOCKS = sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "tests").glob("strangers/*lock*.json")])
TEXTS = {".py", ".md", ".yaml", ".toml", ".service", ".conf", ".txt", ".json", ".in", ".mako"}


def texts() -> list[Path]:
    return [path for path in files() if path.suffix in TEXTS]


def test_there_are_locks_to_look_at() -> None:
    assert {"runtime.txt", "dev.txt"} <= {lock.name for lock in LOCKS}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_locks_hold_hashes_and_no_host(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text, "a lock names what and its hash; where from is each machine's own affair"
    assert not re.search(r"^--(index-url|extra-index-url|find-links|trusted-host)", text, re.MULTILINE)
    if lock.name in {"runtime.txt", "dev.txt"}:
        pinned = re.findall(r"^([A-Za-z0-9_.\[\]-]+)==", text, re.MULTILINE)
        assert len(pinned) > 10
        assert text.count("--hash=sha256:") >= len(pinned)


def test_every_runtime_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(
        re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==", (ROOT / "requirements/runtime.txt").read_text(), re.MULTILINE)
    )
    named = {
        re.split(r"[<>=~\[ ]", requirement)[0].lower().replace("_", "-") for requirement in project["dependencies"]
    }
    assert named <= locked


def test_every_file_says_first_what_it_is() -> None:
    silent = [
        source.name
        for source in sources(*PRODUCT, "tests")
        if not ast.get_docstring(source.tree) and source.text.strip()
    ]
    assert not silent, f"the first docstring says what room, what in, what out, what refused: {silent}"


def test_nothing_is_left_half_done() -> None:
    word = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [f"{source.name}" for source in sources(*PRODUCT) if word.search(source.text)]
    assert not found


def test_no_file_names_the_machine_it_was_written_on() -> None:
    ours = re.compile("/wo" + "rk/|/home/[a-z]+/|/ro" + "ot/")
    found = [str(path.relative_to(ROOT)) for path in texts() if ours.search(path.read_text())]
    assert not found
