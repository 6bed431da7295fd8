"""Guarded courthouses, one a test (`guard`) or one for a whole module (`shared`)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.guarded import Guard, Guarded, guard_courthouse


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """`async with guard() as site:`"""
    return lambda **options: guard_courthouse(tmp_path, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """One courthouse for every test of a module; a test leaves a daemon that runs."""
    async with guard_courthouse(tmp_path_factory.mktemp("courthouse"), start=False) as site:
        yield site
