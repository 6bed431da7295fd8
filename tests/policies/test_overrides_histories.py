"""Whatever happens to devices and overrides: judged again it is the same, and a restart at any point changes nothing."""

import json
import random
from datetime import timedelta

import pytest
from builders import Scene
from test_cabinets_judged import DEVICES, supplied

from secd.model.facts import InputState, PointChanged
from secd.policies.judge import JudgeState, decide
from secd.policies.overrides.standing import standing_now

TABLES = supplied()
VERBS = ("door.hold", "door.shunt", "reader.disable", "reader.enable", "door.unlock", "door.lock")


def wander(scene: Scene, rng: random.Random, steps: int) -> Scene:
    for _ in range(steps):
        door, flip = rng.choice(("front", "east", "evidence-door", "side")), rng.random() < 0.5
        until = scene.at.utc + timedelta(seconds=rng.randrange(1, 600))
        operator = rng.choice(["captain", "lieutenant"])
        match rng.randrange(10):
            case 0 | 1 | 2:
                scene.link(rng.choice(sorted(DEVICES)), up=flip)
            case 3:
                scene.command(rng.choice(VERBS), door, by=operator, until=until)
            case 4:
                point = rng.choice(["bench", "desk", "badge"])
                scene.command("point.out_of_service", point, by=operator, until=until, work_order="WO-1")
            case 5:
                scene.contact(door, opened=flip)
            case 6:
                scene.press("desk") if flip else scene.restore("desk")
            case 7:
                scene.command("level.set" if flip else "level.end", "courthouse", by=operator, level="lockdown")
            case 8:
                standing = standing_now(scene.state)
                if standing:
                    scene.command("override.end", rng.choice(standing).key)
                scene.command("overrides.hand_over", "overrides")
            case _:
                fact = PointChanged(point="input/7", state=InputState.ACTIVE if flip else InputState.NORMAL)
                scene.tell("power.failed" if flip else "power.restored", "riser", fact, source="board")
        scene.pass_time(rng.choice([0.0, 0.5, 2.0, 5.0, 40.0, 300.0]))
    return scene


@pytest.mark.parametrize("seed", range(8))
def test_s19_a_judge_restarted_after_every_step_is_the_same_judge(seed: int) -> None:
    running = wander(Scene(tables=TABLES).start(), random.Random(seed), 120)
    restarting = wander(Scene(tables=TABLES, restarts=True).start(), random.Random(seed), 120)
    assert running.verdicts == restarting.verdicts
    for row in running.state.to_rows():
        assert json.loads(json.dumps(row.value)) == row.value


@pytest.mark.parametrize("seed", range(8, 12))
def test_s19_the_log_judged_again_gives_the_same_verdicts(seed: int) -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(seed), 150)
    state = JudgeState()
    for event, verdict in zip(scene.events, scene.verdicts, strict=True):
        again = decide(TABLES, state, event, event.detected)
        assert again == verdict
        state.apply(again)
    assert state.to_rows() == scene.state.to_rows()


@pytest.mark.parametrize("seed", range(12, 16))
def test_s17_when_every_device_is_back_no_loss_stands(seed: int) -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(seed), 150)
    for device in DEVICES:
        scene.link(device, up=True)
    assert not scene.state.kept("loss")
    lost = [alarm for alarm in scene.state.open_alarms() if alarm.kind.endswith(("_lost", ".lost", "went_offline"))]
    assert {alarm.condition for alarm in lost} <= {"cleared"}


def test_s19_every_override_is_over_a_month_later() -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(99), 150)
    scene.pass_time(32 * 86400.0)
    assert [one.key for one in standing_now(scene.state) if one.until is not None] == []
