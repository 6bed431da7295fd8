"""What the judge makes of doors: releases, passages, exits, forced and held openings, relays and bolts, late reads."""

from dataclasses import replace

import pytest
from builders import Scene, acts, court_tables, kinds, site_values

from secd.model.doors import LockState, PhysicalState
from secd.model.facts import AccessDecided, Passage
from secd.model.order import ReleaseDoor, RelockDoor, SignalReader, TakeSnapshot
from secd.policies.doors.machine import Phase


@pytest.fixture
def scene() -> Scene:
    return Scene().start()


def passage(verdict_scene: Scene) -> Passage:
    (fact,) = [f.fact for f in verdict_scene.last.findings if isinstance(f.fact, Passage)]
    return fact


def test_a_granted_card_releases_the_door_and_shows_green(scene: Scene) -> None:
    verdict = scene.card("east", "rivera")
    assert kinds(verdict) == ["access.granted"]
    assert acts(verdict) == [ReleaseDoor(door="east", duration_s=5.0), SignalReader(door="east", granted=True)]
    assert [order.expires_mono_s - scene.at.mono_s for order in verdict.orders] == [2.0, 2.0]


def test_a_denied_card_releases_nothing_and_shows_red(scene: Scene) -> None:
    verdict = scene.card("east", "nobody")
    assert kinds(verdict)[0] == "access.denied"
    assert acts(verdict) == [SignalReader(door="east", granted=False)]


def test_ids_of_findings_orders_and_alarms_come_from_the_causing_event(scene: Scene) -> None:
    verdict = scene.card("east", "nobody")
    event = scene.events[-1].id
    assert [finding.id for finding in verdict.findings] == [f"{event}.1", f"{event}.2"]
    assert [order.id for order in verdict.orders] == [f"{event}.o1"]
    assert [alarm.id for alarm in verdict.alarms] == [f"{event}.1"]


