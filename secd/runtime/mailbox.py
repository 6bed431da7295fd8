"""Bounded mailboxes, and the pair the engine reads: urgent first, one consumer."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class TwoLaneMailbox(Generic[T]):
    """Two bounded lanes. `put` never blocks: a full lane sheds (returns False and counts), the urgent one last.

    An urgent item that finds its lane full takes a place in the ordinary lane instead; only when both are full is it
    refused. Panic points never rely on that: they have a latch each at intake.
    """

    def __init__(self, *, urgent_max: int, ordinary_max: int) -> None:
        self._urgent: deque[T] = deque()
        self._ordinary: deque[T] = deque()
        self._urgent_max = urgent_max
        self._ordinary_max = ordinary_max
        self._arrived = asyncio.Event()
        self.shed_count = 0

    def put(self, item: T, *, urgent: bool = False) -> bool:
        """Take `item`, or return False: full."""
        if urgent and len(self._urgent) < self._urgent_max:
            self._urgent.append(item)
        elif len(self._ordinary) < self._ordinary_max:
            self._ordinary.append(item)
        else:
            self.shed_count += 1
            return False
        self._arrived.set()
        return True

    def take(self) -> T | None:
        """The next item, urgent first, or None."""
        if self._urgent:
            return self._urgent.popleft()
        if self._ordinary:
            return self._ordinary.popleft()
        self._arrived.clear()
        return None

    async def arrival(self) -> None:
        """Return when there is something to take."""
        if not (self._urgent or self._ordinary):
            self._arrived.clear()
            await self._arrived.wait()

    def __len__(self) -> int:
        return len(self._urgent) + len(self._ordinary)
