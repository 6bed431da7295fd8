"""docs/crash.md names the code that every crash point is reached from, and there is no other."""

import re
from pathlib import Path

from secd.config.generations import CRASH_POINTS
from secd.runtime.crashpoint import POINTS

ROOT = Path(__file__).resolve().parents[2]


def reached_in_the_code() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in (ROOT / "secd").rglob("*.py"):
        for point in re.findall(r"\breached\((?!point)(.*?)\)", path.read_text()):
            found.setdefault(point.strip('"'), set()).add(path.relative_to(ROOT / "secd").as_posix())
    return found


def rows_of_the_table() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", (ROOT / "docs" / "crash.md").read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return {point: set(re.findall(r"`([\w./]+)`", where)) for point, where in rows}


def test_every_crash_point_has_its_row_and_the_row_names_the_code_that_reaches_it() -> None:
    table = rows_of_the_table()
    assert table.keys() == {*POINTS, *CRASH_POINTS}
    assert table == reached_in_the_code()
