"""A small, whole, correct site in the real sections, to edit in tests."""

from dataclasses import replace
from pathlib import Path

from secd.app.sections import site_sections
from secd.config.load import LoadedSite, load_site

SITE = """
site: {name: court, instance: county-a, label: Court, time_zone: America/Chicago, mode: simulated}
card_key: {file: card-key}
mqtt: {broker: "mqtt://127.0.0.1:1883", stations: {sheriff: {receipt: station}, mayor: {receipt: none}}}
operators: {captain: {uid: 1000, roles: [operator]}}
roles: {operator: {may: [see]}}
"""

PEOPLE = """
card_formats: [H10301]
groups: {clerks: {}}
holders: {rivera: {groups: [clerks], cards: [{format: H10301, facility: 12, number: 01001}]}}
areas: {courthouse: {}, lobby: {within: courthouse}}
schedules: {office: {mon-fri: ["07:00-18:30"], holidays: closed}}
rules: {staff: {who: [clerks], enter: [courthouse, lobby], when: office, with: card}}
threat_levels: {lockdown: {admit: [clerks], close: {areas: [courthouse]}, end_needs: 2 operators}}
"""

DEVICES = """
devices:
  board: {driver: modbus_io, profile: secd-door-controller, address: "tcp://127.0.0.1:5020"}
  panel: {driver: modbus_io, profile: secd-panic-panel, address: "tcp://127.0.0.1:5021"}
  cam: {driver: onvif_camera, address: "http://127.0.0.1:8001", login: {username: secd, password: {file: camera}}}
  yard: {driver: onvif_camera, address: "http://127.0.0.1:8002", login: {username: secd, password: {file: camera}}}
"""

DOORS = """
doors:
  front:
    from: outside
    to: lobby
    lock: strike
    without_power: locked
    relay: energise_to_unlock
    egress: lever
    fire_release: not_needed
    relock: on_open
    held_open: {warn: 20s, alarm: 30s}
    wiring: {reader: board/1, lock: board/1, contact: {input: board/1, closed_is: 1}, rex: board/2}
    cameras: [cam]
"""

ALARMS = """
panic_points:
  bench: {input: panel/1, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: lobby}
  desk: {input: panel/2, supervised: {kind: end_of_line, ohms: 2200}, latched_by: board, area: lobby, press: lockdown}
alarms:
  duress:
    when: {panic: [bench], press: any}
    priority: 1
    silent: true
    do: [{snapshot: {cameras: [cam, yard]}}]
  lockdown:
    when: {panic: [desk], press: lockdown}
    priority: 1
    do: [{set_threat_level: {level: lockdown, in: courthouse}}]
  forced:
    when: {event: door.forced_open}
    priority: 2
    do: [{snapshot: {cameras: of_the_door}}]
"""

FILES = {"site": SITE, "people": PEOPLE, "devices": DEVICES, "doors": DOORS, "alarms": ALARMS}


def court(directory: Path, *edits: tuple[str, str], checked: bool = True) -> LoadedSite:
    """The site with texts replaced (each must be there); `checked=False` leaves out what the rooms would refuse."""
    directory.mkdir(exist_ok=True)
    files = dict(FILES)
    for old, new in edits:
        holding = [name for name, text in files.items() if old in text]
        assert len(holding) == 1, (old, holding)
        files[holding[0]] = files[holding[0]].replace(old, new)
    for name, text in files.items():
        (directory / f"{name}.yaml").write_text(text, encoding="utf-8")
    sections = site_sections()
    return load_site(directory, sections if checked else [replace(section, check=None) for section in sections])
