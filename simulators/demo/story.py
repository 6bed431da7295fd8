"""The story: fourteen steps, each seen in the store, at the devices and at the station, or it fails.

In: the courthouse and a witness of the daemon's log. Out: one `Told` a step. A step says what it expects before it acts.
What a step waited for in the store must also have reached the station, event by event, before the step counts as seen.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simulators.demo.courthouse import Courthouse, card
from simulators.demo.daemon import DaemonProcess
from simulators.demo.site import DemoSite
from simulators.demo.witness import SEEN_S_MAX, Event, NotSeen, Witness

FRONT, EAST, COURT, EVIDENCE = "front-entrance", "east-entrance", "courtroom-a-door", "evidence-door"
JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What became of one step."""

    step: str
    expected: str
    seen: str
    held: bool
    took_ms: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name, what is expected, and what is done to see it."""

    name: str
    expected: str
    play: Callable[["Story"], Awaitable[str]]


class Story:
    """Plays steps in order. A failed step does not end the story."""

    def __init__(self, house: Courthouse, daemon: DaemonProcess, witness: Witness, site: DemoSite) -> None:
        self.house = house
        self.daemon = daemon
        self.witness = witness
        self.site = site
        self._stored: list[Event] = []
        self._at_devices: list[str] = []

    async def play(self, step: Step) -> Told:
        """Play one step."""
        began = time.monotonic()
        self._stored.clear()
        self._at_devices.clear()
        try:
            told = await step.play(self)
            seen, held = f"{told}\n{await self._account()}", True
        except (NotSeen, TimeoutError) as error:
            seen, held = str(error) or "not in time", False
        return Told(
            step=step.name, expected=step.expected, seen=seen, held=held, took_ms=(time.monotonic() - began) * 1000
        )

    async def _account(self) -> str:
        """Wait until the station has every event that the step saw in the store; what was seen, by place."""
        if not self._stored or not self._at_devices:
            raise NotSeen("a step must look into the store and at a device")
        station, wanted = self.house.station, {event["id"] for event in self._stored}
        try:
            async with asyncio.timeout(SEEN_S_MAX):
                await station.until(lambda: wanted <= {event["id"] for event in station.events})
        except TimeoutError as error:
            missing = wanted - {event["id"] for event in station.events}
            raise NotSeen(f"at the station: {len(missing)} of the step's events did not arrive") from error
        kinds = ", ".join(dict.fromkeys(event["kind"] for event in self._stored))
        return f"store: {kinds}\ndevices: {'; '.join(self._at_devices)}\nstation: all {len(wanted)} of them"

    # --- what steps are made of --------------------------------------------------------------------------------------

    async def stored(self, kind: str, subject: str = "", *, after: int) -> Event:
        """Wait for an event in the store."""
        event = await self.witness.event(kind, subject, after=after)
        self._stored.append(event)
        return event

    def at_device(self, what: str, held: bool) -> None:
        """Look at a device now."""
        if not held:
            raise NotSeen(f"at the device: not {what}")
        self._at_devices.append(what)

    async def at_board(self, board: Any, what: str, condition: Callable[[], bool]) -> None:
        """Wait for the device itself to be so."""
        try:
            async with asyncio.timeout(SEEN_S_MAX):
                await board.until(condition)
        except TimeoutError as error:
            raise NotSeen(f"at the device: {what} was not seen") from error
        self._at_devices.append(what)

    async def at_station(self, rule: str, point: str) -> dict[str, Any]:
        """Wait for the station to show an alarm of `rule` at `point`."""
        ledger = self.house.station.ledger

        def shown() -> list[dict[str, Any]]:
            return [alarm for alarm in ledger.alarms.values() if (alarm["rule"], alarm["point"]) == (rule, point)]

        try:
            async with asyncio.timeout(SEEN_S_MAX):
                await self.house.station.until(lambda: bool(shown()))
        except TimeoutError as error:
            raise NotSeen(f"at the station: no {rule} at {point}") from error
        return shown()[-1]

    async def badge(self, who: str, board: Any, reader: int, door: str, outcome: str) -> dict[str, Any]:
        """Hold somebody's card to a reader and wait for the decision."""
        mark = self.witness.mark()
        board.present_card(reader, card(who))
        return await self.stored(outcome, door, after=mark)

    async def denied(self, who: str, reason: str, *, board: Any, reader: int, door: str) -> str:
        """A card must be denied for this very reason, and the lock must not move."""
        decided = await self.badge(who, board, reader, door, "access.denied")
        if decided["fact"]["reason"] != reason:
            raise NotSeen(f"denied as {decided['fact']['reason']}, not as {reason}")
        self.at_device(f"lock {reader} stays shut", not board.is_unlocked(str(reader)))
        return f"denied: {reason}"


