"""A sally port: of its doors only one at a time lets anybody in, and nobody who leaves is held up."""

import pytest
from builders import Scene, acts, kinds, through_json
from fitted import yard

from secd.model.doors import DoorMode
from secd.model.entry import Verdict
from secd.model.facts import AccessDecided, Trouble
from secd.model.names import DeviceId
from secd.model.order import ReleaseDoor

OUTER, INNER = "sally-outer", "sally-inner"


@pytest.fixture
def scene() -> Scene:
    return yard()


def reasons(verdict: Verdict) -> list[str]:
    return [f.fact.reason for f in verdict.findings if isinstance(f.fact, AccessDecided)]


def refused(scene: Scene, door: str) -> bool:
    """Whether the interlock alone refuses a card that is good here."""
    verdict = scene.card(door, "rivera")
    assert reasons(verdict) in ([""], ["interlock"])
    assert any(isinstance(act, ReleaseDoor) for act in acts(verdict)) is (reasons(verdict) == [""])
    return reasons(verdict) == ["interlock"]


def test_s05_a_door_that_stands_open_keeps_the_other_shut_for_those_who_come_in(scene: Scene) -> None:
    scene.card(OUTER, "rivera")
    scene.open(OUTER)
    assert refused(scene, INNER)
    scene.shut(OUTER)
    assert not refused(scene, INNER)


def test_s05_of_two_grants_in_the_same_instant_one_wins(scene: Scene) -> None:
    assert not refused(scene, OUTER)
    assert refused(scene, INNER)


def test_s05_a_second_card_at_the_reserved_door_itself_is_granted(scene: Scene) -> None:
    assert not refused(scene, OUTER)
    assert not refused(scene, OUTER)


def test_s05_a_reservation_ends_when_nobody_passes(scene: Scene) -> None:
    assert not refused(scene, OUTER)
    scene.pass_time(5.9)
    assert refused(scene, INNER)
    assert "access.not_taken" in kinds(*scene.pass_time(0.2))
    assert not refused(scene, INNER)


def test_s05_a_reservation_ends_with_the_passage(scene: Scene) -> None:
    scene.card(OUTER, "rivera")
    scene.open(OUTER)
    scene.pass_time(3)
    scene.shut(OUTER)
    assert not refused(scene, INNER)


def test_s05_a_reservation_survives_a_restart(scene: Scene) -> None:
    scene.card(OUTER, "rivera")
    scene.state = through_json(scene.state)
    assert refused(scene, INNER)
    scene.tell("secd.started", "secd", Trouble(what="started"))
    scene.contact(OUTER, opened=False, initial=True)
    scene.contact(INNER, opened=False, initial=True)
    scene.relay(OUTER, unlocked=False, initial=True)
    assert refused(scene, INNER)


@pytest.mark.parametrize("spoil", ["cut", "link", "relay", "tamper", "unread"])
def test_s05_what_is_not_known_to_be_shut_and_locked_counts_as_open(scene: Scene, spoil: str) -> None:
    if spoil == "cut":
        scene.cut(OUTER)
    elif spoil == "link":
        scene.link("s", up=False)
    elif spoil == "relay":
        scene.relay(OUTER, unlocked=True)
    elif spoil == "tamper":
        scene.tamper("s", opened=True)
    else:
        scene.tell("secd.started", "secd", Trouble(what="started"))
    assert refused(scene, INNER)


def test_s05_an_interlock_holds_up_nobody_who_leaves(scene: Scene) -> None:
    scene.card(INNER, "rivera")
    scene.open(INNER)
    assert ReleaseDoor(door=OUTER, duration_s=5.0) in acts(scene.leave(OUTER, "rivera"))
    scene.open(OUTER)
    assert acts(scene.rex(INNER)) == [ReleaseDoor(door=INNER, duration_s=5.0)]
    assert "door.forced_open" not in kinds(*scene.verdicts, *scene.pass_time(1))


def test_s05_somebody_who_leaves_keeps_the_other_door_shut_for_those_who_come_in(scene: Scene) -> None:
    scene.leave(OUTER, "rivera")
    assert refused(scene, INNER)


def test_s05_operators_are_refused_by_an_interlock(scene: Scene) -> None:
    scene.card(OUTER, "rivera")
    scene.open(OUTER)
    until = scene.at.utc.replace(hour=23)
    assert scene.command("door.release", INNER).code == "interlock"
    assert scene.command("door.unlock", INNER, until=until).code == "interlock"
    assert scene.last.orders == ()
    scene.shut(OUTER)
    assert scene.command("door.unlock", INNER, until=until).done
    assert scene.command("door.release", OUTER).code == "interlock"
    assert refused(scene, OUTER)


def test_s03_a_lockdown_ends_the_reservation_it_pre_empts(scene: Scene) -> None:
    scene.card(OUTER, "rivera")
    scene.command("level.set", "grounds", level="lockdown", area="grounds")
    assert ReleaseDoor(door=INNER, duration_s=5.0) in acts(scene.card(INNER, "lindqvist"))
    assert reasons(scene.card(OUTER, "lindqvist")) == ["interlock"]


def test_s05_a_reading_of_the_relay_alone_tells_when_a_release_is_over(scene: Scene) -> None:
    scene.leave(OUTER, "rivera")
    scene.relay(OUTER, unlocked=True, pulsing=True, source=DeviceId("s"))
    scene.pass_time(6)
    assert refused(scene, INNER)  # the board still drives the lock
    scene.relay(OUTER, unlocked=False, source=DeviceId("s"))
    assert not refused(scene, INNER)
    assert scene.door(OUTER).mode is DoorMode.LOCKED
