"""Three hundred random histories of a building, held against a plain account at every step; `make soak` lives ten thousand."""

import random

import pytest

from tests.policies.door_world import World

HISTORIES = 300
BLOCKS = 30


@pytest.mark.parametrize("block", range(BLOCKS))
def test_s05_s06_s07_no_history_holds_anybody_in_misses_a_break_in_or_makes_a_burglar_of_who_leaves(block: int) -> None:
    for seed in range(block, HISTORIES, BLOCKS):
        world = World(random.Random(seed))
        try:
            world.live(40)
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {error}") from error
        assert world.replays(), f"history {seed} judged again differs"


def test_s06_a_thousand_exits_in_any_order_of_scans_make_no_false_forced_door() -> None:
    world = World(random.Random("exits"))
    while world.exits < 1000:
        world.somebody_leaves()
        world.time_passes()
    assert world.forced == 0
