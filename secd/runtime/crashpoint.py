"""Named places where a test may end the process as kill -9 would: the rows of docs/crash.md.

In: `SECD_CRASH_AT=name` or `name:n` (the n-th time) in the environment when the process starts. Without it, reaching a
point costs one comparison and does nothing. Whoever can set a daemon's environment can end it anyway.
"""

import os
import signal

POINTS = (
    "read", "taken", "decided", "appended", "ordered", "performed", "committing", "committed", "acknowledged", "publishing",
    "published", "received",
)  # fmt: skip

_name, _, _nth = os.environ.get("SECD_CRASH_AT", "").partition(":")
_left = int(_nth or 1)


def reached(point: str) -> None:
    """The code has come to `point`."""
    if point == _name:
        _count_down()


def _count_down() -> None:
    global _left  # noqa: PLW0603 -- the process has one countdown, and ends by it
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
