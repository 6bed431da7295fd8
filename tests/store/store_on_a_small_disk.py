"""Run in a mount namespace of its own: a store on a 4 MB disk that fills up. Prints what happened as JSON."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

from store_entries import Troubles, an_entry, an_event, opened, settled

from secd.store import EventFilter


async def main(place: Path) -> None:
    troubles = Troubles()
    path = place / "events.db"
    futures: list[asyncio.Future[int]] = []
    async with opened(path, troubles, ballast_bytes=512 * 1024) as store:
        while "store.recovered" not in troubles.kinds:
            futures.append(store.append(an_entry(an_event(subject="x" * 2000))))
            await settled(futures[-1])
        degraded, recovered = await troubles.next("store.degraded"), await troubles.next("store.recovered")
        futures += [store.append(an_entry(an_event(subject="x" * 2000))) for _ in range(600)]
        await troubles.next("store.degraded")
        degraded_at_last = store.degraded
        acknowledged = sum(future.done() for future in futures)
        await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,size=32m", str(place)], check=True)
        await settled(*futures)
        rows = await store.find_events(EventFilter(after_seq=0, newest_first=False, limit=10_000))
    told = {
        "told": troubles.kinds[:3],
        "recovered": recovered.what,
        "degraded": degraded.what,
        "degraded_at_last": degraded_at_last,
        "acknowledged": acknowledged,
        "waiting": len(futures) - acknowledged,
        "stored": len({row.event.id for row in rows}),
        "dense": [row.seq for row in rows] == list(range(1, len(futures) + 1)),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    disk = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
    asyncio.run(main(disk))
