"""What people and programs are shown: JSON-ready views of doors, devices, alarms, events and the whole.

Silent alarms are shown only to operators whose role may `see_silent`; the status line, metrics and counts never
include them (S12).
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from secd import __version__
from secd.actions.actions import Actions
from secd.api.ports import Ports, View
from secd.app.commissioning import Commissioning
from secd.app.reload import Reloading
from secd.app.silence import Silence
from secd.delivery.mqtt.courier import DeliveryStatus, MqttDelivery
from secd.devices.families import DRIVERS
from secd.devices.links import Links
from secd.engine.loop import Engine
from secd.events.inbox import Inbox
from secd.model.doors import Achieved
from secd.model.entry import Answer
from secd.model.event import Stream
from secd.model.facts import CommandGiven
from secd.model.names import DoorId
from secd.policies.overrides.standing import standing_now
from secd.policies.views import FireView, door_views, fire_views, level_views
from secd.runtime.clock import SystemClock
from secd.runtime.metrics import Metrics
from secd.store.store import Store
from secd.store.stored import FIND_LIMIT_MAX, EventFilter, StoredEvent

FOLLOW_BATCH = 200
LIMIT_MAX = 1000
CLOSED_SHOWN_MAX = 200
BEAT_S = 5.0


class Views:
    """Looks into every room; changes none."""

    def __init__(
        self, *, engine: Engine, reloading: Reloading, links: Links, actions: Actions, store: Store,
        delivery: MqttDelivery, clock: SystemClock, metrics: Metrics, inbox: Inbox, commissioning: Commissioning,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._reloading = reloading
        self._links = links
        self._actions = actions
        self._store = store
        self._delivery = delivery
        self._clock = clock
        self._metrics = metrics
        self._inbox = inbox
        self._commissioning = commissioning
        self._shed = 0
        self._measured: frozenset[str] = frozenset()
        self._since = clock.now().utc
        self._silence = Silence(store, lambda: engine.tables.silent_points)

    def ports(
        self,
        submit: Callable[[CommandGiven, str], Awaitable[Answer]],
        refused: Callable[[CommandGiven, str], None],
    ) -> Ports:
        """The API's ports onto these views."""
        return Ports(
            operators=lambda: self._reloading.running.operators,
            submit=submit,
            refused=refused,
            status=self.status,
            doors=self.doors,
            devices=self.devices,
            alarms=self.alarms,
            events=self.events,
            follow=self.follow,
            reload=self._reloading.reload,
            accept_clock=self._clock.accept_wall,
            metrics=self.metrics,
            overrides=self.overrides,
            commissioning=self._commissioning,
        )

    def line(self) -> str:
        """The one line that answers the first question; also systemd's STATUS."""
        links = self._links.status()
        up = sum(link.state == "up" for link in links)
        alarms = sum(not alarm.silent for alarm in self._engine.state.open_alarms())
        delivery = self._delivery.status()
        parts = [
            f"{up}/{len(links)} devices up",
            f"{alarms} open alarm{'' if alarms == 1 else 's'}",
            "MQTT ok" if delivery.connected else "MQTT down",
            *self._troubles(),
        ]
        return ", ".join(parts)

    def status(self, silent_too: bool) -> View:
        """One screen. What counts events is only for those who may know of silent ones (S12)."""
        delivery = self._delivery.status()
        doors = self.doors()
        levels = [f"{view.level} in {view.area}" for view in level_views(self._engine.tables, self._engine.state)]
        fires = [_fire_line(view) for view in fire_views(self._engine.tables, self._engine.state)]
        standing = [one for one in standing_now(self._engine.state) if one.until is not None]
        return {
            "line": self.line(),
            "rooms": {
                "doors": f"{len(doors)}, {sum(door['mode'] == 'unlocked' for door in doors)} unlocked by mode",
                "levels": levels or "none set",
                **({"fire": fires} if fires else {}),
                "overrides": [one.line for one in standing] or "none",
                "store": "degraded: events wait in memory" if self._store.degraded else "ok",
                "station": ", ".join(f"{name} {state}" for name, state in delivery.stations.items()),
                **({"events": self._count_events(delivery)} if silent_too else {}),
                "commissioned": self._commissioning.line(silent_too=silent_too),
                "clock": "believed" if self._clock.now().trusted else "NOT believed: `secd clock accept`",
            },
            "troubles": list(self._troubles()),
            "since": self._since.isoformat(),
            "version": __version__,
            "policy": self._engine.tables.digest,
            "time": self._clock.now().utc.isoformat(),
        }

    def doors(self) -> Sequence[View]:
        """Every door, with whether its desired state was achieved."""
        achieved = self._actions.achieved()
        views = door_views(self._engine.tables, self._engine.state, self._clock.now())
        return [
            {
                **_plain(view),
                "achieved": achieved.get(DoorId(view.door), Achieved.PENDING).value,
                "commissioned": self._commissioning.standing(view.door).get("line", ""),
            }
            for view in views
        ]

    def overrides(self) -> Sequence[View]:
        """Everything that operators and levels made stand, the one that ends first first."""
        return [{**_plain(one), "line": one.line} for one in standing_now(self._engine.state)]

    def devices(self) -> Sequence[View]:
        """Every link, and where it is on the wire."""
        running = self._reloading.running.site.values["devices"]
        places = {name: DRIVERS[settings.driver].place(settings) for name, settings in running.items()}
        return [{**_plain(link), "place": places.get(link.device, "")} for link in self._links.status()]

    async def alarms(self, everything: bool, silent_too: bool) -> Sequence[View]:
        """Open alarms, most urgent first, then closed ones if asked for."""
        alarms = list(self._engine.state.open_alarms())
        if everything:
            alarms += await self._store.recently_closed_alarms(CLOSED_SHOWN_MAX)
        shown = [alarm for alarm in alarms if silent_too or not alarm.silent]
        return [
            _plain(alarm) for alarm in sorted(shown, key=lambda alarm: (alarm.closed, alarm.priority, alarm.occurred))
        ]

    async def events(self, query: Mapping[str, str], silent_too: bool) -> Sequence[View]:
        """The newest events that fit, oldest first; as many as were asked for, whatever is hidden between them."""
        wanted = await self._wanted(query, silent_too)
        ask = wanted.limit
        while True:
            found = await self._store.find_events(replace(wanted, limit=ask))
            shown = [stored for stored in found if silent_too or not await self._silence.covers(stored.event)]
            if len(shown) >= wanted.limit or len(found) < ask or ask >= FIND_LIMIT_MAX:
                break
            ask = min(2 * ask, FIND_LIMIT_MAX)
        oldest_first = sorted(shown[: wanted.limit], key=lambda stored: stored.seq)
        return [_event_view(stored, numbered=silent_too) for stored in oldest_first]

    async def follow(self, query: Mapping[str, str], silent_too: bool) -> AsyncGenerator[View | None, None]:
        """Events as they become durable, after the one named, until the reader goes; None now and then in between."""
        return self._follow(await self._wanted(query, silent_too), silent_too)

    async def _follow(self, wanted: EventFilter, silent_too: bool) -> AsyncGenerator[View | None, None]:
        after = wanted.after_seq or 0
        while True:
            reached = self._store.last_seq
            found = await self._store.find_events(
                replace(wanted, after_seq=after, limit=FOLLOW_BATCH, newest_first=False)
            )
            for stored in found:
                if silent_too or not await self._silence.covers(stored.event):
                    yield _event_view(stored, numbered=silent_too)
            if found:
                after = max(after, found[-1].seq)
            yield None
            if len(found) < FOLLOW_BATCH and self._store.last_seq == reached:
                await self._commit_or_beat()

    async def _commit_or_beat(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_S):
                await self._store.wait_for_commit()

    async def _wanted(self, query: Mapping[str, str], silent_too: bool) -> EventFilter:
        """The query as a filter; raises ValueError. Gaps in numbers would tell of silent events: `after` names an event."""
        if not silent_too and "after_seq" in query:
            raise ValueError("after_seq: only for roles that see_silent; name the last event that you saw: after")
        wanted = read_filter(query)
        if "after" not in query:
            return wanted
        stored = await self._store.get_event(query["after"])
        if stored is None or not (silent_too or not await self._silence.covers(stored.event)):
            raise ValueError("after: no event has this id")
        return replace(wanted, after_seq=stored.seq, newest_first=False)

    def metrics(self) -> bytes:
        """What is counted, with what is looked at now. Of what waits for the broker only the health stream is told:
        an alarm brings orders and pictures with it, which would show in the others (S12).
        """
        metrics, links = self._metrics, self._links.status()
        for device in self._measured - {link.device for link in links}:
            metrics.device_removed(device)
        self._measured = frozenset(link.device for link in links)
        for link in links:
            metrics.device(link.device, up=link.state == "up")
        metrics.queue(len(self._inbox))
        metrics.shed(self._inbox.shed_count - self._shed)
        self._shed = self._inbox.shed_count
        metrics.outbox(Stream.HEALTH, self._delivery.status().backlog.get(Stream.HEALTH, 0))
        metrics.store(degraded=self._store.degraded)
        metrics.clock(trusted=self._clock.now().trusted)
        metrics.policy_activated(self._engine.tables.digest)
        return metrics.text()

    def _count_events(self, delivery: DeliveryStatus) -> str:
        waiting = sum(delivery.backlog.values())
        return f"{self._store.last_seq} stored" + (f", {waiting} wait for the broker" if waiting else "")

    def _troubles(self) -> Iterator[str]:
        if self._store.degraded:
            yield "the store cannot commit: events wait in memory"
        if self._reloading.rejected:
            yield "the files on disk are wrong; the last good configuration runs: `secd check`"
        if self._reloading.not_kept:
            yield "the running configuration is not kept: make room on the disk"
        if not self._clock.now().trusted:
            yield "the clock is not believed: no unlock by schedule"


