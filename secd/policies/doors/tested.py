"""When a person last tried what lets people out (S1): missing and old dates are warnings of `secd check`, never errors.

In: the doors of a real site and today's date. Out: findings with the severity of a warning. A simulated site has no
hardware that could be tried.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from secd.config.types import Finding
from secd.policies.doors.settings import DoorSettings

AGE_DAYS_MAX = 366


def check_tested(doors: Mapping[str, DoorSettings], today: date) -> Iterator[Finding]:
    """Every way out that nobody tried within a year."""
    for name, door in doors.items():
        for what in _to_be_tested(door):
            tested: date | None = getattr(door.tested, what)
            message, code = _judge(tested, today)
            if code:
                yield Finding(
                    path=("doors", name, "tested", what) if tested is not None else ("doors", name),
                    message=f"{what.replace('_', ' ')} {message} (S1)",
                    expected=f"try it by hand at the door, then write tested: {{{what}: {today.isoformat()}}}",
                    code=code,
                    severity="warning",
                )


def _to_be_tested(door: DoorSettings) -> list[str]:
    releases = [key for key in ("exit_release", "fire_release") if getattr(door, key) == "hardwired"]
    return ["egress", *releases]


def _judge(tested: date | None, today: date) -> tuple[str, str]:
    if tested is None:
        return "was never tested, as far as is written", "never_tested"
    if tested > today:
        return f"is said to have been tested on {tested.isoformat()}, which is yet to come", "tested_in_future"
    if (today - tested).days > AGE_DAYS_MAX:
        return f"was last tested on {tested.isoformat()}, more than a year ago", "test_too_old"
    return "", ""
