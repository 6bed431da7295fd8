"""The demonstration's own copy of the example site: the same files, with whoever runs it as its operator.

In: `config/` of a checkout. Out: a directory that the story may edit, and the loopback addresses its devices must have.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from simulators.broker import free_port
from simulators.control import PORT as CONTROL_PORT

OPERATORS = """\
operators:
  demonstrator: {{uid: {uid}, roles: [administrator]}}
roles:
  administrator: {{may: [see, see_silent, command_doors, acknowledge, administer]}}
"""
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
    devices = yaml.load((into / "devices.yaml").read_text(), yaml.BaseLoader)["devices"]  # noqa: S506 -- text scalars only
    ports = {name: urlsplit(device["address"]).port for name, device in devices.items() if "address" in device}
    broker = yaml.load((into / "site.yaml").read_text(), yaml.BaseLoader)["mqtt"]["broker"]  # noqa: S506 -- as above
    return DemoSite(
        directory=into,
        ports={name: port for name, port in ports.items() if port is not None},
        broker_port=urlsplit(broker).port or 1883,
        control_port=free_port() if free_ports else CONTROL_PORT,
        password=(into / "secrets" / "mqtt-password").read_text().strip(),
    )


def _move_to_free_ports(directory: Path) -> None:
    moved: dict[str, str] = {}
    for name in ("site.yaml", "devices.yaml"):
        text = (directory / name).read_text()
        for port in re.findall(r"127\.0\.0\.1:(\d+)", text):
            moved.setdefault(port, str(free_port()))
        (directory / name).write_text(re.sub(r"(127\.0\.0\.1:)(\d+)", lambda found: found[1] + moved[found[2]], text))
