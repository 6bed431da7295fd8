"""Every exit code, and that looking costs little."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.demo.site import copy_site
from tests.app.commands import secd
from tests.app.conftest import Guard
from tests.guarded import CONFIG

NEEDED_BY_NO_LOOK = ("pydantic", "sqlalchemy", "aiohttp", "uvloop", "secd.app", "secd.policies", "prometheus_client")


async def test_each_exit_code_of_a_running_daemon_says_who_must_act(guard: Guard) -> None:
    async with guard() as site:
        release = ("doors", "release", "--reason", "a test of exit codes")
        assert (await site.daemon.command(*release, "east-entrance"))[0] == 0
        assert (await site.daemon.command(*release, "east-entrance", "--until", "soon"))[0] == 2
        assert (await site.daemon.command("doors", "release", "east-entrance", "--reason", "x"))[0] == 2
        assert (await site.daemon.command(*release, "no-such-door"))[0] == 5
        assert (await site.daemon.command("events", "--after", "01JD"))[0] == 2
        await site.end()
        code, printed = await site.daemon.command("status")
        assert (code, "systemctl status secd" in printed) == (4, True), printed


async def test_exit_codes_without_a_daemon(tmp_path: Path) -> None:
    site = copy_site(CONFIG, tmp_path / "site", free_ports=True)
    state = ("--state", str(tmp_path / "state"), "--runtime", str(tmp_path / "runtime"))
    assert (await secd("check", str(site.directory)))[0] == 0
    code, printed = await secd("replay", str(site.directory), "--state", str(tmp_path / "state"))
    assert (code, printed.startswith("secd: there is no store at")) == (1, True), printed
    site.break_policy()
    assert (await secd("check", str(site.directory)))[0] == 3
    assert (await secd("run", str(site.directory), *state))[0] == 78
    assert (await secd("status", "--socket", str(tmp_path / "nobody")))[0] == 4
    assert (await secd("no-such-command"))[0] == 2


@pytest.mark.parametrize("command", ["status", "doors", "devices", "events", "alarms", "reload", "clock"])
def test_commands_that_look_import_nothing_heavy(command: str) -> None:
    program = (
        "import json, sys, click; from secd.cli.main import main;"
        f"assert main.get_command(click.Context(main), {command!r}); print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    imported = set(json.loads(done.stdout))
    assert "secd.cli.client" in imported
    assert imported.isdisjoint(NEEDED_BY_NO_LOOK)
