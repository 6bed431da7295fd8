"""Reload: from the files on disk to the running configuration, all or nothing.

In: an operator's wish (or SIGHUP). Out: an `Answer`, and either a new generation in every room or no change at all.
Unchanged devices keep their link. A dangerous edit waits for a second operator, and a door that an edit removes is
first locked and seen to be locked (S18).
"""

import asyncio
import logging
from collections.abc import Callable

from secd.actions.actions import Actions
from secd.app.assembly import Assembly, assemble
from secd.app.configuration import Edits, note_approval, tell_problems
from secd.app.places import Places
from secd.app.sections import site_sections
from secd.config.edits import Edit, compare_sites
from secd.config.generations import Generations, NotKept
from secd.config.load import LoadedSite, load_site
from secd.config.secrets import SecretMissing
from secd.config.types import SecretRef
from secd.devices.links import Links
from secd.engine.loop import Engine
from secd.events.inbox import Inbox
from secd.events.intake import Intake
from secd.model.doors import Achieved, DoorMode, Layer
from secd.model.entry import Answer
from secd.model.errors import ConfigError, Problem
from secd.model.facts import CommandGiven, PolicyActivated, Trouble
from secd.model.names import DoorId, EventId
from secd.model.order import DesiredLock
from secd.model.secret import Secret
from secd.policies.compile import Tables
from secd.policies.views import door_views
from secd.runtime.clock import Clock, wait_for
from secd.runtime.metrics import Metrics

_log = logging.getLogger(__name__)
LOCKED_S_MAX = 5.0
LOOK_AGAIN_S = 0.1
RESTART_SECTIONS = frozenset({"mqtt", "site", "card_key"})
"""Sections that are read at the start only; an edit of them is refused at reload with that advice."""


