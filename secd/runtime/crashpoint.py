"""Named places where a test may end the process as kill -9 would: the rows of docs/crash.md.

In: `SECD_CRASH_AT=name` or `name:n` (the n-th time) in the environment when the process starts; or, for a process that
runs already, `SECD_CRASH_ARMED=FILE`: the same words, read from FILE once it is there. Without them, reaching a point
costs one comparison and does nothing. Whoever can set a daemon's environment can end it anyway.
"""

import os
import signal
from pathlib import Path

POINTS = (
    "read", "taken", "decided", "appended", "ordered", "performed", "committing", "committed", "acknowledged", "publishing",
    "published", "received",
)  # fmt: skip

_armed = os.environ.get("SECD_CRASH_ARMED", "")
_name, _, _nth = os.environ.get("SECD_CRASH_AT", "").partition(":")
_left = int(_nth or 1)
_watched = bool(_name or _armed)


def reached(point: str) -> None:
    """The code has come to `point`."""
    if _watched:
        _count_down(point)


def _count_down(point: str) -> None:
    global _left  # noqa: PLW0603 -- the process has one countdown, and ends by it
    if not _name:
        _look()
    if point == _name:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def _look() -> None:
    global _name, _left
    try:
        name, _, nth = Path(_armed).read_text().partition(":")
    except FileNotFoundError:
        return
    _name, _left = name, int(nth or 1)
