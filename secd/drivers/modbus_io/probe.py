"""What answers at a Modbus address: tries the known profiles, one after the other, and only ever reads.

In: an address, a unit, profiles. Out: a `Probed`: the profiles that fit with what the board says of itself, or in one line
what is wrong there. Refuses to write, to guess a board that has no identity, and to ask more than a few units.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from secd.config.modbus.format import Profile
from secd.drivers.modbus_io.connection import Connection, Declined, NoAnswer
from secd.drivers.modbus_io.contacts import Contacts
from secd.drivers.modbus_io.line import Line, TcpPlace, parse_line
from secd.drivers.modbus_io.profiles import PROFILES
from secd.drivers.modbus_io.scan import Run, plan, read
from secd.drivers.modbus_io.serial_line import SerialUnit
from secd.drivers.modbus_io.translate import Sight
from secd.model.errors import LinkLost, PeerViolation
from secd.model.facts import PointChanged
from secd.model.names import DeviceId
from secd.model.time import Instant
from secd.wire.registers import PRODUCTS, ForeignBoard, MapViolation

ANSWER_S_MAX = 1.0
OTHER_UNITS = (1, 2, 3, 4, 5, 247)
OTHER_ANSWER_S_MAX = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A profile that fits. `proven`: by words that only such a board has. `inputs`: what they read now."""

    profile: str
    says: str
    proven: bool
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What answered. `trouble` is one line for a person, "" where a board was recognised."""

    address: str
    unit: int
    candidates: tuple[Candidate, ...] = ()
    trouble: str = ""


async def probe(address: str, unit: int, profiles: Mapping[str, Profile], now: Instant) -> Probed:
    """Ask what is there. ValueError when the address is not one."""
    place = parse_line(address)
    try:
        line = _line(address, unit, ANSWER_S_MAX)
        await line.open()
    except LinkLost:
        return Probed(address=address, unit=unit, trouble=f"nobody answers at {place}: address, cable, power, port?")
    try:
        answers = await _answers(line)
    except (LinkLost, PeerViolation) as error:
        return Probed(
            address=address, unit=unit, trouble=f"what answers at {place} does not speak Modbus as unit {unit}: {error}"
        )
    finally:
        line.close()
    if not answers:
        others = [other for other in OTHER_UNITS if other != unit and await _is_there(address, other)]
        hint = f"; unit {', '.join(map(str, others))} answers" if others else ": another unit?"
        return Probed(
            address=address, unit=unit, trouble=f"{place} takes the connection and unit {unit} does not answer{hint}"
        )
    return await _recognise(address, unit, profiles, now)


async def _recognise(address: str, unit: int, profiles: Mapping[str, Profile], now: Instant) -> Probed:
    found: list[Candidate] = []
    foreign = ""
    for name, profile in profiles.items():
        try:
            candidate = await _try(address, unit, name, profile, now)
        except ForeignBoard as error:
            foreign = foreign or str(error)
            continue
        except (LinkLost, PeerViolation, MapViolation, NoAnswer, Declined):
            continue
        if candidate is not None and candidate.proven:
            return Probed(address=address, unit=unit, candidates=(candidate,))
        if candidate is not None:
            found.append(candidate)
    if found:
        return Probed(address=address, unit=unit, candidates=tuple(found))
    trouble = f"unit {unit} speaks Modbus, and no known profile fits it: write one, docs/modbus-profiles.md"
    return Probed(address=address, unit=unit, trouble=f"{trouble} ({foreign})" if foreign else trouble)


async def _try(address: str, unit: int, name: str, profile: Profile, now: Instant) -> Candidate | None:
    line = _line(address, unit, ANSWER_S_MAX)
    await line.open()
    try:
        async with line.turn:
            if name in PROFILES:
                return await _try_ours(line, name)
            return await _try_described(line, name, profile, now)
    finally:
        line.close()


async def _try_ours(line: Line, name: str) -> Candidate | None:
    if not isinstance(line, Connection):
        return None
    snapshot = PROFILES[name].decode(await line.read_input(0, PROFILES[name].status_words))
    header = snapshot.header
    points = f"{header.output_count} relays, {header.reader_count} readers"
    says = f"{PRODUCTS[header.product]}, register map 1.{header.map_minor}, {points}"
    inputs = tuple(f"input/{at} {one.state}" for at, one in enumerate(snapshot.inputs, 1))
    return Candidate(profile=name, says=says, proven=True, inputs=inputs)


async def _try_described(line: Line, name: str, profile: Profile, now: Instant) -> Candidate | None:
    identity = profile.identity
    if identity is not None:
        at = profile.place(identity.place)
        words = await read(line, plan([Run(at, len(identity.is_))], profile.limits))
        if [words[at + step] for step in range(len(identity.is_))] != list(identity.is_):
            return None
    if profile.inputs is None:
        return None
    contacts = Contacts(profile, profile.inputs)
    scan = await read(line, plan(contacts.runs, profile.limits))
    told = [one.fact for one in contacts.tell(scan, Sight(device=DeviceId("probed"), seen=now, initial=True))]
    inputs = tuple(f"{fact.point} {fact.state}" for fact in told if isinstance(fact, PointChanged))
    says = f"{profile.make} {profile.model}"
    if identity is None:
        says += "; it answers where that board has its inputs, which proves nothing: read the type plate"
    return Candidate(profile=name, says=says, proven=identity is not None, inputs=inputs)


async def _answers(line: Line) -> bool:
    """Whether the unit says anything at all, an exception included."""
    async with line.turn:
        try:
            await line.ask(bytes((4, 0, 0, 0, 1)), 5)
        except Declined as declined:
            return declined.code not in {10, 11}
        except NoAnswer:
            return False
    return True


async def _is_there(address: str, unit: int) -> bool:
    try:
        line = _line(address, unit, OTHER_ANSWER_S_MAX)
        await line.open()
    except LinkLost:
        return False
    try:
        return await _answers(line)
    except (LinkLost, PeerViolation):
        return False
    finally:
        line.close()


def _line(address: str, unit: int, timeout_s: float) -> Line:
    place = parse_line(address)
    if isinstance(place, TcpPlace):
        return Connection(place.host, place.port, unit=unit, timeout_s=timeout_s)
    return SerialUnit(place, unit=unit, timeout_s=timeout_s)
