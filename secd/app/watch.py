"""The watchdog's answer: systemd hears from us only while intake, engine and store answer, not while a timer runs."""

import logging

from secd.app.views import Views
from secd.engine.loop import Engine
from secd.runtime.clock import Clock, wait_for
from secd.runtime.notify import Notifier
from secd.store.store import Store

_log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
ANSWER_S_MAX = 2.0


async def is_well(engine: Engine, store: Store) -> bool:
    """Whether the rooms that guard answer: what the watchdog and the dead-man relay live on."""
    return engine.alive() and await store.answers_within(ANSWER_S_MAX)


class Watch:
    """Asks the rooms that matter, tells systemd, and keeps its STATUS line fresh."""

    def __init__(self, *, notifier: Notifier, engine: Engine, store: Store, clock: Clock, views: Views) -> None:
        self._notifier = notifier
        self._engine = engine
        self._store = store
        self._clock = clock
        self._views = views

    async def run(self) -> None:
        """Look until cancelled. A room that does not answer ends in systemd's restart."""
        while True:
            if await is_well(self._engine, self._store):
                self._notifier.watchdog()
            else:
                _log.error("the engine or the store does not answer")
            self._engine.watch_clock()
            self._notifier.status(self._views.line())
            await wait_for(self._clock, LOOK_EVERY_S)
