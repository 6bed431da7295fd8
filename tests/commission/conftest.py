"""Every played test here guards a courthouse of its own."""

from pathlib import Path

import pytest

from tests.guarded import Guard, Guarded, guard_courthouse

__all__ = ["Guard", "Guarded", "guard"]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """`async with guard() as site:`"""
    return lambda **options: guard_courthouse(tmp_path, **options)
