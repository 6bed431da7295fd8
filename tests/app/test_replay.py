"""The log judged again: no difference over reloads, restarts and kill -9, and an altered row is named."""

import json
import shutil
import sqlite3
from pathlib import Path

from simulators.demo.courthouse import card
from tests.app.commands import secd
from tests.app.conftest import Guard, Guarded
from tests.app.test_reload import DAY_RULE, RELOAD, edit

EAST = "east-entrance"


async def some_traffic(site: Guarded, *, cleaner: str) -> None:
    """A grant with its passage, the cleaner's decision, a press and its acknowledgement."""
    board, mark = site.house.public_board, site.witness.mark()
    board.present_card(2, card("clerk"))
    await site.witness.event("access.granted", EAST, after=mark)
    await board.until(lambda: board.is_unlocked("2"))
    board.walk_through("2")
    await site.witness.event("access.taken", EAST, after=mark)
    await site.witness.event("door.closed", EAST, after=mark)
    mark = site.witness.mark()
    board.present_card(2, card("cleaner"))
    await site.witness.event(cleaner, EAST, after=mark)
    site.house.panel.press(3)
    await site.witness.event("panic.restored", "probation-desk", after=mark)


async def copy_of(site: Guarded, name: str) -> Path:
    """The ended daemon's state, to be tampered with."""
    copied = site.directory / name
    shutil.copytree(site.directory / "state", copied)
    return copied


async def judge_again(site: Guarded, state: Path, *words: str) -> tuple[int, str]:
    return await secd("replay", str(site.site.directory), "--state", str(state), *words)


async def test_log_is_judged_the_same_again_and_what_was_altered_or_is_missing_is_named(guard: Guard) -> None:
    async with guard() as site:
        await some_traffic(site, cleaner="access.denied")
        edit(site.site.access, "\ndeny:", DAY_RULE)
        assert (await site.daemon.command(*RELOAD))[0] == 0
        await some_traffic(site, cleaner="access.granted")
        await site.restart(kill=True)
        await some_traffic(site, cleaner="access.granted")
        edit(site.site.access, DAY_RULE, "\ndeny:")
        assert (await site.daemon.command(*RELOAD))[0] == 0
        await site.restart()
        await some_traffic(site, cleaner="access.denied")
        await site.end()

        code, printed = await judge_again(site, site.directory / "state", "--json")
        replayed = json.loads(printed)
        assert (code, replayed["differences"]) == (0, [])
        assert replayed["findings"] >= 16

        altered = await copy_of(site, "altered")
        with sqlite3.connect(altered / "events.db") as store:
            row = store.execute("SELECT id, cause, body FROM events WHERE kind = 'access.denied' LIMIT 1").fetchone()
            assert b"not_permitted_at_this_time" in row[2]
            body = row[2].replace(b"not_permitted_at_this_time", b"no_rule")
            store.execute("UPDATE events SET body = ? WHERE id = ?", (body, row[0]))
        store.close()
        code, printed = await judge_again(site, altered)
        assert (code, row[1] in printed, "1 differ" in printed) == (3, True, True), printed

        forgotten = await copy_of(site, "forgotten")
        oldest = min(path for path in (forgotten / "generations").iterdir() if path.name[0] == "2")
        shutil.rmtree(oldest)
        code, printed = await judge_again(site, forgotten)
        assert code == 1
        assert printed.startswith(f"secd: the configuration {oldest.name.split('-')[1][:12]} is not kept"), printed
        assert len(printed.splitlines()) == 1
