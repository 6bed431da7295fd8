"""Appends without end and prints what is durable, until it is killed."""

import asyncio
import json
import sys
from pathlib import Path

from store_entries import an_alarm_entry, an_entry, opened

from secd.store import Store


async def produce(number: int, store: Store) -> None:
    while True:
        entry = an_alarm_entry(alarm_id=f"alarm-{number}") if number == 0 else an_entry(cursor=1)
        seq = await store.append(entry)
        sys.stdout.write(json.dumps([entry.event.id, seq]) + "\n")
        sys.stdout.flush()


async def main(path: Path, producers: int) -> None:
    async with opened(path) as store:
        await asyncio.gather(*[produce(at, store) for at in range(producers)])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
