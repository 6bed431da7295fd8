"""What the API needs of the rest of the house, given to it by `app`."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from secd.api.operators import Operator
from secd.model.entry import Answer
from secd.model.facts import CommandGiven

View = Mapping[str, Any]


class Commissioner(Protocol):
    """Trying doors and panic points by hand; `app` has one."""

    def is_silent(self, target: str) -> bool:
        """Whether only those who see silent alarms may try it."""

    def targets(self) -> Sequence[View]:
        """Every target, commissioned or not."""

    def plan(self, target: str) -> View | None:
        """The steps of one."""

    async def records(self) -> Sequence[View]:
        """Every step on record."""

    async def follow(self, device: str, silent_too: bool) -> AsyncGenerator[View | None, None]:
        """A device's points, and each that moves. Raises ValueError: there is no such device."""

    async def watch(
        self, target: str, step: str, *, technician: str, operator: str, since: int, limit_s: float | None,
        is_there: Callable[[], bool],
    ) -> View | Answer:  # fmt: skip
        """Wait for what a step awaits, while the one who asked is there."""

    async def answer(
        self, target: str, step: str, *, technician: str, operator: str, yes: bool, note: str
    ) -> View | Answer:
        """What the person saw."""

    async def skip(self, target: str, step: str, *, technician: str, operator: str, reason: str) -> View | Answer:
        """Leave a step out, with a reason."""

    async def complete(self, target: str, *, technician: str, operator: str) -> View | Answer:
        """Sign for the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Views are JSON-ready mappings. `refused` puts an unauthorised command on record."""

    operators: Callable[[], Mapping[int, Operator]]
    submit: Callable[[CommandGiven, str], Awaitable[Answer]]
    refused: Callable[[CommandGiven, str], None]
    status: Callable[[bool], View]
    """(silent ones too)"""
    doors: Callable[[], Sequence[View]]
    devices: Callable[[], Sequence[View]]
    alarms: Callable[[bool, bool], Awaitable[Sequence[View]]]
    """(closed ones too, silent ones too)"""
    events: Callable[[Mapping[str, str], bool], Awaitable[Sequence[View]]]
    """(query, silent ones too); raises ValueError with what was wrong with the query."""
    follow: Callable[[Mapping[str, str], bool], Awaitable[AsyncGenerator[View | None, None]]]
    """Raises ValueError as `events`. None comes now and then where no event does, to see whether the reader is there."""
    reload: Callable[[str, str, str], Awaitable[Answer]]
    """(operator, reason, digest to approve or "")"""
    accept_clock: Callable[[], None]
    metrics: Callable[[], bytes]
    commissioning: Commissioner | None = None
    overrides: Callable[[], Sequence[View]] = tuple
    """Everything that stands until it ends or somebody ends it, the one that ends first first."""