class Reloading:
    """Owns the running assembly and replaces it."""

    def __init__(
        self, *, places: Places, assembly: Assembly, generations: Generations, engine: Engine, intake: Intake,
        links: Links, actions: Actions, inbox: Inbox, clock: Clock, resolve: Callable[[SecretRef], Secret],
        refused: Callable[[CommandGiven, str], None], metrics: Metrics,
    ) -> None:  # fmt: skip
        self.running = assembly
        self.rejected = ""
        """What is wrong with the files on disk while they are not what runs."""
        self.not_kept = ""
        """Why what runs is not kept for the next start; tried again by `keep_running`."""
        self._places = places
        self._generations = generations
        self._engine = engine
        self._intake = intake
        self._links = links
        self._actions = actions
        self._inbox = inbox
        self._clock = clock
        self._resolve = resolve
        self._refused = refused
        self._metrics = metrics
        self._edits = Edits()
        self._one_at_a_time = asyncio.Lock()

    async def started(self, problems: tuple[Problem, ...]) -> None:
        """The first configuration is about to run; `problems` are those of the files on disk if it is not they."""
        self.rejected = tell_problems(problems)
        if not problems:
            await self._keep(self.running.site)

    async def keep_running(self) -> None:
        """Keep what runs, if it could not be kept before: the disk may be well again."""
        async with self._one_at_a_time:
            if self.not_kept:
                await self._keep(self.running.site)

    def operator_names(self) -> frozenset[str]:
        """Who is an operator now."""
        return frozenset(operator.id for operator in self.running.operators.values())

    async def reload(self, operator: str, reason: str, approve: str) -> Answer:
        """Make the files on disk the running configuration, or say why not."""
        async with self._one_at_a_time:
            answer = await self._judge_files(operator, reason, approve)
            if not answer.done:
                self._metrics.reload_failed()
                args = {"code": answer.code} | ({"approve": approve} if approve else {})
                self._refused(CommandGiven(verb="reload", target="policy", reason=reason, args=args), operator)
            return answer

    async def _judge_files(self, operator: str, reason: str, approve: str) -> Answer:
        try:
            coming = await asyncio.to_thread(load_site, self._places.site, site_sections())
            return await self._replace(coming, operator, reason, approve)
        except ConfigError as error:
            return self._reject(tell_problems(error.problems))
        except SecretMissing as error:
            return self._reject(str(error))

    def _reject(self, told: str) -> Answer:
        self.rejected = told
        self._engine.tell(
            "config.rejected", Trouble(what=told, where=str(self._places.site), remedy="mend the files, then reload")
        )
        return Answer(
            done=False, code="rejected", detail=f"{told}\nnothing has changed: the configuration before stays in force"
        )

    async def _replace(self, coming: LoadedSite, operator: str, reason: str, approve: str) -> Answer:
        running = self.running.site
        if coming.digest == running.digest:
            self._restored()
            if self.not_kept:
                await self._keep(running)
            return Answer(done=True, detail="the files are what runs already")
        edits = compare_sites(running, coming)
        refusal = self._edits.refusal(running, coming, operator, approve)
        if refusal is not None:
            return refusal
        early = sorted({edit.section for edit in edits if edit.section in RESTART_SECTIONS})
        if early:
            return await self._leave_to_restart(coming, edits, early)
        assembly = await asyncio.to_thread(assemble, coming, self._resolve)
        unlocked = await self._lock_removed(edits)
        if unlocked:
            return _not_locked(unlocked)
        await self._activate(assembly, edits, operator, reason)
        return Answer(done=True, detail=_told(edits, coming))

    async def _leave_to_restart(self, coming: LoadedSite, edits: tuple[Edit, ...], early: list[str]) -> Answer:
        """What is read at the start only: an approved dangerous edit is noted, so that the restart takes it (S18)."""
        approved = bool(self._edits.asked_by)
        if approved:
            unlocked = await self._lock_removed(edits)
            if unlocked:
                return _not_locked(unlocked)
            try:
                await asyncio.to_thread(note_approval, self._places, coming.digest)
            except OSError as error:
                return Answer(
                    done=False, code="not_kept", detail=f"the approval cannot be noted: {error.strerror or error}"
                )
        listed = ", ".join(early)
        detail = f"{'approved; ' if approved else ''}{listed}: read at the start only; `systemctl restart secd`"
        return Answer(done=False, code="needs_restart", detail=detail)

    async def _lock_removed(self, edits: tuple[Edit, ...]) -> list[str]:
        """Lock every door that an edit removes; returns those that are not seen to be locked, unlocked again if they were."""
        removed = [DoorId(edit.name) for edit in edits if edit.section == "doors" and edit.what == "removed"]
        locked = False
        try:
            for door in removed:
                self._desire(door, DoorMode.LOCKED, Layer.LOCKED)
            open_doors = await self._not_achieved(removed)
            locked = not open_doors
        finally:
            if not locked:
                self._desire_as_judged(removed)
        return open_doors

    def _desire_as_judged(self, doors: list[DoorId]) -> None:
        for view in door_views(self._engine.tables, self._engine.state, self._clock.now()):
            if view.door in doors:
                self._desire(DoorId(view.door), DoorMode(view.mode), Layer(view.layer))

    def _desire(self, door: DoorId, mode: DoorMode, layer: Layer) -> None:
        self._actions.desire(DesiredLock(door=door, mode=mode, layer=layer, cause=EventId("reload")))

    async def _not_achieved(self, doors: list[DoorId]) -> list[str]:
        deadline = self._clock.now().mono_s + LOCKED_S_MAX
        while True:
            achieved = self._actions.achieved()
            missing: list[str] = [door for door in doors if achieved.get(door) is not Achieved.ACHIEVED]
            if not missing or self._clock.now().mono_s >= deadline:
                return missing
            await wait_for(self._clock, LOOK_AGAIN_S)

    async def _activate(self, assembly: Assembly, edits: tuple[Edit, ...], operator: str, reason: str) -> None:
        previous = self.running.site.digest
        await self._keep(assembly.site)  # first: every policy that the log names can be read again

        def change() -> Tables:
            self._inbox.rewire(assembly.wiring)
            self._intake.rewire(assembly.wiring, assembly.card_keys.present)
            self._actions.rewire(assembly.wiring)
            return assembly.tables

        changes = tuple(f"{edit.what} {edit.section} {edit.name}" for edit in edits)
        activated = PolicyActivated(
            digest=assembly.site.digest, previous=previous, changes=(*changes, *self._authors(operator, reason))
        )
        await self._engine.activate(change, activated)
        self.running = assembly
        self._links.reconcile(assembly.site.values["devices"])
        self._restored()
        _log.info("a new configuration runs", extra={"digest": assembly.site.digest, "operator": operator})

    def _authors(self, operator: str, reason: str) -> tuple[str, ...]:
        asked_by = self._edits.asked_by
        return (f"by {operator}: {reason}", *((f"asked for by {asked_by}",) if asked_by else ()))

    def _restored(self) -> None:
        if self.rejected:
            self.rejected = ""
            self._engine.tell("config.restored", Trouble(what="the files on disk are right again and run"))

    async def _keep(self, site: LoadedSite) -> None:
        """A disk that takes nothing stops neither a start nor an edit: a lost card is locked out all the same."""
        try:
            await asyncio.to_thread(self._generations.keep, site, self._clock.now().utc)
        except NotKept as error:
            if not self.not_kept:
                remedy = "make room or mend the disk; until then a restart may bring an older configuration back"
                self._engine.tell("config.not_kept", Trouble(what=str(error), remedy=remedy))
            self.not_kept = str(error)
        else:
            if self.not_kept:
                self.not_kept = ""
                self._engine.tell("config.kept", Trouble(what="the running configuration is kept"))


def _not_locked(doors: list[str]) -> Answer:
    listed = ", ".join(doors)
    return Answer(
        done=False, code="not_locked", detail=f"not confirmed locked: {listed}; a door is locked before it is removed"
    )


def _told(edits: tuple[Edit, ...], coming: LoadedSite) -> str:
    listed = "\n".join(f"  {edit.what} {edit.section} {edit.name} {', '.join(edit.keys)}".rstrip() for edit in edits)
    return f"running now: {coming.digest[:12]}\n{listed}"
