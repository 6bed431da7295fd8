"""A secret is had from where the configuration says it is, prints masked, and says clearly why it is not there."""

from pathlib import Path

import pytest
from toy_site import load, write

from secd.config.secrets import SecretMissing, check_secrets, open_to_others, resolve_secret, secrets_of
from secd.config.types import SecretRef


def test_a_file_beside_the_configuration_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("two words \n\n")
    secret = resolve_secret(SecretRef(file="key"), base=tmp_path, environ={})
    assert secret.reveal() == "two words \n"
    assert "two" not in f"{secret} {secret!r}"


def test_a_systemd_credential_is_read_from_the_directory_systemd_gives(tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_text("abc")
    ref = SecretRef(credential="mqtt")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert resolve_secret(ref, base=Path("/nowhere"), environ=environ).reveal() == "abc"
    with pytest.raises(SecretMissing, match="CREDENTIALS_DIRECTORY"):
        resolve_secret(ref, base=tmp_path, environ={})


def test_an_environment_variable_is_read(tmp_path: Path) -> None:
    assert resolve_secret(SecretRef(environment="KEY"), base=tmp_path, environ={"KEY": "abc\n"}).reveal() == "abc"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read"),
        (b"", "empty"),
        (b"\n", "empty"),
        (b"x" * 65537, "larger than 65536"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_file_that_holds_no_secret_says_why_and_never_what(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretMissing, match=why) as missing:
        resolve_secret(SecretRef(file="key"), base=tmp_path, environ={})
    assert "xxxx" not in str(missing.value)


@pytest.mark.parametrize("value", ["", "x" * 65537])
def test_an_environment_variable_that_holds_no_secret_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(SecretMissing, match="the environment variable KEY"):
        resolve_secret(SecretRef(environment="KEY"), base=tmp_path, environ={"KEY": value})


def test_a_directory_is_not_a_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretMissing):
        resolve_secret(SecretRef(file="."), base=tmp_path, environ={})


@pytest.mark.parametrize(("mode", "told"), [(0o600, False), (0o640, True), (0o604, True), (0o400, False)])
def test_a_file_that_others_can_read_is_known(tmp_path: Path, mode: int, told: bool) -> None:
    (tmp_path / "key").write_text("abc")
    (tmp_path / "key").chmod(mode)
    assert open_to_others(SecretRef(file="key"), base=tmp_path, environ={}) is told


def test_secrets_are_found_wherever_a_site_names_them_and_checked_as_warnings(tmp_path: Path) -> None:
    devices = "  a: {driver: camera, password: {file: key}}\n  b: {driver: camera, password: {environment: K}}\n"
    site = load(write(tmp_path, a="house: {name: x}\ndevices:\n" + devices))
    (tmp_path / "key").write_text("abc")
    (tmp_path / "key").chmod(0o644)
    assert [path for path, _ in secrets_of(site)] == [("devices", "a", "password"), ("devices", "b", "password")]
    warnings = check_secrets(site, base=tmp_path, environ={})
    assert [(warning.line, warning.severity, warning.code) for warning in warnings] == [
        (3, "warning", "secret_open"),
        (4, "warning", "secret_missing"),
    ]
    assert len(check_secrets(site, base=tmp_path, environ={}, simulated=True)) == 1