async def _badge_in(story: Story) -> str:
    board, mark = story.house.public_board, story.witness.mark()
    granted = await story.badge("clerk", board, 2, EAST, "access.granted")
    await story.at_board(board, "lock 2 open", lambda: board.is_unlocked("2"))
    if not board.walk_through("2"):
        raise NotSeen("the door did not open for the clerk")
    await story.stored("access.taken", EAST, after=mark)
    await story.at_board(board, "lock 2 shut again", lambda: not board.is_unlocked("2"))
    return f"granted by {granted['fact']['rule']}; walked through; relocked"


async def _unknown_card(story: Story) -> str:
    return await story.denied("stranger", "unknown_credential", board=story.house.public_board, reader=2, door=EAST)


async def _wrong_hour(story: Story) -> str:
    return await story.denied(
        "cleaner", "not_permitted_at_this_time", board=story.house.public_board, reader=2, door=EAST
    )


async def _forced(story: Story) -> str:
    mark = story.witness.mark()
    story.house.secure_board.force("1")
    await story.stored("door.forced_open", COURT, after=mark)
    story.at_device("the door stands open", story.house.secure_board.is_open("1"))
    alarm = await story.at_station("door-forced", COURT)
    story.house.secure_board.close("1")
    return f"forced at {COURT}; station shows P{alarm['priority']}"


async def _held(story: Story) -> str:
    board, mark = story.house.public_board, story.witness.mark()
    await story.badge("clerk", board, 2, EAST, "access.granted")
    await story.at_board(board, "lock 2 open", lambda: board.is_unlocked("2"))
    board.hold("2")
    await story.stored("door.held_warned", EAST, after=mark)
    await story.stored("door.held_open", EAST, after=mark)
    story.at_device("the door stands open", board.is_open("2"))
    alarm = await story.at_station("door-held", EAST)
    board.close("2")
    await story.stored("door.closed", EAST, after=mark)
    return f"warned, then held at {EAST}; station shows P{alarm['priority']}"


async def _exit(story: Story) -> str:
    board, mark = story.house.secure_board, story.witness.mark()
    board.open_from_inside("1")
    await story.stored("exit.requested", COURT, after=mark)
    await story.stored("door.opened", COURT, after=mark)
    await story.stored("door.closed", COURT, after=mark)
    story.at_device("the door is shut again", not board.is_open("1"))
    story.witness.none_of("door.forced_open", COURT, after=mark)
    return "left by the exit button; nothing was forced"


async def _motion(story: Story) -> str:
    mark, fetched = story.witness.mark(), story.house.east_cam.calls["GET"]
    story.house.east_cam.motion(on=True)
    await story.stored("camera.motion_started", "east-cam", after=mark)
    taken = await story.stored("camera.snapshot_taken", "east-cam", after=mark)
    picture = (story.daemon.evidence / taken["fact"]["path"]).read_bytes()
    if not picture.startswith(JPEG_START) or hashlib.sha256(picture).hexdigest() != taken["fact"]["sha256"]:
        raise NotSeen("the kept picture is not the one that was taken")
    story.at_device("one picture was fetched", story.house.east_cam.calls["GET"] > fetched)
    await story.at_station("motion-at-the-east-door", "east-cam")
    story.house.east_cam.motion(on=False)
    return f"motion by ONVIF; a JPEG of {len(picture)} bytes is kept with its hash"


async def _silent(story: Story) -> str:
    mark, before = story.witness.mark(), await story.daemon.command("status")
    locks = [board.state()["relays"] for board in (story.house.public_board, story.house.secure_board)]
    story.house.panel.press(1)
    await story.stored("panic.activated", "bench-a", after=mark)
    alarm = await story.at_station("courtroom-duress", "bench-a")
    if not alarm["silent"]:
        raise NotSeen("at the station: the alarm is not marked silent")
    now = [board.state()["relays"] for board in (story.house.public_board, story.house.secure_board)]
    story.at_device("no relay moved", now == locks)
    after = await story.daemon.command("status")
    if before[1].splitlines()[0] != after[1].splitlines()[0]:
        raise NotSeen(f"on the premises: the status line changed to {after[1].splitlines()[0]!r}")
    return "only the station knows: no relay, no status line changed"