def test_a_release_that_is_used_is_taken_and_relocked_on_opening(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.pulse("east")
    verdict = scene.open("east")
    assert kinds(verdict) == ["access.taken"]
    assert passage(scene).how == "taken"
    assert passage(scene).holder == "rivera"
    assert passage(scene).grant == scene.verdicts[-3].findings[0].id
    assert acts(verdict) == [RelockDoor(door="east")]
    assert not verdict.orders[0].urgent  # the release did its work; only a lockdown or an operator ends it unfinished


def test_a_release_that_nobody_uses_is_not_taken(scene: Scene) -> None:
    scene.card("east", "rivera")
    verdicts = scene.pass_time(10)
    assert kinds(*verdicts) == ["access.not_taken"]
    assert scene.door("east").phase is Phase.CLOSED


def test_an_extended_holder_gets_the_longer_release_and_may_keep_the_door_open_longer(scene: Scene) -> None:
    assert acts(scene.card("east", "slow"))[0] == ReleaseDoor(door="east", duration_s=15.0)
    scene.open("east")
    assert kinds(*scene.pass_time(29.9)) == []
    assert kinds(*scene.pass_time(10)) == ["door.held_warned"]


def test_s07_a_grant_at_a_door_that_stands_open_is_taken_assumed(scene: Scene) -> None:
    scene.rex("east")
    scene.open("east")
    scene.card("east", "rivera")
    assert passage(scene).how == "assumed"


def test_s07_two_grants_in_one_opening_are_shared(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.card("east", "park")
    verdict = scene.open("east")
    assert [f.fact.how for f in verdict.findings if isinstance(f.fact, Passage)] == ["shared_opening"] * 2
    scene.shut("east")
    scene.card("east", "rivera")
    scene.open("east")
    assert passage(scene).how == "taken"
    scene.card("east", "park")
    assert passage(scene).how == "shared_opening"


def test_s07_a_door_without_a_contact_is_released_and_nothing_is_claimed_of_the_passage(scene: Scene) -> None:
    assert ReleaseDoor(door="blind", duration_s=5.0) in acts(scene.card("blind", "rivera"))
    assert kinds(*scene.pass_time(30)) == ["access.not_known"]
    assert scene.door("blind").physical is PhysicalState.UNKNOWN


def test_a_card_at_an_unlocked_door_is_granted_without_an_order_to_release(scene: Scene) -> None:
    verdict = scene.card("front", "rivera")
    assert kinds(verdict) == ["access.granted"]
    assert acts(verdict) == [SignalReader(door="front", granted=True)]
    assert kinds(scene.open("front")) == ["access.taken"]


def test_a_reader_of_no_door_is_denied_as_unknown(scene: Scene) -> None:
    verdict = scene.card("bricked-up", "rivera")
    assert [f.fact.reason for f in verdict.findings if isinstance(f.fact, AccessDecided)] == ["unknown_door"]
    assert verdict.orders == ()


# --- forced, exits ------------------------------------------------------------------------------------------------------


def test_s06_an_opening_without_reason_is_forced_after_the_grace_and_not_before(scene: Scene) -> None:
    assert kinds(scene.open("east")) == []
    assert kinds(*scene.pass_time(0.24)) == []
    verdicts = scene.pass_time(0.02)
    assert kinds(*verdicts) == ["door.forced_open", "alarm.raised"]
    assert TakeSnapshot(camera="east-cam") in acts(*verdicts)
    assert scene.alarm("forced").point == "east"


def test_s06_a_request_to_exit_in_the_scan_after_the_opening_explains_it(scene: Scene) -> None:
    scene.open("east")
    scene.pass_time(0.2)
    assert kinds(scene.rex("east")) == ["door.exited"]
    assert kinds(*scene.pass_time(1)) == []


def test_s06_a_door_forced_and_shut_again_within_the_grace_is_still_forced(scene: Scene) -> None:
    scene.open("east")
    scene.shut("east")
    assert kinds(*scene.pass_time(1)) == ["door.forced_open", "door.secured", "alarm.raised", "alarm.cleared"]
    assert scene.door("east").phase is Phase.CLOSED


def test_s06_one_request_to_exit_masks_one_opening(scene: Scene) -> None:
    scene.rex("east")
    scene.rex("east", active=False)
    scene.pass_time(9)
    assert kinds(scene.open("east")) == ["door.exited"]
    scene.shut("east")
    scene.open("east")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s06_a_request_to_exit_masks_for_ten_seconds(scene: Scene) -> None:
    scene.rex("east")
    scene.rex("east", active=False)
    scene.pass_time(10.1)
    scene.open("east")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s06_a_request_to_exit_active_longer_than_a_minute_is_stuck_and_masks_nothing(scene: Scene) -> None:
    scene.rex("east")
    assert kinds(*scene.pass_time(60)) == ["rex.stuck"]
    scene.open("east")
    assert "door.forced_open" in kinds(*scene.pass_time(1))
    scene.shut("east")
    assert kinds(scene.rex("east", active=False)) == ["rex.cleared"]
    scene.rex("east")
    assert kinds(scene.open("east")) == ["door.exited"]


def test_s06_a_request_shorter_than_the_scan_is_seen(scene: Scene) -> None:
    scene.rex("east", active=False, activations=1)
    assert kinds(scene.open("east")) == ["door.exited"]


def test_s06_shunt_only_never_releases(scene: Scene) -> None:
    assert acts(scene.rex("east")) == []


def test_s06_releases_is_explicit(scene: Scene) -> None:
    assert acts(scene.rex("side")) == [ReleaseDoor(door="side", duration_s=5.0)]
    assert kinds(scene.open("side")) == ["door.exited"]
    assert kinds(*scene.pass_time(1)) == []


def test_s08_a_late_request_to_exit_releases_nothing(scene: Scene) -> None:
    assert acts(scene.rex("side", late=True)) == []
    scene.rex("side", active=False)
    assert acts(scene.rex("side", initial=True)) == []


def test_s05_an_exit_is_released_in_a_lockdown_with_a_failed_store_and_no_rule(scene: Scene) -> None:
    scene.command("level.set", "courthouse", level="lockdown", area="courthouse")
    scene.store(failed=True)
    assert acts(scene.rex("side")) == [ReleaseDoor(door="side", duration_s=5.0)]
    scene.open("side")
    assert "door.forced_open" not in kinds(*scene.pass_time(1))


def test_s05_no_one_leaving_is_ever_denied(scene: Scene) -> None:
    scene.command("level.set", "courthouse", level="lockdown", area="courthouse")
    scene.store(failed=True)
    for door in ("east", "evidence-door", "side"):
        scene.rex(door)
        scene.open(door)
        scene.shut(door)
    assert not {"access.denied", "door.forced_open"} & set(kinds(*scene.verdicts))


# --- held ---------------------------------------------------------------------------------------------------------------


def test_s07_a_door_held_open_warns_before_it_alarms_and_clears_when_shut(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.open("east")
    assert kinds(*scene.pass_time(20)) == ["door.held_warned"]
    assert kinds(*scene.pass_time(10)) == ["door.held_open", "alarm.raised"]
    assert kinds(scene.shut("east")) == ["door.secured", "alarm.cleared"]


def test_s07_an_unlocked_door_may_stand_open_and_is_watched_once_it_locks(scene: Scene) -> None:
    scene.open("front")
    assert not {"door.held_warned", "door.held_open"} & set(kinds(*scene.pass_time(600)))
    scene.command("door.lock", "front", until=scene.at.utc.replace(hour=23))
    assert kinds(*scene.pass_time(30))[-3:] == ["door.held_warned", "door.held_open", "alarm.raised"]


def test_a_held_alarm_clears_when_the_door_is_unlocked(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.open("east")
    scene.pass_time(40)
    scene.command("door.unlock", "east", until=scene.at.utc.replace(hour=23))
    assert scene.alarm("held").condition == "cleared"


def test_s07_relock_on_close_leaves_the_lock_released_while_the_door_is_open(scene: Scene) -> None:
    scene.card("side", "rivera")
    assert acts(scene.open("side")) == []
    assert acts(scene.shut("side")) == [RelockDoor(door="side")]


# --- relay and bolt -----------------------------------------------------------------------------------------------------


def test_s07_a_relay_that_secd_did_not_order_is_known_within_a_second(scene: Scene) -> None:
    scene.pass_time(60)
    assert kinds(scene.relay("east", unlocked=True)) == ["door.released_outside_secd", "alarm.raised"]
    assert kinds(scene.relay("east", unlocked=False)) == ["door.secured", "alarm.cleared"]


def test_s07_the_relay_of_our_own_release_is_no_finding(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.pulse("east")
    scene.pass_time(5.3)
    scene.relay("east", unlocked=False)
    scene.pass_time(30)
    assert "door.released_outside_secd" not in kinds(*scene.verdicts)


def test_s07_a_relay_that_stays_released_after_our_release_is_found(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.pulse("east")
    scene.open("east")
    assert kinds(*scene.pass_time(0.89)) == []
    assert kinds(*scene.pass_time(0.02)) == ["door.released_outside_secd", "alarm.raised"]


def test_s07_a_relay_that_is_unlocked_by_mode_is_no_finding_until_the_mode_locks(scene: Scene) -> None:
    scene.relay("front", unlocked=True)
    scene.pass_time(600)
    assert "door.released_outside_secd" not in kinds(*scene.verdicts)
    scene.command("door.lock", "front", until=scene.at.utc.replace(hour=23))
    assert "door.released_outside_secd" in kinds(*scene.pass_time(1))


def test_s07_shut_without_the_bolt_is_not_secured_until_it_is_thrown(scene: Scene) -> None:
    scene.card("side", "rivera")
    scene.open("side")
    scene.bolt("side", thrown=False)
    scene.shut("side")
    assert kinds(*scene.pass_time(3)) == ["door.not_secured"]
    assert kinds(scene.bolt("side", thrown=True)) == ["door.secured"]


def test_a_bolt_that_follows_in_time_is_no_finding(scene: Scene) -> None:
    scene.card("side", "rivera")
    scene.open("side")
    scene.shut("side")
    scene.bolt("side", thrown=True)
    assert "door.not_secured" not in kinds(*scene.pass_time(30))


# --- late, lost, found again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [{"age_s": 2.5}, {"late": True}, {"after_gap": True}])
def test_s08_a_late_read_is_recorded_and_releases_nothing(scene: Scene, more: dict[str, object]) -> None:
    verdict = scene.card("east", "rivera", **more)
    assert kinds(verdict) == ["access.read_late"]
    assert verdict.orders == ()
    (finding,) = verdict.findings
    assert isinstance(finding.fact, AccessDecided)
    assert (finding.fact.holder, finding.fact.reason) == ("rivera", "read_late")


def test_s08_a_read_that_waited_longer_than_two_seconds_for_the_judge_releases_nothing(scene: Scene) -> None:
    seen = scene.at
    scene.at = replace(seen, mono_s=seen.mono_s + 2.5)
    assert kinds(scene.card("east", "rivera", at=seen)) == ["access.read_late"]


def test_s08_a_read_of_two_seconds_is_still_acted_on(scene: Scene) -> None:
    assert kinds(scene.card("east", "rivera", age_s=2.0)) == ["access.granted"]


def test_a_device_that_goes_makes_its_doors_unknown_and_no_others(scene: Scene) -> None:
    scene.link("board", up=False)
    assert scene.door("east").physical is PhysicalState.UNKNOWN
    assert scene.door("east").lock is LockState.UNKNOWN
    assert scene.door("side").physical is PhysicalState.CLOSED


def test_a_door_found_open_after_a_gap_was_opened_while_away(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("board", up=True)
    assert kinds(scene.contact("east", opened=True, initial=True)) == ["door.opened_while_away", "alarm.raised"]
    assert kinds(scene.shut("east")) == ["door.secured", "alarm.cleared"]


def test_a_door_opened_and_shut_while_away_is_told_too(scene: Scene) -> None:
    scene.link("board", up=False)
    verdict = scene.contact("east", opened=False, initial=True, activations=1)
    assert kinds(verdict) == ["door.opened_while_away", "door.secured", "alarm.raised", "alarm.cleared"]


def test_an_unlocked_door_found_open_after_a_gap_is_no_finding(scene: Scene) -> None:
    scene.link("board", up=False)
    assert kinds(scene.contact("front", opened=True, initial=True)) == []


def test_a_door_that_was_open_before_a_gap_goes_on_with_its_held_time(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.open("east")
    scene.pass_time(15)
    scene.link("board", up=False)
    scene.pass_time(4)
    assert kinds(scene.contact("east", opened=True, initial=True)) == []
    assert kinds(*scene.pass_time(1)) == ["door.held_warned"]


def test_a_restart_forgets_the_contact_and_remembers_what_it_last_said(scene: Scene) -> None:
    scene.open("east")
    scene.pass_time(1)
    verdict = scene.tell("secd.started", "secd", scene.events[0].fact)
    assert scene.door("east").phase is Phase.LOST_FORCED
    assert "alarm.changed" in kinds(verdict)
    assert scene.alarm("forced").condition == "unknown"
    scene.contact("east", opened=True, initial=True)
    assert scene.alarm("forced").condition == "active"
    scene.shut("east")
    assert scene.alarm("forced").condition == "cleared"


def test_a_contact_that_is_cut_while_an_opening_is_unexplained_is_forced(scene: Scene) -> None:
    scene.open("east")
    verdict = scene.tell("door.contact_faulted", "east", replace(scene.events[-1].fact))
    assert kinds(verdict) == ["door.forced_open", "alarm.raised"]
    assert scene.door("east").physical is PhysicalState.FAULT


def test_a_release_at_a_door_that_cannot_be_read_is_given_and_its_opening_is_taken(scene: Scene) -> None:
    scene.link("board", up=False)
    assert ReleaseDoor(door="east", duration_s=5.0) in acts(scene.card("east", "rivera"))
    scene.contact("east", opened=True, initial=True)
    assert passage(scene).how == "taken"


@pytest.mark.parametrize("lost", ["link", "restart"])
def test_s07_a_grant_from_before_a_gap_explains_no_opening_after_its_release(scene: Scene, lost: str) -> None:
    scene.card("east", "rivera")
    if lost == "link":
        scene.link("board", up=False)
    else:
        scene.tell("secd.started", "secd", scene.events[0].fact)
    scene.contact("east", opened=False, initial=True)
    assert "access.not_known" in kinds(*scene.pass_time(60))
    scene.open("east")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_s03_a_lockdown_ends_a_grant_from_before_a_gap(scene: Scene) -> None:
    scene.card("east", "rivera")
    scene.link("board", up=False)
    scene.contact("east", opened=False, initial=True)
    scene.command("level.set", "courthouse", level="lockdown", area="courthouse")
    scene.open("east")
    assert "door.forced_open" in kinds(*scene.pass_time(1))


def test_a_strict_door_is_known_to_the_engine() -> None:
    tables = court_tables(site_values())
    assert tables.audit_strict("evidence-door")
    assert not tables.audit_strict("east")
    assert not tables.audit_strict("no-such-door")


def test_a_door_that_denies_entry_on_store_failure_does_so_until_the_store_is_back(scene: Scene) -> None:
    scene.store(failed=True)
    assert kinds(scene.card("evidence-door", "abebe")) == ["access.denied"]
    assert kinds(scene.card("east", "rivera")) == ["access.granted"]
    scene.store(failed=False)
    assert kinds(scene.card("evidence-door", "abebe")) == ["access.granted"]
