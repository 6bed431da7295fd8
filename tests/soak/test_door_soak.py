"""More than ten thousand random histories of a building. SECD_SOAK_SEED starts elsewhere; a failure names its seed."""

import os
import random

import pytest

from tests.policies.door_world import World

HISTORIES = 10_500
BLOCKS = 105
FIRST = int(os.environ.get("SECD_SOAK_SEED", "1000000"))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_s05_s06_s07_ten_thousand_histories_of_a_building(block: int) -> None:
    for seed in range(FIRST + block, FIRST + HISTORIES, BLOCKS):
        history = f"history {seed}"
        world = World(random.Random(seed))
        try:
            world.live(60)
        except AssertionError as error:
            raise AssertionError(f"{history}: {error}") from error
        assert world.replays(), f"{history} judged again differs"


def test_s06_ten_thousand_exits_in_any_order_of_scans_make_no_false_forced_door() -> None:
    world = World(random.Random(FIRST))
    while world.exits < 10_000:
        world.somebody_leaves()
        world.time_passes()
        if world.exits % 500 == 0:
            world.scene.events.clear()
            world.scene.verdicts.clear()
    assert world.forced == 0
