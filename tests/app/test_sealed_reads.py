"""S21: the raw bits of an unknown read go on their day, also where nothing happens."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secd.model.names import EventId
from secd.runtime.clock import SystemClock
from secd.store.store import Store

NOW = datetime.now(UTC)


async def test_s21_sealed_read_is_forgotten_on_its_day_though_nothing_else_is_stored(tmp_path: Path) -> None:
    store = await Store.open(
        tmp_path / "events.db", site="courthouse", clock=SystemClock(), on_trouble=lambda kind, trouble: None
    )
    try:
        store.keep_sealed(EventId("01OLD"), b"sealed", NOW - timedelta(days=1))
        store.keep_sealed(EventId("01NEW"), b"sealed", NOW + timedelta(days=30))
        async with asyncio.timeout(10):
            while await store.sealed_read("01NEW") is None:
                continue
            await store.prune_sealed()
            while await store.sealed_read("01OLD") is not None:
                continue
        assert await store.sealed_read("01NEW") == b"sealed"
    finally:
        await store.close()
