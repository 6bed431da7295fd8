"""One small file per class of mistake, named after it. Its first line says where the mistake is and what is said of it.

Single files are in tests/bad_configs: `secd check` on each gives exit 3 and names its line. A folder of bad_sites/ is a site:
the files of good_site/ with its own laid over them, so that mistakes across files have a place.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from secd.cli.check import check

HERE = Path(__file__).parent
GOOD = HERE / "good_site"
BAD = sorted((*(HERE.parent / "bad_configs").iterdir(), *(HERE / "bad_sites").iterdir()))

_EXPECT = re.compile(r"# expect: (\d+):(\d+) (.+)")


def checked(path: Path) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and problems of `secd check --json`; what only this machine's secrets lack is left out."""
    result = CliRunner().invoke(check, ["--json", str(path)])
    problems = json.loads(result.output)["problems"]
    return result.exit_code, [problem for problem in problems if not problem["code"].startswith("secret_")]


def expected_of(path: Path) -> tuple[int, int, str]:
    """Line, column and words of a file's first line."""
    first = path.read_bytes().decode("latin-1").removeprefix("ï»¿").splitlines()[0]
    match = _EXPECT.fullmatch(first)
    assert match is not None, f"{path} starts with # expect: LINE:COLUMN code-or-words"
    return int(match[1]), int(match[2]), match[3]


def laid_over_good(folder: Path, into: Path) -> Path:
    """A whole site: the good one, with a folder's files in place of or beside its own."""
    shutil.copytree(GOOD, into)
    shutil.copytree(folder, into, dirs_exist_ok=True)
    return into


@pytest.mark.parametrize("bad", BAD, ids=lambda path: path.stem)
def test_a_mistake_is_found_at_its_place_and_nothing_else_is(bad: Path, tmp_path: Path) -> None:
    site = bad if bad.is_file() else laid_over_good(bad, tmp_path / "site")
    holder = bad if bad.is_file() else next(bad.glob("*.yaml"))
    line, column, words = expected_of(holder)
    code, problems = checked(site)
    assert code == 3
    assert len(problems) == 1, [(problem["line"], problem["column"], problem["message"]) for problem in problems]
    (problem,) = problems
    assert (problem["line"], problem["column"]) == (line, column), problem["message"]
    assert words == problem["code"] or words in f"{problem['message']}; {problem['expected']}", problem


def test_the_good_site_has_no_mistake_whole_or_file_by_file() -> None:
    for path in (GOOD, *GOOD.glob("*.yaml")):
        assert checked(path) == (0, [])


def test_there_is_a_file_for_every_class_of_mistake() -> None:
    assert len(BAD) >= 60
