"""The engine: takes observations from the Inbox, one at a time, and carries each through to the log and the orders.

In: observations (devices, operators, timers, secd itself). Out: one `Entry` to the store, orders and desired locks to
actions, an express alarm to delivery when the store is slow. It never waits for a device, a disk or a broker, and it
decides nothing itself: `policies.decide` does.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from secd.events.inbox import Inbox
from secd.events.intake import Intake
from secd.model.alarm import Alarm
from secd.model.entry import Answer, Entry, Verdict
from secd.model.event import Event
from secd.model.facts import CardPresented, CommandGiven, CommissionTold, PolicyActivated, TimerElapsed, Trouble
from secd.model.names import DeviceId
from secd.model.observation import Observation
from secd.model.order import DesiredLock, Order, ReleaseDoor
from secd.model.time import Instant
from secd.policies.compile import Tables
from secd.policies.judge import JudgeState, decide, next_due
from secd.runtime.clock import Clock
from secd.runtime.crashpoint import reached
from secd.runtime.metrics import Metrics
from secd.runtime.supervisor import Supervisor

SECD = DeviceId("secd")
EXPRESS_AFTER_S = 0.1
COMMAND_ANSWER_S_MAX = 3.0
STALLED_S_MAX = 2.0


class Log(Protocol):
    """Where entries go: the store."""

    @property
    def degraded(self) -> bool:
        """Whether commits fail at present; entries wait in the spool."""

    def append(self, entry: Entry) -> asyncio.Future[int]:
        """Take one entry; the future resolves to its number once it is durable."""


class Performers(Protocol):
    """Who carries out orders: actions."""

    def dispatch(self, orders: Sequence[Order]) -> None:
        """Carry out momentary orders now."""

    def desire(self, desired: DesiredLock) -> None:
        """Keep a door at this mode from now on."""

    def observe(self, event: Event) -> None:
        """See what a device said, to compare it with what is desired."""


@dataclass(slots=True)
class EngineFigures:
    """What the engine counts; read by status and metrics."""

    events: int = 0
    last_step_mono_s: float = 0.0


class Engine:
    """The one consumer. `activate` swaps the policy tables between two steps, never within one."""

    def __init__(
        self,
        *,
        clock: Clock,
        inbox: Inbox,
        intake: Intake,
        tables: Tables,
        state: JudgeState,
        log: Log,
        performers: Performers,
        express: Callable[[Alarm], None],
        supervisor: Supervisor,
        metrics: Metrics,
    ) -> None:
        self.figures = EngineFigures(last_step_mono_s=clock.now().mono_s)
        self.tables = tables
        self.state = state
        self._clock = clock
        self._inbox = inbox
        self._intake = intake
        self._log = log
        self._performers = performers
        self._express = express
        self._supervisor = supervisor
        self._metrics = metrics
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._coming: dict[int, Callable[[], Tables]] = {}
        self._cancel_timer: Callable[[], None] | None = None
        self._armed: tuple[float, str] | None = None
        self._judged_at = clock.now()
        self._trusted = self._judged_at.trusted

    async def run(self) -> None:
        """Consume until cancelled."""
        self._arm_timer()
        while True:
            observation = self._inbox.take()
            if observation is None:
                await self._inbox.arrival()
                continue
            self.watch_clock()
            self.consume(observation)
            if self.figures.events % 64 == 0:
                await asyncio.sleep(0)  # noqa: TID251 -- a turn for the drivers within a flood

    def consume(self, observation: Observation) -> tuple[Verdict, ...]:
        """Carry one observation through to the log and the orders."""
        coming = self._coming.pop(id(observation.fact), None)
        if coming is not None:
            self.tables = coming()
        verdicts = tuple(self._step(event, observation) for event in self._intake.accept(observation))
        self._answer(observation, verdicts)
        if isinstance(observation.fact, TimerElapsed):
            self._armed = None
        self._arm_timer()
        return verdicts

    async def submit(self, command: CommandGiven, author: str) -> Answer:
        """Put in a command that was authenticated and authorised; answered once it has been judged."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[id(command)] = answered
        self._put(command, author=author)
        try:
            async with asyncio.timeout(COMMAND_ANSWER_S_MAX):
                return await answered
        except TimeoutError:
            return Answer(
                done=False, code="busy", detail="secd did not come to this command in time; look before you repeat it"
            )
        finally:
            self._waiting.pop(id(command), None)

    async def record(self, kind: str, told: CommissionTold, author: str) -> Answer:
        """Put in what a person tried and saw; answered once it is durable, so that nobody is told what a crash undoes."""
        taken: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[id(told)] = taken
        self._put(told, kind=kind, author=author)
        try:
            async with asyncio.timeout(COMMAND_ANSWER_S_MAX):
                return await taken
        except TimeoutError:
            return Answer(done=False, code="busy", detail="it may not be on record: look before you repeat it")
        finally:
            self._waiting.pop(id(told), None)

    async def activate(self, change: Callable[[], Tables], activated: PolicyActivated) -> None:
        """Make other tables the running ones. `change` rewires what must change with them and returns them; it is called
        between two steps. Returns when the step that activates them has been taken.
        """
        judged: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._coming[id(activated)] = change
        self._waiting[id(activated)] = judged
        self._put(activated)
        try:
            await judged
        finally:
            self._waiting.pop(id(activated), None)

    def tell(self, kind: str, trouble: Trouble) -> None:
        """Put in something about secd itself: store, broker, clock, configuration."""
        self._put(trouble, kind=kind)

    def alive(self) -> bool:
        """Whether the engine answers: nothing waits, or it took a step lately."""
        return len(self._inbox) == 0 or self._clock.now().mono_s - self.figures.last_step_mono_s < STALLED_S_MAX

    def _step(self, event: Event, observation: Observation) -> Verdict:
        reached("taken")
        now = self._judged_at = later_of(self._judged_at, event.detected)
        verdict = self._decide(event, now)
        self.state.apply(verdict)
        reached("decided")
        cursor = None if observation.cursor is None else (observation.device, observation.cursor)
        durable = self._log.append(
            Entry(event=event, verdict=verdict, policy=self.tables.digest, cursor=cursor),
        )
        reached("appended")
        if isinstance(event.fact, CommissionTold):
            durable.add_done_callback(lambda done: self._recorded(observation, done))
        for desired in verdict.desired:
            self._performers.desire(desired)
        self._performers.observe(event)
        self._dispatch(verdict.orders, durable)
        reached("ordered")
        self._watch_express(verdict.alarms, durable)
        self._count(event, verdict, durable)
        self.figures.events += 1
        self.figures.last_step_mono_s = self._clock.now().mono_s
        return verdict

    def _decide(self, event: Event, now: Instant) -> Verdict:
        began_mono_s = self._clock.now().mono_s
        verdict = decide(self.tables, self.state, event, now)
        if isinstance(event.fact, CardPresented):
            self._metrics.door_decided(self._clock.now().mono_s - began_mono_s)
        return verdict

    def _count(self, event: Event, verdict: Verdict, durable: asyncio.Future[int]) -> None:
        appended_mono_s = self._clock.now().mono_s
        for accepted in (event, *verdict.findings):
            self._metrics.event_accepted(accepted)

        def count(done: asyncio.Future[int]) -> None:
            if not done.cancelled() and done.exception() is None:
                self._metrics.committed(event, self._clock.now().mono_s - appended_mono_s)

        durable.add_done_callback(count)

    def _dispatch(self, orders: tuple[Order, ...], durable: asyncio.Future[int]) -> None:
        strict = tuple(order for order in orders if self._waits_for_commit(order))
        if strict:
            self._supervisor.start(f"strict release {strict[0].id}", self._dispatch_when_durable(strict, durable))
        self._performers.dispatch([order for order in orders if order not in strict])

    async def _dispatch_when_durable(self, orders: tuple[Order, ...], durable: asyncio.Future[int]) -> None:
        # An order that expires while the disk hangs is refused as expired by actions: late is never acted on (S8).
        await asyncio.wait({durable}, timeout=max(0.0, orders[0].expires_mono_s - self._clock.now().mono_s))
        self._performers.dispatch(orders if durable.done() and durable.exception() is None else _expired(orders))

    def _waits_for_commit(self, order: Order) -> bool:
        # While the store is degraded the judge has already applied the door's on_store_failure.
        return (
            isinstance(order.act, ReleaseDoor) and self.tables.audit_strict(order.act.door) and not self._log.degraded
        )

    def _watch_express(self, alarms: tuple[Alarm, ...], durable: asyncio.Future[int]) -> None:
        for alarm in alarms:
            if alarm.priority == 1:
                self._clock.call_at(
                    self._clock.now().mono_s + EXPRESS_AFTER_S,
                    lambda alarm=alarm: None if durable.done() else self._express(alarm),  # type: ignore[misc]
                )

    def _recorded(self, observation: Observation, durable: asyncio.Future[int]) -> None:
        waiting = self._waiting.get(id(observation.fact))
        if waiting is not None and not waiting.done() and not durable.cancelled() and durable.exception() is None:
            waiting.set_result(Answer(done=True))

    def _answer(self, observation: Observation, verdicts: tuple[Verdict, ...]) -> None:
        waiting = self._waiting.get(id(observation.fact))
        if waiting is not None and not waiting.done() and not isinstance(observation.fact, CommissionTold):
            answers = [verdict.answer for verdict in verdicts if verdict.answer is not None]
            waiting.set_result(answers[0] if answers else Answer(done=True))

    def _put(
        self,
        fact: CommandGiven | CommissionTold | PolicyActivated | TimerElapsed | Trouble,
        *,
        kind: str = "",
        author: str = "",
    ) -> None:
        self._inbox.report(Observation(device=SECD, fact=fact, seen=self._clock.now(), kind=kind, author=author))

    def _arm_timer(self) -> None:
        due = next_due(self.state)
        if due == self._armed and (due is None or self._clock.now().mono_s < due[0] + STALLED_S_MAX):
            return
        if self._cancel_timer is not None:
            self._cancel_timer()
        self._armed = due
        self._cancel_timer = None if due is None else self._clock.call_at(due[0], lambda: self._elapse(*due))

    def _elapse(self, due_mono_s: float, key: str) -> None:
        # `_armed` stays: the elapsed timer waits in the Inbox, and must not be put in twice meanwhile.
        self._put(TimerElapsed(key=key, due_mono_s=due_mono_s))

    def watch_clock(self) -> None:
        """Tell when the wall clock is no longer, or again, to be believed (S10); also called while nothing happens."""
        trusted = self._clock.now().trusted
        if trusted != self._trusted:
            self._trusted = trusted
            kind = "clock.trusted" if trusted else "clock.untrusted"
            remedy = "" if trusted else "check time synchronisation; then `secd clock accept --reason ...`"
            self.tell(
                kind,
                Trouble(what="the wall clock is believed again" if trusted else "the wall clock jumped", remedy=remedy),
            )


def later_of(before: Instant, now: Instant) -> Instant:
    """The judge's `now` never goes back: an urgent input may overtake one that was seen earlier. Replay does the same."""
    return now if now.mono_s >= before.mono_s else before


def _expired(orders: tuple[Order, ...]) -> tuple[Order, ...]:
    return tuple(replace(order, expires_mono_s=0.0) for order in orders)
