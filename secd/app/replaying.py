"""`secd replay`: the stored log judged again under the configuration generations of its time.

In: a state directory, the site's secrets. Out: what `engine.replay` found. Reads only; the daemon may be running.
"""

from collections.abc import AsyncIterator, Callable
from functools import cache

from secd.app.assembly import assemble, resolver
from secd.app.places import Places
from secd.app.sections import site_sections
from secd.config.generations import Generations
from secd.config.load import load_site
from secd.engine.replay import Replayed, Step, replay
from secd.model.errors import SecdError
from secd.model.names import Digest
from secd.policies.compile import Tables
from secd.store.reader import ReadOnlyStore

BATCH = 500


async def replay_log(places: Places) -> Replayed:
    """Judge every stored step again. Raises SecdError when a generation is missing."""
    store = await ReadOnlyStore.open(places.store)
    try:
        steps = [step async for step in _steps(store)]
    finally:
        await store.close()
    return replay(steps, _tables_by_digest(places))


async def _steps(store: ReadOnlyStore) -> AsyncIterator[Step]:
    after = 1
    while entries := await store.entries(after, BATCH):
        for entry in entries:
            yield Step(event=entry.event, policy=entry.policy, findings=entry.findings)
        after = entries[-1].seq + 1 + len(entries[-1].findings)


def _tables_by_digest(places: Places) -> Callable[[Digest], Tables]:
    generations = Generations(places.generations)
    resolve = resolver(places.site)

    @cache
    def tables(digest: Digest) -> Tables:
        kept = generations.get(digest)
        if kept is None:
            raise SecdError(
                f"the configuration {digest[:12]} is not kept in {places.generations}: this log cannot be replayed"
            )
        return assemble(load_site(kept, site_sections()), resolve).tables

    return tables
