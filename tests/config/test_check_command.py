"""`secd check` and `secd schema` as people call them."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from court_site import court

from secd.cli.check import check
from secd.cli.schema import schema


def break_court(directory: Path) -> Path:
    court(directory)
    doors = directory / "doors.yaml"
    doors.write_text(doors.read_text().replace("egress: lever", "egress: levr").replace("to: lobby", "to: loby"))
    return directory


def test_a_correct_site_is_said_to_be_correct(tmp_path: Path) -> None:
    court(tmp_path / "court")
    for name in ("card-key", "camera"):
        (tmp_path / "court" / name).write_text("abc")
    result = CliRunner().invoke(check, [str(tmp_path / "court")])
    assert (result.exit_code, result.output) == (0, "nothing wrong\n")


def test_every_mistake_is_shown_and_counted(tmp_path: Path) -> None:
    result = CliRunner().invoke(check, [str(break_court(tmp_path / "court"))])
    assert result.exit_code == 3
    assert "doors.yaml:4:9: `loby` is not a name in `areas`; did you mean `lobby`?" in result.output
    assert "doors.yaml:8:13: `levr` is not a choice here; did you mean `lever`?" in result.output
    assert result.output.endswith("2 mistakes\n")
    assert "\x1b" not in result.output


def test_warnings_are_shown_but_do_not_fail(tmp_path: Path) -> None:
    court(tmp_path / "court")
    result = CliRunner().invoke(check, [str(tmp_path / "court")])
    assert result.exit_code == 0
    assert "card-key cannot be read" in result.output
    assert result.output.endswith("nothing wrong, 3 warnings\n")


def test_json_holds_every_problem_and_the_digest_only_of_a_good_site(tmp_path: Path) -> None:
    broken = CliRunner().invoke(check, ["--json", str(break_court(tmp_path / "broken"))])
    told = json.loads(broken.output)
    assert (broken.exit_code, told["errors"], told["digest"]) == (3, 2, "")
    assert {(problem["line"], problem["column"], problem["code"]) for problem in told["problems"]} == {
        (4, 9, "unresolved"),
        (8, 13, "wrong_value"),
    }
    good = court(tmp_path / "court")
    assert json.loads(CliRunner().invoke(check, ["--json", str(tmp_path / "court")]).output)["digest"] == good.digest


def test_one_file_alone_can_be_checked(tmp_path: Path) -> None:
    broken = break_court(tmp_path / "court")
    assert CliRunner().invoke(check, [str(broken / "alarms.yaml")]).exit_code == 0
    assert "1 mistake\n" in CliRunner().invoke(check, [str(broken / "doors.yaml")]).output


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert CliRunner().invoke(check, [str(tmp_path / "nothing")]).exit_code == 2


def on_a_terminal(site: Path, **environ: str) -> str:
    """What `secd check` prints on a terminal of its own."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from secd.cli.check import check; check()", str(site)]
    kept = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        command, stdout=theirs, stdin=theirs, stderr=theirs, env={**kept, "TERM": "xterm", **environ}
    ):
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            parts.append(part)
    os.close(ours)
    return b"".join(parts).decode()


def test_colour_is_for_terminals_and_no_color_is_respected(tmp_path: Path) -> None:
    broken = break_court(tmp_path / "court")
    assert "\x1b[" in on_a_terminal(broken)
    assert "\x1b[" not in on_a_terminal(broken, NO_COLOR="1")


def test_schemas_are_written_for_editors(tmp_path: Path) -> None:
    court(tmp_path / "court")
    result = CliRunner().invoke(schema, ["--site", str(tmp_path / "court"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    site = json.loads((tmp_path / "out" / "site.json").read_text())
    assert "front" in json.dumps(site["definitions"]["WhenSettings"]["properties"]["doors"])
    assert (tmp_path / "out" / "doors.json").exists()


def test_schemas_of_a_broken_site_are_refused_with_its_mistakes(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        schema, ["--site", str(break_court(tmp_path / "court")), "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 3
    assert not (tmp_path / "out").exists()
