"""A building that is moved at random, and a plain account of what must and must not follow. Written without the judge's code.

`World` is what is so: leaves, buttons, relays, boards, people. It tells the judge what boards would tell, scan by scan, the
facts of one scan in any order, and carries out what the judge orders. `Account` is what a careful guard would note in a
book: who may come in now, what explains an opening, what is known to be shut. They are compared at every step.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta

from secd.model.entry import Verdict
from secd.model.facts import AccessDecided, DoorFinding, InputState, LinkChanged, OutputRead, PointChanged, Trouble
from secd.model.names import DeviceId
from secd.model.order import ReleaseDoor, RelockDoor
from secd.policies.judge import JudgeState, decide
from tests.policies.builders import Scene, court_tables, kinds, through_json
from tests.policies.fitted import yard_values

SCAN_S = 0.1
SLACK_S = 1.6
"""More than what a board, a grace and a margin take together: before, an account is not sure."""
ENTRANTS = {"rivera": False, "slow": False, "park": False, "lindqvist": True}
"""Who may come in, and whether also in a lockdown."""
NOBODIES = ("nobody", "stranger", "abebe", "novak")
WITHOUT_REX = ("smoke-door", "far", "bare")
SALLY = {"sally-outer": "sally-inner", "sally-inner": "sally-outer"}
ZONE = "ground-floor"
TABLES = court_tables(yard_values(door_modes="{}"))
HARDWIRED = {"magnet"}
REX_RELEASES = {"magnet": 8.0, "sally-inner": 5.0}
EXIT_READERS = {"both-sides", "sally-outer"}
TRAVEL = {"motor": 2.0}
AGREE = {"pair"}
WATCHED = tuple(name for name in TABLES.door_names if name != "bare")


@dataclass
class Account:
    """What is known of one door by somebody who only looks and writes down."""

    leaves: list[bool]
    told_open: bool = False
    seen: bool = False
    relay_unlocked: bool = False
    free_until_s: float = -1e9
    mode_locked_since_s: float | None = -1e9
    rex_at_s: float = -1e9
    shut_since_s: float = -1e9
    override_until_s: float = -1e9
    grants_until_s: float = -1e9
    up: bool = True

    @property
    def is_open(self) -> bool:
        return any(self.leaves)


@dataclass
class World:
    """One history of one building."""

    rng: random.Random
    scene: Scene = field(default_factory=lambda: Scene(tables=TABLES).start())
    lockdown: bool = False
    fire: bool = False
    fire_input: bool = False
    exits: int = 0
    forced: int = 0
    entries: int = 0

    def __post_init__(self) -> None:
        self.doors = {name: Account([False] * max(1, len(TABLES.doors[name].contacts))) for name in TABLES.door_names}
        for door in self.doors.values():
            door.seen = True

    # --- telling -----------------------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        return self.scene.at.mono_s

    def told(self, verdict: Verdict) -> Verdict:
        """Carry out what was ordered, and hold every order against the book."""
        event = self.scene.events[-1]
        for order in verdict.orders:
            match order.act:
                case ReleaseDoor(door=name, duration_s=duration_s):
                    self.check_release(event, verdict, name)
                    door = self.doors[name]
                    until_s = self.now_s + duration_s + TRAVEL.get(name, 0.0)
                    door.free_until_s = max(door.free_until_s, until_s)
                    door.relay_unlocked = True
                case RelockDoor(door=name):
                    assert not (self.fire and name in HARDWIRED), f"{name} was told to lock in a fire"
                    door = self.doors[name]
                    door.free_until_s = min(door.free_until_s, self.now_s + TRAVEL.get(name, 0.0))
        for desired in verdict.desired:
            door = self.doors[desired.door]
            if desired.mode == "unlocked":
                stays = desired.layer == "fire" and door.mode_locked_since_s is None  # a fire tells nothing to lock
                by_fire = self.fire and (desired.door == "smoke-door" or stays)
                assert by_fire or door.override_until_s > self.now_s, f"{desired.door} was unlocked for no reason"
                door.mode_locked_since_s = None
            else:
                left = desired.layer == "fire"  # actions write no lock for this layer
                assert left or not (self.fire and desired.door in HARDWIRED), (
                    f"{desired.door} was told to lock in a fire"
                )
                if left:
                    continue
                if door.mode_locked_since_s is None:
                    door.mode_locked_since_s = self.now_s
                    door.free_until_s = max(door.free_until_s, self.now_s + TRAVEL.get(desired.door, 0.0))
        return verdict

    def check_release(self, event, verdict: Verdict, name: str) -> None:  # type: ignore[no-untyped-def]
        """(a) Nothing is released but for a live grant, a request to exit or an operator. (e) Never both of a sally port."""
        if event.kind == "access.requested":
            assert any(finding.kind in {"access.granted", "exit.refused"} for finding in verdict.findings)
            assert not event.late
            if event.fact.reader != TABLES.doors[name].exit_reader:
                holder = event.fact.keys[0][1].removeprefix("key-")
                assert holder in ENTRANTS, f"{holder} was let in at {name}"
                assert not self.lockdown or ENTRANTS[holder], f"{holder} was let in through a lockdown"
                self.check_interlock(name)
        elif event.kind == "operator.commanded":
            assert event.fact.verb == "door.release"
            assert verdict.answer is not None
            assert verdict.answer.done
            assert not self.lockdown
            self.check_interlock(name)
        else:
            assert event.kind in {"exit.requested", "exit.ended"}, f"{event.kind} released {name}"
            assert name in REX_RELEASES

    def check_interlock(self, name: str) -> None:
        other = SALLY.get(name)
        if other is None or (self.fire and name == "sally-inner"):
            return
        door = self.doors[other]
        assert door.seen, f"{name} was released while nobody knew of {other}"
        assert door.up, f"{name} was released while {other} could not be seen"
        assert not door.told_open, f"{name} was released while {other} stood open"
        assert door.mode_locked_since_s is not None, f"{name} was released while {other} was unlocked"
        assert door.free_until_s <= self.now_s, f"{name} was released while {other} was"

    def pass_time(self, seconds: float) -> list[Verdict]:
        """Let time pass; boards end their pulses, people's buttons stay as they are."""
        verdicts = []
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            due = self.scene.state.next_due()
            step_s = min(max(due[0], self.now_s), end_s) - self.now_s if due is not None else end_s - self.now_s
            verdicts += [self.told(verdict) for verdict in self.scene.pass_time(step_s)]
            if due is None or due[0] > end_s:
                break
        self.report_relays()
        return verdicts

    def report_relays(self) -> None:
        for name, door in self.doors.items():
            unlocked = door.mode_locked_since_s is None or door.free_until_s > self.now_s
            if door.up and unlocked is not door.relay_unlocked:
                door.relay_unlocked = unlocked
                self.told(self.scene.relay(name, unlocked=unlocked, source=self.board(name)))

    def board(self, name: str) -> DeviceId:
        return DeviceId(TABLES.doors[name].lock_device)

    def contact(self, name: str, leaf: int, *, opened: bool, initial: bool = False) -> list[Verdict]:
        """One contact changes, and its board tells it."""
        door = self.doors[name]
        door.leaves[leaf] = opened
        if not door.up:
            return []
        device, point = TABLES.doors[name].contacts[leaf]
        fact = PointChanged(
            point=point,
            state=InputState.ACTIVE if opened else InputState.NORMAL,
            activations=int(opened and not initial),
            initial=initial,
        )
        door.told_open = door.is_open
        kind = "door.opened" if opened else "door.closed"
        return [self.told(self.scene.tell(kind, name, fact, source=DeviceId(device)))]

    def leaves_of(self, name: str) -> list[int]:
        """Which contacts move when somebody opens: of a pair both, of a wide door one."""
        count = len(self.doors[name].leaves)
        return self.rng.sample(range(count), count) if name in AGREE else [self.rng.randrange(count)]

    def open(self, name: str) -> list[Verdict]:
        door = self.doors[name]
        verdicts = []
        for leaf in self.leaves_of(name):
            verdicts += self.contact(name, leaf, opened=True)
        if door.free_until_s > self.now_s or door.grants_until_s > self.now_s:
            door.grants_until_s = -1e9
        return verdicts

    def shut(self, name: str) -> list[Verdict]:
        door = self.doors[name]
        verdicts = []
        still = [leaf for leaf, is_open in enumerate(door.leaves) if is_open]
        for leaf in self.rng.sample(still, len(still)):
            verdicts += self.contact(name, leaf, opened=False)
        door.shut_since_s = self.now_s
        return verdicts

    def rex(self, name: str, *, active: bool, activations: int = 0) -> list[Verdict]:
        door = self.doors[name]
        if active or activations:
            door.rex_at_s = self.now_s
        if not door.up:
            return []
        state = InputState.ACTIVE if active else InputState.NORMAL
        fact = PointChanged(point="input/9", state=state, activations=activations)
        kind = "exit.requested" if active else "exit.ended"
        device = DeviceId(TABLES.doors[name].rex_device)
        return [self.told(self.scene.tell(kind, name, fact, source=device))]

    # --- what may be ----------------------------------------------------------------------------------------------------

    def is_sure(self, name: str) -> bool:
        """Whether nothing at all explains an opening here: the book is silent for long enough."""
        door = self.doors[name]
        if not (door.up and door.seen) or door.is_open or door.mode_locked_since_s is None:
            return False
        quiet_since_s = max(
            door.mode_locked_since_s + TRAVEL.get(name, 0.0),
            door.free_until_s,
            door.grants_until_s,
            door.shut_since_s,
            door.rex_at_s + 10.0,
        )
        return self.now_s - quiet_since_s > SLACK_S

    def in_fire(self, name: str) -> bool:
        return self.fire and name in TABLES.fire_zones[ZONE].doors

    def pick(self, *, sure: bool = False) -> str | None:
        names = [name for name in WATCHED if (self.is_sure(name) if sure else self.doors[name].up)]
        return self.rng.choice(names) if names else None

    # --- what happens -----------------------------------------------------------------------------------------------------

    def somebody_leaves(self) -> None:
        """(b), (d): by the lever, with the button in the same scan or near it, in any order."""
        name = self.pick()
        if name is None or name in WITHOUT_REX or self.doors[name].is_open:
            return
        door = self.doors[name]
        if TABLES.doors[name].rex_ignored_s and self.now_s - door.shut_since_s < 3.5:
            return
        how = self.rng.randrange(4)
        verdicts = []
        short = self.rng.random() < 0.3

        def press() -> None:
            pressed = self.rex(name, active=not short, activations=1)
            if name in REX_RELEASES and door.mode_locked_since_s is not None:
                released = [order.act.door for v in pressed for order in v.orders if isinstance(order.act, ReleaseDoor)]
                assert released == [name], f"{name} held somebody in"
            verdicts.extend(pressed)

        if how == 0:
            press()
            verdicts += self.pass_time(self.rng.choice([0.0, SCAN_S, 3.0, 8.0]))
            verdicts += self.open(name)
        elif how == 1:
            verdicts += self.open(name)
            press()
        else:
            verdicts += self.open(name)
            verdicts += self.pass_time(self.rng.choice([0.05, SCAN_S, 2 * SCAN_S]))
            press()
        verdicts += self.pass_time(self.rng.choice([SCAN_S, 1.0, 4.0]))
        if not short:
            verdicts += self.rex(name, active=False)
        verdicts += self.shut(name)
        verdicts += self.pass_time(0.6)
        self.exits += 1
        assert "door.forced_open" not in of(name, verdicts), f"somebody who left {name} was taken for a burglar"
        assert "access.denied" not in of(name, verdicts)

    def somebody_shows_a_card_inside(self) -> None:
        name = self.rng.choice(sorted(EXIT_READERS))
        door = self.doors[name]
        late = self.rng.random() < 0.2
        verdict = self.told(self.scene.leave(name, self.rng.choice([*ENTRANTS, *NOBODIES]), late=late))
        released = any(isinstance(order.act, ReleaseDoor) for order in verdict.orders)
        assert "access.denied" not in kinds(verdict)
        assert released is (not late and door.mode_locked_since_s is not None)
        if not late:
            door.grants_until_s = max(door.grants_until_s, self.now_s + 16.0 + SLACK_S)

    def somebody_breaks_in(self) -> None:
        """(c): every opening that nothing explains is forced, also a wide door's other leaf and one shut at once."""
        name = self.pick(sure=True)
        if name is None:
            return
        fire = self.in_fire(name)
        verdicts = []
        if self.rng.random() < 0.2:  # within one scan, each contact telling both at once
            for leaf in self.leaves_of(name):
                verdicts += self.contact(name, leaf, opened=True) + self.contact(name, leaf, opened=False)
        else:
            verdicts += self.open(name)
            if self.rng.random() < 0.3:
                verdicts += self.shut(name)
        verdicts += self.pass_time(1.0)
        found = findings(name, "door.forced_open", verdicts)
        assert len(found) == 1, f"a break-in at {name} was missed or told twice: {of(name, verdicts)}"
        assert bool(found[0].suppressed) is fire
        self.forced += 1
        self.shut(name)

    def somebody_breaks_in_unseen(self) -> None:
        """(c): what was opened while a board was away is told when it is back."""
        name = self.pick(sure=True)
        if name is None:
            return
        fire = self.in_fire(name)
        board = self.board(name)
        self.link(board, up=False)
        self.pass_time(self.rng.choice([0.0, 1.0, 40.0]))
        for leaf in self.leaves_of(name):
            self.doors[name].leaves[leaf] = True
        verdicts = self.link(board, up=True)
        found = findings(name, "door.opened_while_away", verdicts)
        assert len(found) == 1, f"an opening of {name} while away was missed: {of(name, verdicts)}"
        assert bool(found[0].suppressed) is fire
        self.shut(name)

    def somebody_comes_in(self) -> None:
        name = self.rng.choice(TABLES.door_names)
        door = self.doors[name]
        holder = self.rng.choice([*ENTRANTS, *NOBODIES])
        idle = self.is_idle()
        late = self.rng.random() < 0.1
        verdict = self.told(self.scene.card(name, holder, reader="x/9", late=late))
        granted = "access.granted" in kinds(verdict)
        assert not (granted and late)
        if idle and not late and holder in ENTRANTS and (ENTRANTS[holder] or not self.lockdown):
            assert granted, f"{holder} was kept out of {name} for no reason: {reasons(verdict)}"
        if not granted:
            return
        self.entries += 1
        door.grants_until_s = max(door.grants_until_s, self.now_s + 16.0 + SLACK_S)
        if name == "bare" or not door.up or door.is_open or self.rng.random() < 0.2:
            return
        verdicts = self.pass_time(self.rng.choice([0.0, 0.5, 3.0]))
        verdicts += self.open(name)
        assert "access.taken" in of(name, verdicts)
        verdicts += self.pass_time(self.rng.choice([0.5, 5.0]))
        verdicts += self.shut(name)
        verdicts += self.pass_time(0.6)
        assert "door.forced_open" not in of(name, verdicts), f"{holder} was taken for a burglar at {name}"

    def two_want_through_the_sally_port(self) -> None:
        """(e): both doors are asked for at once, or one while the other is in use; whoever leaves is let out all the same."""
        doors = self.rng.sample(sorted(SALLY), 2)
        if self.rng.random() < 0.3:
            self.rex("sally-inner", active=False, activations=1)
        for name in doors:
            holder = self.rng.choice(sorted(ENTRANTS))
            verdict = self.told(self.scene.card(name, holder, reader="x/9"))
            if "access.granted" in kinds(verdict):
                self.doors[name].grants_until_s = max(self.doors[name].grants_until_s, self.now_s + 16.0 + SLACK_S)
            self.pass_time(self.rng.choice([0.0, 0.0, 1.0, 5.5]))

    def somebody_is_granted_as_the_board_goes(self) -> None:
        """(c): a grant from before a gap explains nothing once its release is over."""
        name = self.pick(sure=True)
        if name is None:
            return
        if "access.granted" in kinds(self.told(self.scene.card(name, "lindqvist", reader="x/9"))):
            self.doors[name].grants_until_s = self.now_s + 16.0 + SLACK_S
        self.link(self.board(name), up=False)
        self.pass_time(self.rng.choice([0.0, 1.0, 20.0]))
        self.link(self.board(name), up=True)
        self.pass_time(20.0)
        if self.is_sure(name):
            self.somebody_breaks_in()

    def is_idle(self) -> bool:
        """Whether every door was left alone long enough that nobody can be refused for what others do."""
        return not self.fire and all(self.is_sure(name) and not self.doors[name].relay_unlocked for name in WATCHED)

    def an_operator_speaks(self) -> None:
        name = self.rng.choice(TABLES.door_names)
        door = self.doors[name]
        verb = self.rng.choice(["door.release", "door.unlock", "door.lock", "level.set", "level.end", "fire.restore"])
        until_s = self.rng.choice([5.0, 60.0])
        before = door.override_until_s
        if verb == "door.unlock":
            door.override_until_s = self.now_s + until_s
        until = self.scene.at.utc + timedelta(seconds=until_s) if verb == "door.unlock" else None
        if verb == "fire.restore":
            self.restore_fire()
            return
        if verb.startswith("level."):
            self.speak_of_level(verb)
            return
        answer = self.scene.command(verb, name, until=until)
        if verb == "door.release" and answer.done:
            door.grants_until_s = max(door.grants_until_s, self.now_s + 6.0 + SLACK_S)
        if verb == "door.unlock" and not answer.done:
            door.override_until_s = before
            assert self.lockdown or name in SALLY
        self.told(self.scene.last)

    def speak_of_level(self, verb: str) -> None:
        where = {"level": "lockdown", "area": "grounds"}
        self.lockdown = self.lockdown or verb == "level.set"
        if verb == "level.end" and self.lockdown:
            self.scene.command(verb, "grounds", by="captain", **where)
            self.told(self.scene.last)
            assert self.scene.state.levels, "one operator alone ended a lockdown"
        self.scene.command(verb, "grounds", by="lieutenant", **where)
        self.lockdown = bool(self.scene.state.levels)
        assert self.lockdown is (verb == "level.set")
        self.told(self.scene.last)

    def fire_breaks_out(self) -> None:
        self.fire = self.fire_input = True
        self.told(self.scene.panel(ZONE, "activated"))

    def restore_fire(self) -> None:
        if self.fire_input:
            assert self.scene.command("fire.restore", ZONE).code in {"still_active", "not_reset"}
            self.fire_input = False
            self.told(self.scene.panel(ZONE, "cleared"))
        if self.fire:
            self.fire = False
            answer = self.scene.command("fire.restore", ZONE)
            assert answer.done, answer.code
            self.told(self.scene.last)

    def a_board_goes_and_comes(self) -> None:
        """(a): loss and return of communication release nothing."""
        board = self.board(self.rng.choice(WATCHED))
        self.link(board, up=False)
        self.pass_time(self.rng.choice([0.0, 2.0, 15.0, 100.0]))
        self.link(board, up=True)

    def link(self, board: str, *, up: bool) -> list[Verdict]:
        fact = LinkChanged(up=up, reason="" if up else "no answer")
        kind = "device.came_back" if up else "device.went_offline"
        verdicts = [self.told(self.scene.tell(kind, board, fact, source=DeviceId(board)))]
        doors = [name for name in TABLES.door_names if self.board(name) == board]
        for name in doors:
            self.doors[name].up = up
            self.doors[name].seen = False
            if not up:
                self.doors[name].rex_at_s = -1e9
        if up:
            verdicts += self.read_again(doors)
        return verdicts

    def read_again(self, doors: list[str]) -> list[Verdict]:
        """Every point of these doors for the first time, in any order."""
        points = [(name, leaf) for name in doors for leaf in range(len(TABLES.doors[name].contacts))]
        points += [(name, -1) for name in doors] + [(name, -2) for name in doors if TABLES.doors[name].bolt_device]
        self.rng.shuffle(points)
        verdicts = []
        for name, leaf in points:
            door = self.doors[name]
            if leaf >= 0:
                verdicts += self.contact(name, leaf, opened=door.leaves[leaf], initial=True)
            elif leaf == -1:
                door.relay_unlocked = door.mode_locked_since_s is None or door.free_until_s > self.now_s
                energised = door.relay_unlocked == TABLES.doors[name].energise_to_unlock
                fact = OutputRead(output=1, energised=energised, pulsing=door.relay_unlocked, initial=True)
                kind = "door.lock_energised" if energised else "door.lock_deenergised"
                verdicts.append(self.told(self.scene.tell(kind, name, fact, source=self.board(name))))
            else:
                verdicts.append(self.told(self.scene.bolt(name, thrown=True)))
        for name in doors:
            self.doors[name].seen = True
            self.doors[name].shut_since_s = self.now_s
        released = [order for verdict in verdicts for order in verdict.orders if isinstance(order.act, ReleaseDoor)]
        assert not released, "the return of a link released a door"
        return verdicts

    def secd_restarts(self) -> None:
        """(a): a restart releases nothing, forgets no lockdown, no fire and nobody's grant."""
        self.scene.state = through_json(self.scene.state)
        away_s = self.rng.choice([0.0, 1.0, 30.0])
        self.scene.at = replace(
            self.scene.at, utc=self.scene.at.utc + timedelta(seconds=away_s), mono_s=self.now_s + away_s
        )
        verdicts = [self.told(self.scene.tell("secd.started", "secd", Trouble(what="started")))]
        assert bool(self.scene.state.levels) is self.lockdown
        for door in self.doors.values():
            door.seen = False
            door.rex_at_s = -1e9
        if self.fire_input:
            verdicts.append(self.told(self.scene.panel(ZONE, "activated", initial=True)))
        elif self.fire:
            verdicts.append(self.told(self.scene.panel(ZONE, "cleared", initial=True)))
        boards = sorted({self.board(name) for name in TABLES.door_names})
        self.rng.shuffle(boards)
        for board in boards:
            verdicts += self.read_again([name for name in TABLES.door_names if self.board(name) == board])
        forced = [name for name in WATCHED if "door.forced_open" in of(name, verdicts)]
        assert not forced, f"a restart made burglars of {forced}"

    def the_clock_steps(self) -> None:
        """The wall clock jumps; what is counted in seconds goes on."""
        self.scene.at = replace(self.scene.at, utc=self.scene.at.utc + timedelta(hours=self.rng.choice([-30, -1, 2])))
        self.told(self.scene.distrust())
        self.told(self.scene.trust())

    def time_passes(self) -> None:
        self.pass_time(self.rng.choice([0.0, SCAN_S, 1.0, 7.0, 13.0, 70.0]))

    # --- a whole history ----------------------------------------------------------------------------------------------------

    def live(self, steps: int) -> "World":
        deeds = [
            *[self.somebody_leaves] * 5, *[self.somebody_comes_in] * 5, *[self.somebody_breaks_in] * 3,
            *[self.time_passes] * 4, self.somebody_breaks_in_unseen, self.somebody_shows_a_card_inside,
            self.two_want_through_the_sally_port, self.somebody_is_granted_as_the_board_goes,
            self.an_operator_speaks, self.an_operator_speaks, self.fire_breaks_out, *[self.restore_fire] * 3,
            self.a_board_goes_and_comes, self.secd_restarts, self.the_clock_steps,
        ]  # fmt: skip
        for _ in range(steps):
            self.rng.choice(deeds)()
        return self

    def replays(self) -> bool:
        """Whether the log judged again gives the same verdicts."""
        fresh = Scene(tables=TABLES).start()
        assert fresh.events == self.scene.events[: len(fresh.events)]
        state = JudgeState()
        for event, verdict in zip(self.scene.events, self.scene.verdicts, strict=True):
            again = decide(TABLES, state, event, event.detected)
            if again != verdict:
                return False
            state.apply(again)
        return True


def of(name: str, verdicts: list[Verdict]) -> list[str]:
    """What was found at one door."""
    return [finding.kind for verdict in verdicts for finding in verdict.findings if finding.subject == name]


def findings(name: str, kind: str, verdicts: list[Verdict]) -> list[DoorFinding]:
    """Findings of one kind at one door."""
    return [
        finding.fact
        for verdict in verdicts
        for finding in verdict.findings
        if (finding.subject, finding.kind) == (name, kind) and isinstance(finding.fact, DoorFinding)
    ]


def reasons(verdict: Verdict) -> list[str]:
    """Why a read was not granted."""
    return [finding.fact.reason for finding in verdict.findings if isinstance(finding.fact, AccessDecided)]
