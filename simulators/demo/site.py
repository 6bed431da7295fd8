"""The demonstration's own copy of the example site: the same files, with whoever runs it as its operator.

In: `config/` of a checkout. Out: a directory that the story may edit, and the loopback addresses its devices must have.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from simulators.broker import free_port
from simulators.control import PORT as CONTROL_PORT

OPERATORS = """\
operators:
  demonstrator: {{uid: {uid}, roles: [administrator]}}
roles:
  administrator: {{may: [see, see_silent, command_doors, acknowledge, commission, administer]}}
"""
DEVICES = ("public-board", "secure-board", "panic-panel", "wireless-buttons", "east-cam", "courtroom-a-cam")
SECRETS = ("mqtt-password", "camera-password")
BROKEN_EDIT = ("who: [clerks, judges, bailiffs]", "who: [clarks, judges, bailiffs]")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSite:
    """Where the copy is, and the port of each thing that must listen."""

    directory: Path
    ports: dict[str, int]
    broker_port: int
    control_port: int
    password: str

    @property
    def access(self) -> Path:
        """The file that the story breaks and mends."""
        return self.directory / "access.yaml"

    def break_policy(self) -> str:
        """A clerk's group misspelt; returns the file's text before."""
        text = self.access.read_text()
        self.access.write_text(text.replace(*BROKEN_EDIT))
        return text


def copy_site(config: Path, into: Path, *, free_ports: bool = False) -> DemoSite:
    """Copy the example site to `into`, which is replaced. `free_ports`: every address gets a port nobody listens on."""
    if into.exists():
        shutil.rmtree(into)
    shutil.copytree(config, into)
    (into / "operators.yaml").write_text(OPERATORS.format(uid=os.getuid()))
    for secret in (into / "secrets").iterdir():
        secret.chmod(0o600)
    if free_ports:
        _move_to_free_ports(into)
    return read_site(into, control_port=free_port() if free_ports else CONTROL_PORT)


def read_site(directory: Path, *, control_port: int = CONTROL_PORT) -> DemoSite:
    """Where the courthouse's devices must be, by its own files. Raises ValueError for a site that is not the courthouse."""
    missing = [name for name in ("devices.yaml", "site.yaml") if not (directory / name).is_file()]
    missing += [f"secrets/{name}" for name in SECRETS if not (directory / "secrets" / name).is_file()]
    if missing:
        raise ValueError(f"{directory} is not a copy of the example site: it has no {', '.join(missing)}")
    devices = _section(directory / "devices.yaml", "devices")
    if absent := [name for name in DEVICES if name not in devices]:
        raise ValueError(
            f"{directory} is not a copy of the example site: its devices.yaml names no {', '.join(absent)}"
        )
    ports = {name: urlsplit(device["address"]).port for name, device in devices.items() if "address" in device}
    return DemoSite(
        directory=directory,
        ports={name: port for name, port in ports.items() if port is not None},
        broker_port=urlsplit(_section(directory / "site.yaml", "mqtt")["broker"]).port or 1883,
        control_port=control_port,
        password=(directory / "secrets" / "mqtt-password").read_text().strip(),
    )


def _section(file: Path, key: str) -> dict[str, Any]:
    with file.open() as text:
        sections = yaml.load(text, yaml.BaseLoader)  # noqa: S506 -- text scalars only
    section = sections.get(key) if isinstance(sections, dict) else None
    if not isinstance(section, dict):
        raise ValueError(f"{file} is not the example site's: it has no section {key}")  # noqa: TRY004 -- a wrong file
    return section


def _move_to_free_ports(directory: Path) -> None:
    moved: dict[str, str] = {}
    for name in ("site.yaml", "devices.yaml"):
        text = (directory / name).read_text()
        for port in re.findall(r"127\.0\.0\.1:(\d+)", text):
            moved.setdefault(port, str(free_port()))
        (directory / name).write_text(re.sub(r"(127\.0\.0\.1:)(\d+)", lambda found: found[1] + moved[found[2]], text))
