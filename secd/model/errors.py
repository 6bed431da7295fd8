"""Errors by who must act."""

from dataclasses import dataclass


class SecdError(Exception):
    """Root of ours."""


class LinkLost(SecdError):
    """The device or peer cannot be reached or fell silent: the link retries with back-off."""


class Refused(SecdError):
    """The peer said no (password, permission): retried in the slow lane, a person must act."""


class PeerViolation(SecdError):
    """The peer broke its protocol (garbage, oversize, another unit's reply): drop the link, say what was wrong."""


class Fault(SecdError):
    """secd itself is at fault: the process may have to end."""


class StoreFailed(SecdError):
    """The store could not commit or open; `held_by` names the other process where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a file: what is wrong, where, what was expected. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    message: str
    expected: str = ""
    source_line: str = ""
    code: str = ""
    severity: str = "error"


class ConfigError(SecdError):
    """The configuration has mistakes; all of them are in `problems`."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problem(s) in the configuration")
        self.problems = problems
