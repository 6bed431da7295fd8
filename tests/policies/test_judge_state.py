"""The judge is pure, replayable, and the same after a restart at any point of any history."""

import json
import random
from datetime import timedelta

import pytest
from builders import Scene, court_tables, instant, local, through_json

from secd.model.entry import StateRow, Verdict
from secd.model.facts import InputState, PointChanged, PressKind, Trouble
from secd.policies.judge import JudgeState, decide, next_due

TABLES = court_tables()
DOORS = ("front", "east", "annex", "side", "blind", "evidence-door")
PEOPLE = ("rivera", "lindqvist", "abebe", "park", "slow", "nobody")


def wander(scene: Scene, rng: random.Random, steps: int) -> Scene:
    """A random history: people, doors, relays, links, panic, commands, restarts, time."""
    for _ in range(steps):
        door, flip = rng.choice(DOORS), rng.random() < 0.5
        match rng.randrange(20):
            case 0 | 1 | 2:
                scene.card(door, rng.choice(PEOPLE), age_s=rng.choice([0.0, 0.0, 0.0, 3.0]))
            case 3 | 4 | 5:
                scene.contact(door, opened=flip, initial=rng.random() < 0.1)
            case 6:
                scene.rex(door, active=flip, activations=rng.randrange(3))
            case 7:
                scene.relay(door, unlocked=flip, pulsing=rng.random() < 0.5, initial=rng.random() < 0.1)
            case 8:
                scene.bolt("side", thrown=flip)
            case 9:
                scene.link(rng.choice(["board", "wing", "panel", "radio"]), up=flip)
            case 10:
                scene.press(
                    rng.choice(["bench", "desk", "security", "unheard"]), activations=rng.randrange(3), initial=flip
                )
            case 11:
                scene.restore(rng.choice(["bench", "desk", "security"]), activations=rng.randrange(2))
            case 12:
                scene.badge("badge", rng.choice(list(PressKind)))
            case 13:
                operator = rng.choice(["captain", "lieutenant"])
                scene.command("level.set" if flip else "level.end", "courthouse", by=operator, level="lockdown")
            case 14:
                until = scene.at.utc + timedelta(seconds=rng.randrange(1, 5000))
                scene.command(rng.choice(["door.unlock", "door.lock", "door.release"]), door, until=until)
            case 15:
                verb = rng.choice(["alarm.acknowledge", "alarm.close", "alarm.receive"])
                alarms = scene.state.open_alarms()
                if alarms:
                    alarm = rng.choice(alarms)
                    scene.command(verb, alarm.id, rev=str(alarm.rev), station="sheriff")
            case 16:
                scene.store(failed=flip)
            case 17:
                scene.distrust() if flip else scene.trust()
            case 18:
                scene.tell("door.contact_faulted", door, PointChanged(point="input/1", state=InputState.CUT))
            case _:
                scene.tell("secd.started", "secd", Trouble(what="started"))
        scene.pass_time(rng.choice([0.0, 0.1, 0.3, 1.0, 5.0, 12.0, 70.0, 3600.0]))
    return scene


@pytest.mark.parametrize("seed", range(12))
def test_a_judge_restarted_after_every_step_is_the_same_judge(seed: int) -> None:
    at = instant(local("2026-11-23 06:30"))
    running = wander(Scene(tables=TABLES, at=at).start(), random.Random(seed), 120)
    restarting = wander(Scene(tables=TABLES, at=at, restarts=True).start(), random.Random(seed), 120)
    assert running.verdicts == restarting.verdicts
    assert running.state.to_rows() == restarting.state.to_rows()


@pytest.mark.parametrize("seed", range(12, 16))
def test_the_log_judged_again_gives_the_same_verdicts(seed: int) -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(seed), 150)
    state = JudgeState()
    for event, verdict in zip(scene.events, scene.verdicts, strict=True):
        again = decide(TABLES, state, event, event.detected)
        assert again == verdict
        state.apply(again)


def test_deciding_changes_nothing_until_the_verdict_is_applied() -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(99), 60)
    before, due = scene.state.to_rows(), next_due(scene.state)
    for event in scene.events[-40:]:
        decide(TABLES, scene.state, event, scene.at)
    assert scene.state.to_rows() == before
    assert next_due(scene.state) == due


def test_every_row_is_json_and_comes_back_as_itself() -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(5), 200)
    rows = scene.state.to_rows()
    assert {row.kind for row in rows} >= {"door", "panic", "site", "alarm"}
    for row in rows:
        assert json.loads(json.dumps(row.value)) == row.value
    assert through_json(scene.state).to_rows() == rows


def test_the_next_due_time_is_the_earliest_and_survives_a_restart() -> None:
    scene = Scene(tables=TABLES).start()
    scene.open("east")
    due = next_due(scene.state)
    assert due == (scene.at.mono_s + 0.25, "door/east/grace")
    assert next_due(through_json(scene.state)) == due


def test_a_timer_that_no_longer_stands_does_nothing() -> None:
    scene = Scene(tables=TABLES).start()
    scene.open("east")
    scene.rex("east")
    elapsed = scene.tell("timer.elapsed", "door/east/grace", _elapsed("door/east/grace", scene.at.mono_s))
    assert elapsed == Verdict()
    early = scene.tell("timer.elapsed", "door/east/held_warn", _elapsed("door/east/held_warn", scene.at.mono_s))
    assert early == Verdict()


def test_rows_of_a_kind_that_is_not_known_are_left_alone() -> None:
    state = JudgeState.from_rows([StateRow(kind="anti_passback", key="rivera", value={"area": "lobby"})])
    assert state.to_rows() == []


def test_no_history_leaves_more_due_times_than_things_to_wait_for() -> None:
    scene = wander(Scene(tables=TABLES).start(), random.Random(3), 400)
    assert len(scene.state._heap) <= 4 * len(scene.state._due) + 64 + 8


def _elapsed(key: str, due_s: float):  # type: ignore[no-untyped-def]
    from secd.model.facts import TimerElapsed

    return TimerElapsed(key=key, due_mono_s=due_s)
