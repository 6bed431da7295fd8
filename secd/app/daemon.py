"""The daemon: builds every room, starts them in order, reloads, and stops them last-in first-out.

In: `DaemonOptions`, signals (SIGHUP reloads, SIGTERM and SIGINT stop). Out: a guarded site until it ends. It starts with
the last good configuration if the files are broken, and without a writable store if the disk is.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from secd import __version__
from secd.actions.actions import Actions
from secd.api.listening import open_socket
from secd.api.server import Api
from secd.app.assembly import Assembly, assemble, resolver
from secd.app.commissioning import Commissioning
from secd.app.configuration import SIGNALLED, choose_configuration, tell_problems
from secd.app.dead_man import DeadMan
from secd.app.places import Places
from secd.app.reload import Reloading
from secd.app.sections import site_sections
from secd.app.strangers import Strangers
from secd.app.views import Views
from secd.app.watch import Watch, is_well
from secd.config.generations import Generations
from secd.delivery.mqtt.courier import MqttDelivery
from secd.delivery.ports import ReportTrouble, SiteNames, Submit
from secd.devices.families import DRIVERS
from secd.devices.links import Links
from secd.devices.points import Points
from secd.drivers.protocol import ResolveSecret
from secd.engine.loop import SECD, Engine
from secd.events.inbox import Inbox
from secd.events.intake import Intake
from secd.evidence.pictures import EvidenceStore, KeptPicture
from secd.jobs.housekeeping import Chore, Housekeeping
from secd.model.alarm import AlarmMode
from secd.model.entry import Answer
from secd.model.errors import Problem, SecdError
from secd.model.facts import CommandGiven, PolicyActivated, Trouble
from secd.model.names import DeviceId, EventId
from secd.model.observation import Observation
from secd.model.order import Order, TakeSnapshot
from secd.model.secret import CardBits
from secd.model.wiring import Placement
from secd.policies.judge import JudgeState
from secd.runtime.backoff import Backoff
from secd.runtime.clock import SystemClock, wall_from
from secd.runtime.heap import settle_heap
from secd.runtime.logs import one_line
from secd.runtime.metrics import Metrics
from secd.runtime.notify import Notifier
from secd.runtime.supervisor import Supervisor, contain
from secd.store.reader import newest_instant
from secd.store.store import Store

_log = logging.getLogger(__name__)
EVIDENCE_BYTES_MAX = 10 * 1024**3
SEALED_FOR = timedelta(days=30)
PRUNE_EVERY_S = 3600.0
KEEP_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonOptions:
    """What the command line said. `simulated_time` is a local moment of the site."""

    places: Places
    simulated_time: datetime | None = None


async def run_daemon(options: DaemonOptions) -> None:
    """Guard the site until a signal or a fatal failure; raises what must end the process with an error."""
    generations = Generations(options.places.generations)
    chosen = choose_configuration(options.places, site_sections(), generations)
    assembly = assemble(chosen.site, resolver(options.places.site))
    clock = _open_clock(options, assembly)
    daemon = await Daemon.build(options.places, assembly, clock, generations)
    settle_heap()
    try:
        await daemon.start(chosen.problems)
        await daemon.until_ended()
    finally:
        await daemon.stop()


class Daemon:
    """Every room of one running secd."""

    def __init__(
        self, *, places: Places, assembly: Assembly, clock: SystemClock, generations: Generations, store: Store,
        supervisor: Supervisor, inbox: Inbox,
    ) -> None:  # fmt: skip
        values = assembly.site.values
        self._clock = clock
        self._supervisor = supervisor
        self._inbox = inbox
        self._store = store
        self._notifier = Notifier()
        self._metrics = Metrics()
        self._stack = contextlib.AsyncExitStack()
        self._stopped = asyncio.Event()
        self._resolve = resolver(places.site)
        self._points = Points(place=self._placed, describe=self._describe_card)
        self._intake = Intake(
            clock=clock,
            wiring=assembly.wiring,
            present_card=assembly.card_keys.present,
            cursors=store.start.cursors,
            keep_sealed=self._keep_sealed,
        )
        self._links = Links(clock, supervisor, self._report, store.committed_cursor, self._resolve, families=DRIVERS)
        self._evidence = EvidenceStore(places.evidence, bytes_max=EVIDENCE_BYTES_MAX)
        self._actions = Actions(
            wiring=assembly.wiring, perform=self._links.perform, report=inbox.report, clock=clock,
            supervisor=supervisor, keep_picture=self._keep_picture,
        )  # fmt: skip
        self._delivery = _build_delivery(
            values, store, self._submit, self._tell, clock=clock, supervisor=supervisor, resolve=self._resolve
        )
        self._engine = Engine(
            clock=clock, inbox=inbox, intake=self._intake, tables=assembly.tables,
            state=JudgeState.from_rows(store.start.rows), log=store, performers=self._actions,
            express=self._delivery.express, supervisor=supervisor, metrics=self._metrics,
        )  # fmt: skip
        self._reloading = Reloading(
            places=places, assembly=assembly, generations=generations, engine=self._engine, intake=self._intake,
            links=self._links, actions=self._actions, inbox=inbox, clock=clock, resolve=self._resolve,
            refused=self._refuse, metrics=self._metrics,
        )  # fmt: skip
        self._commissioning = Commissioning(
            points=self._points, reloading=self._reloading, engine=self._engine, store=store, clock=clock,
            submit=self._submit,
        )  # fmt: skip
        self._views = Views(
            engine=self._engine, reloading=self._reloading, links=self._links, actions=self._actions, store=store,
            delivery=self._delivery, clock=clock, metrics=self._metrics, inbox=inbox, commissioning=self._commissioning,
        )  # fmt: skip
        self._places = places
        self._strangers = Strangers()

    @classmethod
    async def build(cls, places: Places, assembly: Assembly, clock: SystemClock, generations: Generations) -> "Daemon":
        """Open the store and put the rooms together. Raises StoreFailed when another daemon holds the store."""
        supervisor = Supervisor(clock)
        inbox = Inbox(clock=clock, wiring=assembly.wiring)

        def tell(kind: str, trouble: Trouble) -> None:
            inbox.report(Observation(device=SECD, fact=trouble, seen=clock.now(), kind=kind))

        store = await Store.open(
            places.store, site=assembly.site.values["site"].name, clock=clock, on_trouble=tell, spool_path=places.spool
        )
        return cls(
            places=places, assembly=assembly, clock=clock, generations=generations, store=store, supervisor=supervisor,
            inbox=inbox,
        )  # fmt: skip

    async def start(self, problems: tuple[Problem, ...]) -> None:
        """Start rooms in order: what stands is restored before anything is written to a device."""
        start = self._store.start
        self._supervisor.run("store", self._store.run)
        self._actions.restore(start.desired)
        self._tell("secd.started", Trouble(what=f"secd {__version__} started", where=str(self._places.site)))
        self._actions.abandon(start.open_orders)
        await self._reloading.started(problems)
        self._supervisor.run("engine", self._engine.run)
        await self._engine.activate(
            lambda: self._engine.tables, PolicyActivated(digest=self._engine.tables.digest, changes=("start",))
        )
        if problems:
            self._tell(
                "config.rejected", Trouble(what=tell_problems(problems), remedy="`secd check`, then `secd reload`")
            )
        self._links.reconcile(self._reloading.running.site.values["devices"])
        self._supervisor.run("delivery", self._delivery.run, restart=Backoff())
        self._supervisor.run("housekeeping", self._housekeeping().run, restart=Backoff())
        await self._open_api()
        watch = Watch(
            notifier=self._notifier, engine=self._engine, store=self._store, clock=self._clock, views=self._views
        )
        self._supervisor.run("watch", watch.run)
        self._supervisor.run("dead man", self._dead_man().run, restart=Backoff())
        self._listen_for_signals()
        self._notifier.ready()
        _log.info("secd guards the site", extra={"site": self._reloading.running.site.values["site"].name})

    async def until_ended(self) -> None:
        """Return when told to stop; raise when a task that secd cannot do without ended."""
        self._supervisor.failed.add_done_callback(lambda _: self._stopped.set())
        await self._stopped.wait()
        if self._supervisor.failed.done():
            raise SecdError(
                "secd ends because a part it cannot do without failed"
            ) from self._supervisor.failed.result()

    async def stop(self) -> None:
        """Stop last-in first-out; no output changes. What was seen is judged; that secd stopped is the last event."""
        self._notifier.stopping()
        await self._stack.aclose()
        await self._links.stop()
        await self._supervisor.cancel("engine")
        self._judge_what_waits()
        self._tell("secd.stopped", Trouble(what=f"secd {__version__} stopped"))
        self._judge_what_waits()
        await self._supervisor.stop()
        await self._store.close()

    def _judge_what_waits(self) -> None:
        while (observation := self._inbox.take()) is not None:
            self._engine.consume(observation)

    def _housekeeping(self) -> Housekeeping:
        chores = (
            Chore(name="prune sealed reads", every_s=PRUNE_EVERY_S, first_after_s=1.0, work=self._store.prune_sealed),
            Chore(name="keep configuration", every_s=KEEP_EVERY_S, work=self._reloading.keep_running),
        )
        return Housekeeping(chores, lambda chore, failed: self._metrics.job_ended(chore, failed=failed))

    def _dead_man(self) -> DeadMan:
        return DeadMan(
            settings=lambda: self._reloading.running.site.values.get("dead_man"),
            is_well=lambda: is_well(self._engine, self._store),
            perform=self._links.perform,
            clock=self._clock,
        )

    async def _open_api(self) -> None:
        if isinstance(failed := await contain(self._commissioning.load()), Exception):
            _log.error("what was commissioned cannot be read from the log", extra={"reason": one_line(failed, 200)})
        api = Api(self._views.ports(self._submit, self._refuse))
        self._stack.push_async_callback(await open_socket(api.application(), self._places.socket))

    def _listen_for_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopped.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)

    def _reload_soon(self) -> None:
        self._notifier.reloading()

        async def reload() -> None:
            await self._reloading.reload(SIGNALLED, "SIGHUP", "")
            self._notifier.ready()

        self._supervisor.start("reload", reload())

    def _report(self, observation: Observation) -> None:
        self._points.see(observation)
        self._inbox.report(observation)

    def _placed(self, device: DeviceId, point: str) -> Placement | None:
        return self._reloading.running.wiring.points.get((device, point))

    def _describe_card(self, bits: CardBits) -> str:
        fits = ", ".join(name for name, _ in self._reloading.running.card_keys.present(bits).keys)
        return f"{bits.bit_count} bits, {fits or 'of no configured format'}"

    async def _submit(self, command: CommandGiven, author: str) -> Answer:
        return await self._engine.submit(command, author)

    async def _keep_picture(self, order: Order, picture: bytes) -> KeptPicture:
        camera = order.act.camera if isinstance(order.act, TakeSnapshot) else ""
        return await self._evidence.keep(picture, event=order.cause, camera=camera, at=self._clock.now().utc)

    def _keep_sealed(self, event: EventId, sealed: bytes) -> None:
        self._store.keep_sealed(event, sealed, self._clock.now().utc + SEALED_FOR)

    def _refuse(self, command: CommandGiven, author: str) -> None:
        if author not in self._reloading.operator_names():
            knocks = self._strangers.knock(author, self._clock.now().mono_s)
            if knocks is None:
                return
            command = replace(command, reason=command.reason or f"no operator; {knocks} time(s) since last told")
        self._inbox.report(
            Observation(device=SECD, fact=command, seen=self._clock.now(), kind="operator.refused", author=author)
        )

    def _tell(self, kind: str, trouble: Trouble) -> None:
        self._inbox.report(Observation(device=SECD, fact=trouble, seen=self._clock.now(), kind=kind))


def _open_clock(options: DaemonOptions, assembly: Assembly) -> SystemClock:
    settings = assembly.site.values["site"]
    last = newest_instant(options.places.store, options.places.spool)
    if options.simulated_time is None:
        return SystemClock(last=last, synchronised=settings.clock.trusted == "host" or _timesyncd_is_synchronised())
    if settings.mode == "actual":
        raise SecdError("--simulated-time is for simulated sites: this one's `mode` is actual")
    moment = options.simulated_time.replace(tzinfo=ZoneInfo(settings.time_zone))
    return SystemClock(last=last, wall=wall_from(moment))


def _build_delivery(
    values: Mapping[str, Any], store: Store, submit: Submit, tell: ReportTrouble, *, clock: SystemClock,
    supervisor: Supervisor, resolve: ResolveSecret,
) -> MqttDelivery:  # fmt: skip
    site, mqtt = values["site"], values["mqtt"]
    return MqttDelivery(
        mqtt,
        SiteNames(instance=site.instance, site=site.name, mode=AlarmMode(site.mode)),
        reader=store,
        submit=submit,
        report_trouble=tell,
        clock=clock,
        supervisor=supervisor,
        password=None if mqtt.login is None else resolve(mqtt.login.password),
    )


def _timesyncd_is_synchronised() -> bool:
    return Path("/run/systemd/timesync/synchronized").exists()
