"""`secd check` of a real site says which ways out nobody tried within a year; of a simulated one it does not."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from secd.cli.check import check

GOOD = Path(__file__).parents[1] / "config" / "good_site"
TODAY = datetime.now(UTC).date()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    shutil.copytree(GOOD, tmp_path / "site")
    return tmp_path / "site"


def edit(site: Path, file: str, before: str, after: str) -> None:
    text = (site / file).read_text(encoding="utf-8")
    assert before in text
    (site / file).write_text(text.replace(before, after), encoding="utf-8")


def warnings(site: Path) -> list[dict[str, Any]]:
    result = CliRunner().invoke(check, ["--json", str(site)])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)["problems"]
    return [problem for problem in found if not problem["code"].startswith("secret_")]


def test_s01_a_real_door_that_was_never_tried_is_a_warning_at_its_line(site: Path) -> None:
    edit(site, "site.yaml", "mode: simulated", "mode: actual")
    (warning,) = warnings(site)
    assert (warning["code"], warning["severity"]) == ("never_tested", "warning")
    assert (warning["path"], warning["line"]) == (str(site / "doors.yaml"), 2)


@pytest.mark.parametrize(("days", "codes"), [(400, ["test_too_old"]), (30, []), (-30, ["tested_in_future"])])
def test_s01_the_date_of_the_last_try_counts(site: Path, days: int, codes: list[str]) -> None:
    edit(site, "site.yaml", "mode: simulated", "mode: actual")
    tested = TODAY - timedelta(days=days)
    edit(site, "doors.yaml", "    egress: lever\n", f"    egress: lever\n    tested: {{egress: {tested}}}\n")
    assert [warning["code"] for warning in warnings(site)] == codes


def test_a_simulated_door_cannot_be_tried(site: Path) -> None:
    assert warnings(site) == []
