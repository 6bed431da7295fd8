"""A yard whose doors are fitted in every way: all locks, both polarities, two leaves, a pair of contacts, a sally port."""

from typing import Any

from tests.policies.builders import Scene, court_tables, site_values

YARD = """
vehicle-gate:
  {to: yard, lock: bolt, relock: on_close,
   wiring: {reader: b/1, lock: b/1, contact: {input: b/1, closed_is: 1}, bolt: b/2, rex: b/3}}
motor:
  {to: yard, lock: motor, travel: 2s, relock: on_close,
   wiring: {reader: c/1, lock: c/1, contact: {input: c/1, closed_is: 1}, bolt: c/2, rex: c/3}}
magnet:
  {to: yard, lock: maglock, without_power: unlocked, relay: energise_to_lock, relay_loss: {accepted_by: marshal, why: lobby},
   egress: sensor_and_button, exit_release: hardwired, fire_release: hardwired, relock: on_close, rex: releases, rex_release: 8s,
   wiring: {reader: d/1, lock: d/1, contact: {input: d/1, closed_is: 1}, bolt: d/2, rex: d/3}}
double:
  {to: yard, wiring: {reader: e/1, lock: e/1, contacts_are: leaves,
   contacts: [{input: e/1, closed_is: 1}, {input: e/2, closed_is: 1}], rex: e/3}}
pair:
  {to: yard, wiring: {reader: f/1, lock: f/1, contacts_are: a_pair,
   contacts: [{input: f/1, closed_is: 1}, {input: f/2, closed_is: 0}], rex: f/3}}
both-sides:
  {to: yard, rex_ignored_after_closing: 3s,
   wiring: {reader: g/1, exit_reader: g/2, lock: g/1, contact: {input: g/1, closed_is: 1}, rex: g/3, reader_tamper: g/4}}
bare:
  {to: yard, wiring: {reader: h/1, lock: h/1, bolt: h/2}}
sally-outer:
  {to: sally-port, wiring: {reader: s/1, exit_reader: s/3, lock: s/1, contact: {input: s/1, closed_is: 1}, rex: s/2}}
sally-inner:
  {from: sally-port, to: yard, rex: releases, wiring: {reader: s/2, lock: s/2, contact: {input: s/3, closed_is: 1}, rex: s/4}}
smoke-door:
  {to: yard, on_fire: unlock, wiring: {reader: k/1, lock: k/1, contact: {input: k/1, closed_is: 1}}}
far:
  {to: shed, wiring: {reader: k/2, lock: k/2, contact: {input: k/2, closed_is: 1}}}
"""
SECTIONS = {
    "areas": "{grounds: {}, yard: {within: grounds}, shed: {within: grounds}, "
    "sally-port: {within: grounds, interlock: [sally-outer, sally-inner]}}",
    "rules": "{staff: {who: [clerks, deputies], enter: [grounds], including_inside: true, when: always}}",
    "deny": "{}",
    "door_modes": "{bare: [{mode: unlocked, when: cleaning, after_first_card: not_needed}]}",
    "panic_points": "{}",
    "threat_levels": "{lockdown: {admit: [deputies], close: {areas: [grounds]}, end_needs: 2 operators}}",
    "fire_zones": "{ground-floor: {input: fire/8, fire_is: 0, supervised: {kind: end_of_line, ohms: 2200}, areas: [yard]}}",
    "alarms": """{
      forced: {when: {event: door.forced_open}, priority: 2}, held: {when: {event: door.held_open}, priority: 3},
      faulted: {when: {event: door.contact_faulted}, priority: 3}, bolt: {when: {event: door.not_secured}, priority: 3},
      outside: {when: {event: door.released_outside_secd}, priority: 2},
      untrusted: {when: {event: door.points_untrusted}, priority: 3}, reader: {when: {event: reader.tampered}, priority: 2},
      lost: {when: {event: device.went_offline}, priority: 4}}""",
}


def yard_values(**changed: str) -> dict[str, Any]:
    """The yard's settings; `changed` replaces whole sections."""
    return site_values(**{"doors": YARD, **SECTIONS, **changed})


def yard(**changed: str) -> Scene:
    """The yard, started."""
    return Scene(tables=court_tables(yard_values(**changed))).start()
