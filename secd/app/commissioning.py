"""Commissioning in the running daemon: watches what points do while a technician works, and puts each step on record.

In: requests of the API (a target, a step, who works), moves of points. Out: what was seen or went wrong, and
`commission.*` events. Refuses a step without a technician's name, two at once on one target, a lock tried while its door
stands unlocked, and a completion that lacks a step. Alarms raise as always: nothing is set aside while a door is tried.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from secd.app.reload import Reloading
from secd.commission.records import KINDS, Records, record_of
from secd.commission.seen import Seen, Waiting, Wrong, bounces, recognise, refusal
from secd.commission.steps import Address, Plan, Step, plan_door, plan_point
from secd.devices.points import Move, Points
from secd.engine.loop import Engine
from secd.events.kinds import after_polarity
from secd.model.doors import DoorMode, Role
from secd.model.entry import Answer
from secd.model.facts import CommandGiven, CommissionTold, InputState
from secd.model.names import DeviceId
from secd.model.wiring import Placement
from secd.runtime.clock import Clock
from secd.store.store import Store
from secd.store.stored import FIND_LIMIT_MAX, EventFilter

SETTLE_S = 0.5
STRAY_S = 3.0
LIMIT_S_MAX = 300.0
BEAT_S = 5.0
LOOK_EVERY_S = 0.5
RECORDS_MAX = 10_000


class Commissioning:
    """One for the daemon. What was tried is in the log; here is what the log says, and the steps under way."""

    def __init__(
        self, *, points: Points, reloading: Reloading, engine: Engine, store: Store, clock: Clock,
        submit: Callable[[CommandGiven, str], Awaitable[Answer]],
    ) -> None:  # fmt: skip
        self._points = points
        self._reloading = reloading
        self._engine = engine
        self._store = store
        self._clock = clock
        self._submit = submit
        self._records = Records()
        self._under_way: set[str] = set()
        self._asked: dict[tuple[str, str], tuple[str, str]] = {}

    async def load(self) -> None:
        """Read what the log says; raises StoreFailed where it cannot be read."""
        after = 0
        while True:
            wanted = EventFilter(kinds=KINDS, after_seq=after, limit=FIND_LIMIT_MAX, newest_first=False)
            found = await self._store.find_events(wanted)
            for stored in found:
                self._records.take(stored.event)
                after = stored.seq
            if len(found) < FIND_LIMIT_MAX:
                return

    # --- what is shown ------------------------------------------------------------------------------------------------

    def standing(self, target: str) -> dict[str, Any]:
        """Whether a door or panic point is commissioned; {} for what is neither."""
        plan = self._plan(target)
        if plan is None:
            return {}
        site = self._reloading.running.site.values["site"]
        every = timedelta(seconds=site.retest_every)
        shown: dict[str, Any] = msgspec.to_builtins(
            self._records.standing(target, plan.wiring, self._clock.now().utc, every)
        )
        return {"target": target, "kind": plan.kind, **shown}

    def targets(self) -> list[dict[str, Any]]:
        """Every door and panic point: commissioned or not."""
        values = self._reloading.running.site.values
        return [self.standing(name) for name in (*values["doors"], *values["panic_points"])]

    def line(self, *, silent_too: bool) -> str:
        """How many of them are; silent points count only for those who may know of them (S12)."""
        states = [one["state"] for one in self.targets() if silent_too or not self.is_silent(one["target"])]
        due = states.count("retest due")
        return f"{states.count('commissioned')} of {len(states)}" + (f", {due} to be tried again" if due else "")

    def plan(self, target: str) -> dict[str, Any] | None:
        """The steps of one target, with what is on record of each, and the mark from which moves are looked at."""
        plan = self._plan(target)
        if plan is None:
            return None
        done = self._records.steps(target, plan.wiring, self._clock.now().utc)
        steps = [
            {
                "step": step.id,
                "says": step.says,
                "asks": step.asks,
                "limit_s": step.limit_s,
                "watched": _is_watched(step),
                "record": msgspec.to_builtins(done[step.id]) if step.id in done else None,
            }
            for step in plan.steps
        ]
        return {**self.standing(target), "steps": steps, "mark": self._points.mark}

    async def records(self) -> list[dict[str, Any]]:
        """Every step that was ever put on record, oldest first; the newest ten thousand."""
        found = await self._store.find_events(EventFilter(kinds=KINDS, limit=RECORDS_MAX))
        rows = []
        for stored in sorted(found, key=lambda stored: stored.seq):
            told = stored.event.fact
            if isinstance(told, CommissionTold):
                record = msgspec.to_builtins(
                    record_of(stored.event.kind, told, stored.event.occurred, stored.event.author)
                )
                rows.append({"target": told.target, **record, "skipped": list(told.skipped), "event": stored.event.id})
        return rows

    async def follow(self, device: str, silent_too: bool) -> AsyncGenerator[Mapping[str, Any] | None, None]:
        """Every point of a device, then each that moves, until the reader goes. Raises ValueError: there is no such device."""
        if device not in self._reloading.running.site.values["devices"]:
            raise ValueError(f"there is no device {device[:100]}")
        return self._follow(DeviceId(device), silent_too)

    async def _follow(self, device: DeviceId, silent_too: bool) -> AsyncGenerator[Mapping[str, Any] | None, None]:
        mark = self._points.mark
        shown = [
            self._show(address) for address in self._addresses(device) if silent_too or not self._is_silent(address)
        ]
        yield {"device": device, "points": shown}
        while True:
            moves = [move for move in self._points.since(mark) if move.device == device]
            mark = self._points.mark
            for move in moves:
                if silent_too or not self._is_silent((move.device, move.address)):
                    yield {"device": device, "points": [{**self._show((device, move.address)), **_moved(move)}]}
            yield None
            await self._moved(mark, BEAT_S)

    def _addresses(self, device: DeviceId) -> list[Address]:
        heard = [(device, point.address) for point in self._points.of(device)]
        wiring = self._reloading.running.wiring
        placed = [key for key in wiring.points if key[0] == device and key[1] and self._names(key)]
        return [*heard, *(key for key in sorted(placed) if key not in heard)]

    def _names(self, key: Address) -> bool:
        """Whether a person named it; every device may have a tamper and supplies, and need not."""
        return not key[1].startswith(("tamper/", "power/"))

    def _show(self, address: Address) -> dict[str, Any]:
        point, place = self._points.now(*address), self._reloading.running.wiring.points.get(address)
        return {
            "point": address[1],
            "raw": point.raw if point is not None else "not heard of",
            "level": self._level(address),
            "since": point.since.isoformat() if point is not None else None,
            "changes": point.changes if point is not None else 0,
            "placed": f"{place.role.value} of {place.subject}" if place is not None else "",
        }

    # --- what is done -------------------------------------------------------------------------------------------------

    async def watch(
        self, target: str, step: str, *, technician: str, operator: str, since: int, limit_s: float | None,
        is_there: Callable[[], bool],
    ) -> dict[str, Any] | Answer:  # fmt: skip
        """Wait for what a step awaits. Records the result, unless a person has to be asked first, or the one who asked
        is no longer there: then nothing was tried."""
        plan, wanted = self._wanted(target, step)
        if plan is None or wanted is None:
            return _unknown(target, step)
        if target in self._under_way:
            return Answer(done=False, code="under_way", detail=f"a step of {target} is under way already")
        self._under_way.add(target)
        try:
            refused = await self._begin(plan, wanted, since, operator)
            if refused is not None:
                return refused
            seen = await self._wait_for(plan, wanted, since, min(limit_s or wanted.limit_s, LIMIT_S_MAX), is_there)
        finally:
            self._under_way.discard(target)
        if seen is None:
            return Answer(done=False, code="gone", detail="nobody waits for this step any more")
        if isinstance(seen, Wrong):
            return await self._record(plan, step, "failed", technician, operator, said=seen.said)
        if wanted.asks:
            self._asked[target, step] = (plan.wiring, seen.said)
            return {"result": "asked", "said": seen.said, "asks": wanted.asks, "mark": self._points.mark}
        return await self._record(plan, step, "passed", technician, operator, how="inputs", said=seen.said)

    async def answer(
        self, target: str, step: str, *, technician: str, operator: str, yes: bool, note: str
    ) -> dict[str, Any] | Answer:
        """What the person saw, in a step that asks them."""
        plan, wanted = self._wanted(target, step)
        if plan is None or wanted is None:
            return _unknown(target, step)
        if not wanted.asks:
            return Answer(done=False, code="not_asked", detail=f"{step} is seen by inputs, not by a person")
        wiring, seen = self._asked.pop((target, step), ("", ""))
        if _is_watched(wanted) and wiring != plan.wiring:
            return Answer(done=False, code="not_asked", detail=f"{step}: first what its inputs show")
        if yes:
            return await self._record(
                plan,
                step,
                "passed",
                technician,
                operator,
                how="person",
                said=", ".join(filter(None, (seen, "a person agrees", note))),
            )
        released = self._records.steps(target, plan.wiring, self._clock.now().utc).get("lock_releases")
        said = refusal(wanted, released is not None and released.result == "failed")
        return await self._record(
            plan, step, "failed", technician, operator, how="person", said=f"{said}; {note}" if note else said
        )

    async def skip(
        self, target: str, step: str, *, technician: str, operator: str, reason: str
    ) -> dict[str, Any] | Answer:
        """Put on record that a step was not tried, and why."""
        plan, wanted = self._wanted(target, step)
        if plan is None or wanted is None:
            return _unknown(target, step)
        return await self._record(plan, step, "skipped", technician, operator, said=reason)

    async def complete(self, target: str, *, technician: str, operator: str) -> dict[str, Any] | Answer:
        """Sign for the whole of it, once every step passed or was skipped with a reason."""
        plan = self._plan(target)
        if plan is None:
            return _unknown(target, "")
        done = self._records.steps(target, plan.wiring, self._clock.now().utc)
        lacking = [step.id for step in plan.steps if step.id not in done or done[step.id].result == "failed"]
        if lacking:
            return Answer(done=False, code="not_complete", detail=f"{target} lacks: {', '.join(lacking)}")
        skipped = tuple(step.id for step in plan.steps if done[step.id].result == "skipped")
        return await self._record(plan, "", "completed", technician, operator, skipped=skipped)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _begin(self, plan: Plan, step: Step, since: int, operator: str) -> Answer | None:
        target = plan.target
        pressed_already = bool(self._moves(plan, since))  # whoever is quick pressed as soon as the step was printed
        alarms = self._engine.state.open_alarms()
        if step.id == "press" and not pressed_already and any(alarm.point == target for alarm in alarms):
            detail = f"an alarm of {target} is open, so a new one would not show: close it first, `secd alarms close`"
            return Answer(done=False, code="alarm_open", detail=detail)
        if step.id not in {"lock_releases", "lock_holds"}:
            return None
        if self._engine.state.door(target).mode is DoorMode.UNLOCKED:
            detail = (
                f"{target} stands unlocked, so its lock shows nothing: `secd doors lock {target} --until ...` first"
            )
            return Answer(done=False, code="unlocked", detail=detail)
        if not step.releases:
            return None
        given = await self._submit(CommandGiven(verb="door.release", target=target, reason="commissioning"), operator)
        return None if given.done else given

    async def _wait_for(
        self, plan: Plan, step: Step, since: int, limit_s: float, is_there: Callable[[], bool]
    ) -> Seen | Wrong | None:
        ends_s = self._clock.now().mono_s + limit_s
        stray_until_s: float | None = None
        while is_there():
            mark = self._points.mark
            moves = self._moves(plan, since)
            seen = (
                self._receipt(plan.target) if step.receipt else recognise(step, moves, self._level, self._where, plan)
            )
            if not isinstance(seen, Waiting):
                return await self._settled(plan, step, since, seen)
            now_s = self._clock.now().mono_s
            if seen.stray and stray_until_s is None:
                stray_until_s = now_s + STRAY_S
            until_s = ends_s if stray_until_s is None else min(ends_s, stray_until_s)
            if now_s >= until_s:
                return Wrong(said=seen.stray or f"{seen.missing} after {limit_s:g} s")
            await self._moved(mark, min(LOOK_EVERY_S, until_s - now_s))
        return None

    async def _settled(self, plan: Plan, step: Step, since: int, seen: Seen | Wrong) -> Seen | Wrong:
        if isinstance(seen, Wrong) or not step.awaits:
            return seen
        await self._clock.wait_until(self._clock.now().mono_s + SETTLE_S)
        chatter = bounces(step, self._moves(plan, since))
        return Wrong(said=chatter) if chatter else seen

    def _receipt(self, target: str) -> Seen | Waiting:
        for alarm in self._engine.state.open_alarms():
            if alarm.point == target and alarm.received_by:
                return Seen(said=f"received by {', '.join(alarm.received_by)}")
        return Waiting(missing=f"an alarm of {target} is not received by a station")

    def _moves(self, plan: Plan, since: int) -> tuple[Move, ...]:
        """Moves that this technician may know of: a silent press elsewhere is none of them (S12)."""
        return tuple(
            move
            for move in self._points.since(since)
            if not self._is_silent((move.device, move.address), but=plan.target)
        )

    def _is_silent(self, address: Address, but: str = "") -> bool:
        place = self._where(address)
        if place is None or place.role is not Role.PANIC or place.subject == but:
            return False
        return place.subject in self._engine.tables.silent_points

    def is_silent(self, target: str) -> bool:
        """Whether only those who may see silent alarms may try it (S12)."""
        return target in self._engine.tables.silent_points

    def _where(self, address: Address) -> Placement | None:
        return self._reloading.running.wiring.points.get(address)

    def _level(self, address: Address) -> str:
        """As it is wired now: a reload may have turned a polarity round since it moved."""
        point, place = self._points.now(*address), self._where(address)
        if point is None or place is None or not address[1].startswith("input/"):
            return "" if point is None else point.level
        return after_polarity(InputState(point.raw), inverted=place.inverted).value

    def _wanted(self, target: str, step: str) -> tuple[Plan | None, Step | None]:
        plan = self._plan(target)
        return plan, None if plan is None else plan.step(step)

    def _plan(self, target: str) -> Plan | None:
        running = self._reloading.running
        values = running.site.values
        if target in values["doors"]:
            return plan_door(target, values["doors"][target], running.wiring)
        if target in values["panic_points"]:
            receipts = any(station.receipt == "station" for station in values["mqtt"].stations.values())
            return plan_point(target, values["panic_points"][target], running.wiring, receipts=receipts)
        return None

    async def _moved(self, mark: int, within_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, within_s)):
                await self._points.moved(mark)
        except TimeoutError:
            return

    async def _record(
        self, plan: Plan, step: str, result: str, technician: str, operator: str, *, how: str = "", said: str = "",
        skipped: tuple[str, ...] = (),
    ) -> dict[str, Any] | Answer:  # fmt: skip
        told = CommissionTold(
            target=plan.target,
            step=step,
            technician=technician,
            wiring=plan.wiring,
            how=how,
            said=said,
            skipped=skipped,
        )
        kind = "commission.completed" if result == "completed" else f"commission.step_{result}"
        answer = await self._engine.record(kind, told, operator)
        if not answer.done:
            return answer
        self._records.note(kind, told, self._clock.now().utc, operator)
        return {"result": result, "said": said, "mark": self._points.mark}


def _is_watched(step: Step) -> bool:
    return bool(step.awaits) or step.receipt


def _moved(move: Move) -> dict[str, Any]:
    return {"raw": move.raw, "level": move.level, "since": move.at.isoformat()}


def _unknown(target: str, step: str) -> Answer:
    what = f"step {step} of {target}" if step else f"door or panic point {target}"
    return Answer(done=False, code="unknown_target", detail=f"there is no {what}")