def read_filter(query: Mapping[str, str]) -> EventFilter:
    """A query's words as a filter; raises ValueError naming the word that is wrong."""
    known = {"kind", "subject", "area", "since", "until", "after", "after_seq", "limit"}
    if unknown := set(query) - known:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; a query may name {', '.join(sorted(known))}")
    limit = _number(query, "limit") or 50
    after = _number(query, "after_seq")
    return EventFilter(
        kinds=tuple(kind for kind in query.get("kind", "").split(",") if kind),
        subject=query.get("subject"),
        area=query.get("area"),
        since=_moment(query, "since"),
        until=_moment(query, "until"),
        after_seq=after,
        limit=min(limit, LIMIT_MAX),
        newest_first=after is None,
    )


def _fire_line(zone: FireView) -> str:
    if zone.since is None:
        return f"{zone.label}: none, the panel says {zone.told}"
    return f"{zone.label}: FIRE ALARM since {zone.since.isoformat(timespec='seconds')}, the panel says {zone.told}"


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 18:
        raise ValueError(f"{name}: a whole number, not {text[:30]!r}")
    return int(text)


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{name}: a moment with its offset, as 2026-11-23T09:00:00-06:00")
    return moment


def _event_view(stored: StoredEvent, *, numbered: bool) -> View:
    event = stored.event
    return {
        **({"seq": stored.seq} if numbered else {}),
        "id": event.id,
        "kind": event.kind,
        "subject": event.subject,
        "area": event.area,
        "source": event.source,
        "occurred": event.occurred.isoformat(),
        "detected": event.detected.utc.isoformat(),
        "stored": stored.stored.isoformat(),
        "late": event.late,
        "cause": event.cause,
        "author": event.author,
        "fact": _plain(event.fact),
    }


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value, str_keys=True)
    return plain