async def _lockdown(story: Story) -> str:
    board, mark = story.house.public_board, story.witness.mark()
    if not board.is_unlocked("1"):
        raise NotSeen("the front entrance was not open to the public before")
    story.house.panel.press(4)
    await story.stored("threat_level.changed", after=mark)
    await story.at_board(board, "front entrance locked", lambda: not board.is_unlocked("1"))
    await story.at_station("courthouse-lockdown", "security-desk")
    return "front entrance locked; station shows P1"


async def _clerk_in_lockdown(story: Story) -> str:
    return await story.denied("clerk", "threat_level", board=story.house.public_board, reader=2, door=EAST)


async def _deputy_in_lockdown(story: Story) -> str:
    board, mark = story.house.public_board, story.witness.mark()
    granted = await story.badge("deputy", board, 1, FRONT, "access.granted")
    await story.at_board(board, "lock 1 open", lambda: board.is_unlocked("1"))
    if not board.walk_through("1"):
        raise NotSeen("the door did not open for the deputy")
    await story.stored("access.taken", FRONT, after=mark)
    await story.at_board(board, "lock 1 shut again", lambda: not board.is_unlocked("1"))
    return f"granted by {granted['fact']['rule']}; in, and locked behind"


async def _wireless(story: Story) -> str:
    mark = story.witness.mark()
    story.house.buttons.press("badge-1")
    await story.stored("panic.pressed", "bailiff-badge-1", after=mark)
    async with asyncio.timeout(SEEN_S_MAX):
        await story.house.buttons.until_sent()
    story.at_device("the button's press was taken", story.house.buttons.state()["waiting"] == 0)
    alarm = await story.at_station("bailiff-needs-help", "bailiff-badge-1")
    return f"station shows P{alarm['priority']}"


async def _cable(story: Story) -> str:
    mark = story.witness.mark()
    await story.house.secure_cable.cut()
    await story.stored("device.went_offline", "secure-board", after=mark)
    await story.at_station("device-lost", "secure-board")
    story.house.secure_board.force("2")
    await story.house.secure_cable.restore()
    await story.stored("device.came_back", "secure-board", after=mark)
    await story.stored("door.opened_while_away", EVIDENCE, after=mark)
    story.at_device("the door stands open", story.house.secure_board.is_open("2"))
    await story.at_station("door-opened-while-away", EVIDENCE)
    story.house.secure_board.close("2")
    return "lost and back; the evidence door was opened meanwhile, and is told"


async def _bad_edit(story: Story) -> str:
    mark = story.witness.mark()
    text = story.site.break_policy()
    code, printed = await story.daemon.command("reload", "--reason", "new clerk group")
    await story.stored("config.rejected", after=mark)
    story.site.access.write_text(text)
    if code != 5 or "access.yaml:" not in printed:
        raise NotSeen(f"reload ended with {code}: {printed[:100]!r}")
    where = next(line for line in printed.splitlines() if "access.yaml:" in line)
    granted = await story.badge("deputy", story.house.public_board, 1, FRONT, "access.granted")
    await story.at_board(story.house.public_board, "lock 1 open", lambda: story.house.public_board.is_unlocked("1"))
    place = where[where.index("access.yaml") :].split(": ")[0]
    return f"refused at {place}; the old policy still grants by {granted['fact']['rule']}"


STEPS = (
    Step("a clerk badges in", "granted, lock opens, taken, relocked", _badge_in),
    Step("an unknown card", "denied: unknown_credential", _unknown_card),
    Step("a cleaner at the wrong hour", "denied: not_permitted_at_this_time", _wrong_hour),
    Step("a door is forced", "door.forced_open, alarm at the station", _forced),
    Step("a door is held open", "warned, held_open, alarm at the station", _held),
    Step("somebody leaves by the exit button", "exit.requested, no forced door", _exit),
    Step("a camera sees motion", "motion by ONVIF, snapshot kept", _motion),
    Step("a silent courtroom button", "the station hears, the premises do not", _silent),
    Step("the lockdown button", "public doors lock, alarm at the station", _lockdown),
    Step("a clerk during the lockdown", "denied: threat_level", _clerk_in_lockdown),
    Step("a deputy during the lockdown", "granted, lock opens, taken", _deputy_in_lockdown),
    Step("a wireless button", "alarm at the station", _wireless),
    Step("a controller's cable is pulled", "offline, back, opened while away", _cable),
    Step("a bad policy edit", "refused with its place, old policy stays", _bad_edit),
)
