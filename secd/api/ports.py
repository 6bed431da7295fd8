"""What the API needs of the rest of the house, given to it by `app`."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from secd.api.operators import Operator
from secd.model.entry import Answer
from secd.model.facts import CommandGiven

View = Mapping[str, Any]


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
    overrides: Callable[[], Sequence[View]] = tuple
    """Everything that stands until it ends or somebody ends it, the one that ends first first."""
