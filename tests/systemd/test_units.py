"""The unit as systemd itself reads it: understood without a word, as hard as we say, and never giving up."""

import json
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
UNIT = UNITS / "secd.service"
EXPOSURE_TENTHS_MAX = 12
SERIAL_EXPOSURE_TENTHS_MAX = 14


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)


def settings(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def with_drop_ins(tmp_path: Path, *names: str) -> Path:
    unit = tmp_path / "secd.service"
    unit.write_text(
        UNIT.read_text().replace("/opt/secd/bin/secd", "/bin/true")
        + "".join(f"\n{(UNITS / 'drop-ins' / name).read_text()}" for name in names)
    )
    return unit


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize(
    ("names", "tenths_max"),
    [
        ((), EXPOSURE_TENTHS_MAX),
        (("networks.conf", "camera-password.conf"), EXPOSURE_TENTHS_MAX),
        (("networks.conf", "serial.conf"), SERIAL_EXPOSURE_TENTHS_MAX),
    ],
)
def test_unit_is_as_hard_as_we_say(tmp_path: Path, names: tuple[str, ...], tenths_max: int) -> None:
    unit = with_drop_ins(tmp_path, *names)
    judged = run("systemd-analyze", "security", "--offline=true", f"--threshold={tenths_max}", "--no-pager", unit)
    assert judged.returncode == 0, judged.stdout[-2000:]


@pytest.mark.needs("systemd-analyze")
def test_hardening_settings_are_the_ones_we_chose_to_leave_open(tmp_path: Path) -> None:
    unit = with_drop_ins(tmp_path)
    rows = json.loads(run("systemd-analyze", "security", "--offline=true", "--json=short", "--no-pager", unit).stdout)
    open_rows = {row["json_field"] for row in rows if row["exposure"] is not None}
    assert open_rows == {
        "RootDirectoryOrRootImage",
        "RestrictAddressFamilies_AF_UNIX",
        "RestrictAddressFamilies_AF_INET_INET6",
        "PrivateNetwork",
        "PrivateUsers",
        "DeviceAllow",
        "IPAddressDeny",
    }


@pytest.mark.needs("systemd-analyze")
def test_systemd_understands_every_line_of_the_unit_and_its_drop_ins(tmp_path: Path) -> None:
    unit = with_drop_ins(tmp_path, "networks.conf", "serial.conf", "camera-password.conf")
    verified = run("systemd-analyze", "verify", "--man=no", unit)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_unit_never_gives_up_and_stops_within_its_time() -> None:
    unit = settings(UNIT)
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert "RestartPreventExitStatus" not in unit
    assert unit["Type"] == ["notify"]
    assert unit["TimeoutStopSec"] == ["10s"]
    assert unit["WatchdogSec"] == ["10s"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


def test_operators_are_known_by_their_uid_so_the_unit_has_no_user_namespace() -> None:
    assert "PrivateUsers" not in settings(UNIT)


@pytest.mark.needs("systemd-sysusers")
def test_user_and_group_are_made_for_the_unit(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    made = run("systemd-sysusers", f"--root={tmp_path}", UNITS / "secd.sysusers.conf")
    assert made.returncode == 0, made.stderr
    assert settings(UNIT)["User"] == ["secd"]
    assert "secd:x:" in (tmp_path / "etc" / "passwd").read_text()
    assert "/usr/sbin/nologin" in (tmp_path / "etc" / "passwd").read_text()


def test_credentials_are_loaded_from_where_only_root_reads() -> None:
    sources = [line.partition(":")[2] for line in settings(UNIT)["LoadCredential"]]
    assert sources
    assert all(source.startswith("/etc/secd/credentials/") for source in sources)
    assert "d /etc/secd/credentials 0700 root root -" in (UNITS / "secd.tmpfiles.conf").read_text()
