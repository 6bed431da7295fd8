"""A generated site of any size, in the language of `config/`: boards, doors, panic points, holders, one station.

In: how much of everything, and where it listens. Out: a directory that `secd check` passes and `secd run` guards.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from secd.model.secret import CardBits, CardNumber
from secd.wire import panic_panel
from secd.wire.wiegand import encode_card

FORMAT = "H10301"
CARDS_EACH_FACILITY = 60_000
HOLDERS = 1000
PASSWORD = "benchmark-password"  # noqa: S105 -- of a broker that lives for seconds, on the loopback
STATION = "sheriff"
SITE, INSTANCE = "courthouse", "county-a"

_FRAME = """\
site: {{name: {site}, instance: {instance}, label: Large, time_zone: America/Chicago, mode: simulated, clock: {{trusted: host}}}}
mqtt:
  broker: {broker}
  login: {{username: secd, password: {{file: secrets/mqtt-password}}}}
  stations: {{{station}: {{receipt: station}}}}
card_key: {{file: secrets/card-key}}
card_formats: [H10301, C1k35]
operators: {{measurer: {{uid: {uid}, roles: [administrator]}}}}
roles: {{administrator: {{may: [see, see_silent, command_doors, acknowledge, administer]}}}}
areas: {{courthouse: {{}}, lobby: {{within: courthouse}}}}
holidays: {{}}
schedules: {{office-hours: {{mon-fri: ["07:00-18:30"], holidays: closed}}}}
groups: {{clerks: {{}}}}
rules:
  clerks-always: {{who: [clerks], enter: [courthouse], including_inside: true, when: always, with: card}}
"""
_DOOR = """\
  {name}: {{from: outside, to: lobby, lock: strike, without_power: locked, relay: energise_to_unlock, egress: lever, \
fire_release: not_needed, rex: shunt_only, relock: on_open, release: 2s, release_extended: 15s, \
held_open: {{warn: 20s, alarm: 30s}}, wiring: {{reader: {board}/{n}, lock: {board}/{n}, \
contact: {{input: {board}/{contact}, closed_is: 1}}, rex: {board}/{rex}}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much there is. Door i is on board i modulo `boards`; panic point i on panel i modulo `panels`."""

    boards: int
    doors: int
    panels: int = 0
    panic_points: int = 0

    def __post_init__(self) -> None:
        if self.doors > 4 * self.boards or self.panic_points > panic_panel.INPUTS * self.panels:
            raise ValueError("a board has four doors at most, a panel sixteen points")

    def door(self, number: int) -> tuple[int, int]:
        """Board and reader (from 1) of a door; its relay has the reader's number."""
        return number % self.boards, number // self.boards + 1

    def point(self, number: int) -> tuple[int, int]:
        """Panel and input (from 1) of a panic point."""
        return number % self.panels, number // self.panels + 1


DESIGN_SIZE = Extent(boards=462, doors=500, panels=38, panic_points=600)
"""500 boards in all."""


def card_of(holder: int) -> CardBits:
    """The bits of a holder's card."""
    return encode_card(CardNumber(format=FORMAT, facility=12 + holder // CARDS_EACH_FACILITY, number=_number(holder)))


def write_site(
    directory: Path,
    extent: Extent,
    ports: Sequence[int],
    broker: str,
    *,
    holders: int = HOLDERS,
    poll_ms: int = 100,
) -> Path:
    """Write the site; `ports` are the boards' first, then the panels'. Returns its directory."""
    secrets = directory / "secrets"
    secrets.mkdir(parents=True)
    for name, text in (("mqtt-password", PASSWORD), ("card-key", "9f" * 32)):
        (secrets / name).write_text(f"{text}\n")
        (secrets / name).chmod(0o600)
    frame = _FRAME.format(site=SITE, instance=INSTANCE, broker=broker, station=STATION, uid=os.getuid())
    (directory / "site.yaml").write_text(frame)
    (directory / "devices.yaml").write_text("devices:\n" + "".join(_devices(extent, ports, poll_ms)))
    (directory / "doors.yaml").write_text("doors:\n" + "".join(_doors(extent)))
    (directory / "alarms.yaml").write_text(_alarms(extent))
    (directory / "people.yaml").write_text("holders:\n" + "".join(_holders(holders)))
    return directory


def _devices(extent: Extent, ports: Sequence[int], poll_ms: int) -> list[str]:
    line = "  {name}: {{driver: modbus_io, profile: {profile}, address: tcp://127.0.0.1:{port}, poll: {poll}}}\n"
    names = [(f"board-{at}", "secd-door-controller") for at in range(extent.boards)]
    names += [(f"panel-{at}", "secd-panic-panel") for at in range(extent.panels)]
    return [
        line.format(name=name, profile=profile, port=port, poll=f"{poll_ms}ms")
        for (name, profile), port in zip(names, ports, strict=True)
    ]


def _doors(extent: Extent) -> list[str]:
    lines = []
    for number in range(extent.doors):
        board, n = extent.door(number)
        lines.append(_DOOR.format(name=f"door-{number}", board=f"board-{board}", n=n, contact=2 * n - 1, rex=2 * n))
    return lines


def _alarms(extent: Extent) -> str:
    text = "alarms:\n  door-forced: {when: {event: door.forced_open}, priority: 2}\n"
    if not extent.panic_points:
        return text
    names = "".join(f"        - point-{number}\n" for number in range(extent.panic_points))
    text += f"  panic:\n    when:\n      panic:\n{names}      press: any\n    priority: 1\npanic_points:\n"
    for number in range(extent.panic_points):
        panel, n = extent.point(number)
        supervised = "supervised: {kind: end_of_line, ohms: 2200}, latched_by: board"
        text += f"  point-{number}: {{input: panel-{panel}/{n}, {supervised}, area: lobby}}\n"
    return text


def _holders(count: int) -> list[str]:
    line = "  holder-{at}: {{groups: [clerks], cards: [{{format: H10301, facility: {facility}, number: {number}}}]}}\n"
    return [line.format(at=at, facility=12 + at // CARDS_EACH_FACILITY, number=_number(at)) for at in range(count)]


def _number(holder: int) -> int:
    return 1 + holder % CARDS_EACH_FACILITY
