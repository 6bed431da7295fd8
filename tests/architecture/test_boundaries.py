"""What ruff and import-linter cannot see: tasks, time, bare exceptions and the database stay in their one room.

Each check is a rule over syntax trees; `test_rules_see_*` prove on small texts that the rules would notice.
"""

import ast
import sys
from collections.abc import Callable, Iterator

import pytest
from source_tree import Source, imported, last_name, sources

Rule = Callable[[Source], Iterator[ast.AST]]

TASK_MAKERS = {"create_task", "ensure_future", "TaskGroup", "run_coroutine_threadsafe", "gather"}
TIMERS = {"call_later"}
LOOP_ONLY = {"time", "call_at"}
CLOCK_READS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "datetime.date.today",
    "datetime.datetime.utcnow",
}  # fmt: skip
CLOCK_READERS = {name.rpartition(".")[2] for name in CLOCK_READS}
DATABASE_MODULES = ("sqlite3", "aiosqlite", "apsw")
DATABASE_OPENERS = {"create_engine", "create_async_engine"}


def makes_tasks(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if isinstance(node, ast.Attribute | ast.Name) and last_name(node) in TASK_MAKERS:
            yield node
        if any(name.rpartition(".")[2] in TASK_MAKERS for name in imported(node)):
            yield node


def reads_time(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if any(name == "time" or name.startswith("time.") for name in imported(node)):
            yield node
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_READERS and ast.unparse(node) in CLOCK_READS:
            yield node


def sets_timers(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr in TIMERS or (node.attr in LOOP_ONLY and "loop" in ast.unparse(node.value).lower()):
            yield node


def passes_it_on(handler: ast.ExceptHandler) -> bool:
    """A handler that tidies up and raises what it caught contains nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def catches_everything(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler) and not passes_it_on(node):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or last_name(kind) in {"Exception", "BaseException"} for kind in kinds):
                yield node
        if isinstance(node, ast.Call) and last_name(node.func) == "suppress":
            yield from (word for word in node.args if last_name(word) in {"Exception", "BaseException"})


def opens_database(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        if any(
            name.startswith(DATABASE_MODULES) or name.rpartition(".")[2] in DATABASE_OPENERS for name in imported(node)
        ):
            yield node
        if isinstance(node, ast.Call) and last_name(node.func) in DATABASE_OPENERS:
            yield node


def imports_more_than_the_vocabulary(source: Source) -> Iterator[ast.AST]:
    allowed = ("secd.model", "secd.policies", "secd.config.types")
    for node in source.nodes:
        ours = [name for name in imported(node) if name.startswith("secd.")]
        if any(not name.startswith(allowed) and name != "secd.config" for name in ours):
            yield node


def imports_only_the_standard_library(source: Source) -> Iterator[ast.AST]:
    for node in source.nodes:
        for name in imported(node):
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names and not name.startswith("secd.model"):
                yield node
                break


ROOMS: list[tuple[str, Rule, str, tuple[str, ...]]] = [
    ("only runtime.supervisor creates tasks", makes_tasks, "secd", ("secd/runtime/supervisor.py",)),
    ("only runtime.clock reads time", reads_time, "secd", ("secd/runtime/clock.py",)),
    ("only runtime.clock sets timers", sets_timers, "secd", ("secd/runtime/clock.py",)),
    ("only runtime.supervisor catches everything", catches_everything, "secd", ("secd/runtime/supervisor.py",)),
    ("only store opens the database", opens_database, "secd", ("secd/store/",)),
    ("policies know the vocabulary only", imports_more_than_the_vocabulary, "secd/policies", ()),
    ("the vocabulary is standard library only", imports_only_the_standard_library, "secd/model", ()),
]


@pytest.mark.parametrize(("rule", "sees", "folder", "rooms"), ROOMS, ids=[row[0].replace(" ", "-") for row in ROOMS])
def test_room_keeps_its_boundary(rule: str, sees: Rule, folder: str, rooms: tuple[str, ...]) -> None:
    outside = [
        f"{source.at(node)} {ast.unparse(node).splitlines()[0][:80]}"
        for source in sources(folder)
        if not (rooms and source.name.startswith(rooms))
        for node in sees(source)
    ]
    assert not outside, f"{rule}:\n" + "\n".join(outside)


def seen(rule: Rule, text: str) -> int:
    return len(list(rule(Source("secd/example.py", text, ast.parse(text)))))


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (makes_tasks, "asyncio.get_running_loop().create_task(work())"),
        (makes_tasks, "from asyncio import create_task as spawn"),
        (makes_tasks, "spawn = asyncio.create_task"),
        (makes_tasks, "await asyncio.gather(a(), b())"),
        (reads_time, "import time as t"),
        (reads_time, "from time import monotonic"),
        (reads_time, "now = datetime.datetime.now"),
        (sets_timers, "asyncio.get_running_loop().time()"),
        (sets_timers, "self._loop.call_later(1, f)"),
        (sets_timers, "loop.call_at(1, f)"),
        (catches_everything, "try: f()\nexcept: pass"),
        (catches_everything, "try: f()\nexcept (OSError, Exception) as e: pass"),
        (catches_everything, "with contextlib.suppress(Exception): f()"),
        (opens_database, "import sqlite3"),
        (opens_database, "from sqlalchemy import create_engine"),
        (opens_database, "sqlalchemy.create_engine(url)"),
        (imports_more_than_the_vocabulary, "from secd.store.reader import read"),
        (imports_more_than_the_vocabulary, "from secd.runtime import clock"),
        (imports_only_the_standard_library, "import msgspec"),
    ],
)
def test_rules_see_what_they_forbid(rule: Rule, text: str) -> None:
    assert seen(rule, text) >= 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (reads_time, "from datetime import time, datetime\nmoment.time()"),
        (sets_timers, "self._clock.call_at(due, f)\nlocal.time()"),
        (catches_everything, "try: f()\nexcept OSError: pass"),
        (catches_everything, "try: f()\nexcept BaseException:\n    g()\n    raise"),
        (imports_more_than_the_vocabulary, "from secd.model.event import Event\nfrom secd.config.types import Section"),
        (imports_only_the_standard_library, "import math\nfrom secd.model.names import DoorId"),
    ],
)
def test_rules_let_pass_what_is_allowed(rule: Rule, text: str) -> None:
    assert seen(rule, text) == 0
