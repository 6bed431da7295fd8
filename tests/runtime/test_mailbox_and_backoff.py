"""Mailboxes are bounded and serve the urgent lane first; waits are spread over their whole range and never beyond it."""

import asyncio
import random

from hypothesis import given
from hypothesis import strategies as st

from secd.runtime.backoff import Backoff
from secd.runtime.mailbox import TwoLaneMailbox


def box(urgent_max: int = 2, ordinary_max: int = 2) -> TwoLaneMailbox[str]:
    return TwoLaneMailbox(urgent_max=urgent_max, ordinary_max=ordinary_max)


def test_urgent_items_are_taken_before_ordinary_ones_and_each_lane_keeps_its_order() -> None:
    mailbox = box()
    for item, urgent in (("door 1", False), ("panic 1", True), ("door 2", False), ("panic 2", True)):
        assert mailbox.put(item, urgent=urgent)
    assert [mailbox.take() for _ in range(5)] == ["panic 1", "panic 2", "door 1", "door 2", None]


def test_full_ordinary_lane_sheds_and_counts_while_urgent_items_still_enter() -> None:
    mailbox = box()
    assert [mailbox.put(f"door {n}") for n in range(4)] == [True, True, False, False]
    assert mailbox.shed_count == 2
    assert mailbox.put("panic", urgent=True)
    assert mailbox.take() == "panic"


def test_urgent_item_takes_an_ordinary_place_when_its_lane_is_full() -> None:
    mailbox = box(urgent_max=1, ordinary_max=1)
    assert [mailbox.put(f"panic {n}", urgent=True) for n in range(3)] == [True, True, False]
    assert mailbox.shed_count == 1
    assert len(mailbox) == 2


async def test_arrival_waits_for_the_next_item_only_when_there_is_none() -> None:
    mailbox = box()
    waiting = asyncio.create_task(mailbox.arrival())
    await asyncio.sleep(0)
    assert not waiting.done()
    mailbox.put("door")
    async with asyncio.timeout(5):
        await waiting
        await mailbox.arrival()
    assert mailbox.take() == "door"
    assert mailbox.take() is None


@given(
    st.lists(st.one_of(st.none(), st.booleans()), max_size=60),
    st.integers(min_value=0, max_value=4),
    st.integers(min_value=0, max_value=4),
)
def test_mailbox_never_holds_more_than_its_bound_and_loses_nothing_it_accepted(
    steps: list[bool | None], urgent_max: int, ordinary_max: int
) -> None:
    mailbox = box(urgent_max, ordinary_max)
    accepted: list[str] = []
    taken: list[str] = []
    for number, urgent in enumerate(steps):
        if urgent is None:
            item = mailbox.take()
            taken += [item] if item is not None else []
        elif mailbox.put(str(number), urgent=urgent):
            accepted.append(str(number))
        assert len(mailbox) <= urgent_max + ordinary_max
    while (item := mailbox.take()) is not None:
        taken.append(item)
    assert sorted(taken) == sorted(accepted)


@given(st.integers(min_value=0, max_value=200), st.integers(min_value=0, max_value=2**32))
def test_wait_never_exceeds_its_doubling_ceiling_nor_the_cap(attempt: int, seed: int) -> None:
    backoff = Backoff(base_s=0.25, cap_s=30, _random=random.Random(seed))
    waits = [backoff.next_wait_s() for _ in range(attempt + 1)]
    assert all(0 <= wait <= min(30, 0.25 * 2**n) for n, wait in enumerate(waits))


def test_full_jitter_spreads_many_peers_evenly_over_the_whole_range() -> None:
    waits = []
    for seed in range(2000):
        backoff = Backoff(base_s=1, cap_s=8, _random=random.Random(seed))
        for _ in range(3):
            backoff.next_wait_s()
        waits.append(backoff.next_wait_s())
    in_quarter = [sum(1 for wait in waits if low <= wait < low + 2) for low in (0, 2, 4, 6)]
    assert all(400 <= count <= 600 for count in in_quarter)


def test_refused_peer_waits_in_the_slow_lane_and_success_starts_small_again() -> None:
    backoff = Backoff(base_s=1, cap_s=64, slow_s=300, _random=random.Random(1))
    assert all(150 <= backoff.refused_wait_s() <= 300 for _ in range(200))
    for _ in range(10):
        backoff.next_wait_s()
    backoff.reset()
    assert backoff.next_wait_s() <= 1
