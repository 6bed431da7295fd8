"""Panic, alarm rules, and an alarm's life: what raises it, what a person may do with it, what silence means."""

import pytest
from builders import Scene, acts, court_tables, kinds, site_values

from secd.model.facts import AlarmMoved, ButtonState, InputState, OrderEnded, PointChanged, PressKind, Trouble
from secd.model.names import OrderId
from secd.model.order import DesiredLock, TakeSnapshot
from secd.policies.views import alarm_views, door_views, silent_points


@pytest.fixture
def scene() -> Scene:
    return Scene().start()


def ack(scene: Scene, rule: str, rev: int | None = None, **more: str) -> str:
    alarm = scene.alarm(rule)
    return scene.command("alarm.acknowledge", alarm.id, rev=str(rev or alarm.rev), **more).code


def test_a_press_raises_the_alarm_of_its_rule(scene: Scene) -> None:
    verdict = scene.press("desk")
    assert kinds(verdict) == ["alarm.raised"]
    (alarm,) = verdict.alarms
    assert (alarm.rule, alarm.kind, alarm.point, alarm.priority, alarm.area) == (
        "desk-panic", "panic.activated", "desk", 1, "lobby",
    )  # fmt: skip
    assert (alarm.id, alarm.rev, alarm.condition, alarm.ack, alarm.mode) == (
        scene.events[-1].id, 1, "active", "unacked", "simulated",
    )  # fmt: skip


# --- S11 ---------------------------------------------------------------------------------------------------------------


def test_s11_a_panic_point_found_active_at_start_is_an_alarm(scene: Scene) -> None:
    scene.press("desk", initial=True, activations=0)
    assert scene.alarm("desk-panic").reason == "found active"


def test_s11_a_panic_point_found_active_on_link_return_is_an_alarm(scene: Scene) -> None:
    scene.link("panel", up=False)
    scene.press("desk", initial=True)
    assert scene.alarm("desk-panic").occurrences == 1


def test_s11_presses_that_came_together_stay_different(scene: Scene) -> None:
    scene.press("desk", activations=3)
    assert scene.alarm("desk-panic").occurrences == 3
    scene.press("desk", activations=5)
    assert scene.alarm("desk-panic").occurrences == 8


def test_s11_a_press_shorter_than_the_poll_is_an_alarm_that_stays(scene: Scene) -> None:
    scene.press("desk")
    scene.restore("desk")
    assert (scene.alarm("desk-panic").condition, scene.alarm("desk-panic").ack) == ("cleared", "unacked")
    scene.restore("unheard", activations=1)
    assert scene.alarm("built-in").condition == "cleared"
    scene.press("bench", state=InputState.NORMAL)
    assert scene.alarm("duress").condition == "cleared"


def test_s11_a_latched_press_found_again_is_the_same_press_unless_somebody_took_it(scene: Scene) -> None:
    scene.press("desk")
    scene.link("panel", up=False)
    assert scene.alarm("desk-panic").condition == "unknown"
    scene.press("desk", initial=True)
    assert (scene.alarm("desk-panic").condition, scene.alarm("desk-panic").occurrences) == ("active", 1)
    ack(scene, "desk-panic")
    scene.link("panel", up=False)
    scene.press("desk", initial=True)
    assert (scene.alarm("desk-panic").ack, scene.alarm("desk-panic").occurrences) == ("re-alarm", 2)


def test_s08_a_panic_that_waited_on_its_way_is_a_late_panic_never_dropped(scene: Scene) -> None:
    scene.badge("badge", queued=True, age_s=3600.0, late=True)
    assert scene.alarm("badge-help").reason == "late: it waited on its way"
    scene.press("security", age_s=3600.0, late=True)
    assert scene.state.levels


# --- S12 ---------------------------------------------------------------------------------------------------------------


def test_s12_a_silent_alarm_does_nothing_that_could_be_noticed(scene: Scene) -> None:
    before = door_views(scene.tables, scene.state, scene.at)
    verdict = scene.press("bench")
    assert scene.alarm("duress").silent
    assert acts(verdict) == [TakeSnapshot(camera="court-cam")]
    assert verdict.desired == ()
    assert kinds(verdict) == ["alarm.raised"]
    assert door_views(scene.tables, scene.state, scene.at) == before


def test_s12_a_silent_rule_that_sets_a_level_is_cut_unless_somebody_accepted_it() -> None:
    rule = (
        "{{duress: {{when: {{panic: [bench]}}, priority: 1, silent: true, {visible}"
        "do: [{{set_threat_level: {{level: lockdown, in: courthouse}}}}]}}}}"
    )
    quiet = Scene(tables=court_tables(site_values(alarms=rule.format(visible="")))).start()
    assert not quiet.press("bench").desired
    accepted = "visible: {accepted_by: sheriff, why: the court decided so},"
    seen = Scene(tables=court_tables(site_values(alarms=rule.format(visible=accepted)))).start()
    assert seen.press("bench").desired


def test_s12_the_points_that_must_not_be_noticed_are_named_for_those_who_show_things(scene: Scene) -> None:
    assert silent_points(scene.tables) == {"bench"}


# --- S13 ---------------------------------------------------------------------------------------------------------------


def test_s13_a_press_that_no_rule_matches_is_a_built_in_alarm_of_the_first_priority(scene: Scene) -> None:
    scene.press("unheard")
    alarm = scene.alarm("built-in")
    assert (alarm.priority, alarm.kind, alarm.point, alarm.silent) == (1, "panic.activated", "unheard", False)


def test_s13_a_press_of_a_point_nobody_configured_is_an_alarm_too(scene: Scene) -> None:
    scene.badge("radio/badge-9")
    assert scene.alarm("built-in").point == "radio/badge-9"


def test_s13_presses_are_neither_grouped_nor_limited(scene: Scene) -> None:
    for _ in range(50):
        scene.badge("badge")
    assert scene.alarm("badge-help").occurrences == 50
    assert [v.alarms[0].rev for v in scene.verdicts[-50:]] == list(range(1, 51))


def test_a_cut_line_is_trouble_and_not_a_panic(scene: Scene) -> None:
    scene.fault("desk")
    alarm = scene.alarm("built-in")
    assert (alarm.kind, alarm.priority) == ("panic.faulted", 2)
    scene.restore("desk")
    assert scene.alarm("built-in").condition == "cleared"


def test_a_press_on_a_line_that_was_faulted_ends_the_trouble_and_is_heard(scene: Scene) -> None:
    scene.fault("desk")
    scene.press("desk")
    assert scene.rules() == ["built-in", "desk-panic"]
    assert scene.alarm("built-in").condition == "cleared"


def test_a_site_may_have_its_own_rule_for_a_faulted_line() -> None:
    rule = "{line: {when: {event: panic.faulted}, priority: 3}}"
    scene = Scene(tables=court_tables(site_values(alarms=rule))).start()
    scene.fault("desk")
    assert scene.rules() == ["line"]


# --- wireless ------------------------------------------------------------------------------------------------------------


def test_a_button_that_no_longer_checks_in_is_trouble_until_it_is_heard_again(scene: Scene) -> None:
    scene.check_in("badge")
    assert kinds(*scene.pass_time(179)) == []
    assert kinds(*scene.pass_time(2)) == ["panic.went_silent", "alarm.raised"]
    assert scene.alarm("built-in").priority == 2
    scene.check_in("badge")
    assert scene.alarm("built-in").condition == "cleared"


def test_a_press_proves_the_radio_as_well(scene: Scene) -> None:
    scene.check_in("badge")
    scene.pass_time(170)
    scene.badge("badge")
    assert kinds(*scene.pass_time(170)) == []


def test_battery_and_tamper_are_alarms_where_a_rule_says_so() -> None:
    rules = (
        "{low: {when: {event: panic.battery_low}, priority: 4}, opened: {when: {event: panic.tampered}, priority: 2}}"
    )
    scene = Scene(tables=court_tables(site_values(alarms=rules))).start()
    scene.tell("panic.battery_low", "badge", ButtonState(point="badge", battery_percent=5))
    scene.tell("panic.tampered", "badge", ButtonState(point="badge", tampered=True))
    assert scene.rules() == ["low", "opened"]


def test_a_wireless_panic_that_was_taken_stays_until_a_person_closes_it(scene: Scene) -> None:
    scene.badge("badge")
    alarm = scene.alarm("badge-help").id
    ack(scene, "badge-help")
    assert scene.rules() == ["badge-help"]
    assert scene.command("alarm.close", alarm, reason="a false alarm", rev="2").done
    (closed,) = scene.last.alarms
    assert (closed.closed, closed.condition, closed.reason) == (True, "cleared", "a false alarm")
    assert scene.rules() == []


# --- lockdown by panic -----------------------------------------------------------------------------------------------------


def test_a_lockdown_button_closes_the_doors_in_the_same_step(scene: Scene) -> None:
    verdict = scene.press("security")
    assert kinds(verdict)[:2] == ["alarm.raised", "threat_level.changed"]
    assert any(isinstance(one, DesiredLock) and one.door == "front" for one in verdict.desired)
    assert scene.state.levels["courthouse/lockdown"].by == "alarm lock-down"


def test_a_second_press_after_the_lockdown_was_ended_locks_down_again(scene: Scene) -> None:
    scene.press("security")
    for operator in ("captain", "lieutenant"):
        scene.command("level.end", "courthouse", by=operator, level="lockdown", area="courthouse")
    assert not scene.state.levels
    scene.press("security")
    assert scene.state.levels


def test_a_help_press_upgraded_to_lockdown_raises_the_revision_and_takes_the_acknowledgement_back(scene: Scene) -> None:
    scene.badge("badge")
    ack(scene, "badge-help")
    seen = scene.alarm("badge-help").rev
    verdict = scene.badge("badge", PressKind.LOCKDOWN)
    assert kinds(verdict) == ["alarm.upgraded"]
    alarm = scene.alarm("badge-help")
    assert (alarm.press, alarm.ack, alarm.acked_by, alarm.rev) == ("lockdown", "re-alarm", "", seen + 1)
    assert acts(verdict) == [TakeSnapshot(camera="east-cam")]


# --- an alarm's life --------------------------------------------------------------------------------------------------------


def test_one_open_alarm_for_each_rule_and_point(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("board", up=False)
    scene.link("wing", up=False)
    lost = {a.point: a.occurrences for a in scene.state.open_alarms()}
    assert lost == {"board": 2, "wing": 1}


def test_an_alarm_closes_when_its_cause_is_gone_and_a_person_took_it_in_either_order(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("wing", up=False)
    first, second = (scene.state.open_alarms()[n].id for n in (0, 1))
    scene.link("board", up=True)
    scene.command("alarm.acknowledge", first, rev="2")
    assert kinds(scene.last) == ["alarm.acknowledged", "alarm.closed"]
    scene.command("alarm.acknowledge", second, rev="1")
    assert kinds(scene.last) == ["alarm.acknowledged"]
    assert kinds(scene.link("wing", up=True)) == ["alarm.cleared", "alarm.closed"]
    assert scene.rules() == []


def test_the_newest_revision_of_an_alarm_is_in_the_verdict_and_every_move_is_a_finding(scene: Scene) -> None:
    scene.link("board", up=False)
    scene.link("board", up=True)
    scene.command("alarm.acknowledge", scene.alarm("lost").id, rev="2")
    (alarm,) = scene.last.alarms
    moves = [f.fact for f in scene.last.findings if isinstance(f.fact, AlarmMoved)]
    assert [(move.transition, move.rev) for move in moves] == [("acknowledged", 3), ("closed", 4)]
    assert (alarm.rev, alarm.closed, alarm.acked_by) == (4, True, "captain")


def test_an_alarm_that_does_not_latch_closes_when_a_person_took_it(scene: Scene) -> None:
    scene.card("east", "nobody")
    assert ack(scene, "guessing") == "ok"
    assert scene.rules() == []


def test_an_acknowledgement_of_an_older_revision_is_refused_as_stale(scene: Scene) -> None:
    scene.press("desk")
    scene.press("desk")
    assert ack(scene, "desk-panic", rev=1) == "stale_rev"
    assert ack(scene, "desk-panic", rev=2) == "ok"


def test_a_receipt_raises_the_revision_and_makes_no_acknowledgement_stale(scene: Scene) -> None:
    scene.press("desk")
    alarm = scene.alarm("desk-panic").id
    assert scene.command("alarm.receive", alarm, by="station:sheriff", station="sheriff", reason="").done
    assert kinds(scene.last) == ["alarm.received"]
    assert scene.alarm("desk-panic").received_by == ("sheriff",)
    assert scene.command("alarm.receive", alarm, by="station:sheriff", station="sheriff", reason="").done
    assert scene.last.alarms == ()
    assert ack(scene, "desk-panic", rev=1) == "ok"


def test_an_acknowledgement_needs_a_revision_and_an_open_alarm(scene: Scene) -> None:
    scene.press("desk")
    assert scene.command("alarm.acknowledge", scene.alarm("desk-panic").id).code == "rev_required"
    assert scene.command("alarm.acknowledge", "nothing", rev="1").code == "unknown_target"
    assert scene.command("alarm.receive", "nothing", station="sheriff").code == "unknown_target"
    assert scene.command("alarm.close", "nothing").code == "unknown_target"


def test_two_operators_do_not_take_the_same_alarm(scene: Scene) -> None:
    scene.press("desk")
    assert ack(scene, "desk-panic") == "ok"
    assert ack(scene, "desk-panic") == "ok"
    assert ack(scene, "desk-panic", by="lieutenant") == "already_acknowledged"
    assert ack(scene, "desk-panic", operator="dispatcher-7") == "already_acknowledged"


def test_the_operator_behind_a_station_is_who_took_it(scene: Scene) -> None:
    scene.press("desk")
    ack(scene, "desk-panic", by="station:sheriff", operator="dispatcher-7")
    assert scene.alarm("desk-panic").acked_by == "dispatcher-7"


def test_an_alarm_whose_cause_is_still_there_is_not_closed(scene: Scene) -> None:
    scene.press("desk")
    alarm = scene.alarm("desk-panic").id
    assert scene.command("alarm.close", alarm).code == "not_acknowledged"
    ack(scene, "desk-panic")
    assert scene.command("alarm.close", alarm).code == "still_active"
    scene.restore("desk")
    assert scene.rules() == []


def test_a_repeat_of_an_alarm_that_was_taken_alarms_again(scene: Scene) -> None:
    scene.link("board", up=False)
    ack(scene, "lost")
    scene.link("board", up=False)
    assert (scene.alarm("lost").ack, scene.alarm("lost").acked_by) == ("re-alarm", "")


def test_rules_filter_by_camera_area_and_reason(scene: Scene) -> None:
    assert acts(scene.motion("east-cam", active=True)) == [TakeSnapshot(camera="east-cam")]
    scene.motion("front-cam", active=True)
    assert scene.rules() == ["motion"]
    scene.card("east", "stranger")
    assert scene.rules() == ["motion"]
    scene.card("evidence-door", "nobody")
    assert scene.rules() == ["guessing", "motion"]
    assert kinds(scene.motion("east-cam", active=False)) == ["alarm.cleared"]


def test_repeats_of_motion_take_no_further_pictures(scene: Scene) -> None:
    scene.motion("east-cam", active=True)
    assert acts(scene.motion("east-cam", active=True)) == []


def test_two_rules_for_one_event_raise_two_alarms_with_ids_of_their_own() -> None:
    rules = (
        "{a: {when: {event: device.went_offline}, priority: 3}, b: {when: {event: device.went_offline}, priority: 2}}"
    )
    scene = Scene(tables=court_tables(site_values(alarms=rules))).start()
    scene.link("board", up=False)
    event = scene.events[-1].id
    assert [alarm.id for alarm in scene.last.alarms] == [event, f"{event}.a2"]


def test_open_alarms_are_shown_the_untaken_and_urgent_first(scene: Scene) -> None:
    scene.motion("east-cam", active=True)
    scene.press("desk")
    scene.link("wing", up=False)
    scene.press("unheard")
    ack(scene, "desk-panic")
    assert [alarm.rule for alarm in alarm_views(scene.state)] == ["built-in", "lost", "motion", "desk-panic"]


def test_a_flood_of_buttons_nobody_configured_is_heard_and_stays_bounded(scene: Scene) -> None:
    for number in range(200):
        scene.badge(f"radio/stranger-{number}", source="radio")
    alarms = scene.state.open_alarms()
    assert len(alarms) == 65
    assert sum(alarm.occurrences for alarm in alarms) == 200


def test_orders_that_fail_without_a_device_are_one_alarm_and_not_one_each() -> None:
    rules = "{failed: {when: {event: order.failed}, priority: 4}}"
    scene = Scene(tables=court_tables(site_values(alarms=rules))).start()
    for number in range(5):
        order = OrderId(f"order-{number}")
        scene.tell("order.failed", order, OrderEnded(order=order, act="TakeSnapshot", result="failed"), source="secd")
    assert scene.alarm("failed").occurrences == 5


@pytest.mark.parametrize(
    ("kind", "restored"), [("config.rejected", "config.restored"), ("store.degraded", "store.recovered")]
)
def test_a_trouble_of_the_whole_site_ends_wherever_it_was_seen(kind: str, restored: str) -> None:
    rules = f"{{trouble: {{when: {{event: {kind}}}, priority: 3}}}}"
    scene = Scene(tables=court_tables(site_values(alarms=rules))).start()
    scene.tell(kind, "/some/place", Trouble(what="wrong", where="/some/place"))
    scene.tell(restored, "secd", Trouble(what="right"))
    assert scene.alarm("trouble").condition == "cleared"


def test_a_faulted_contact_that_reads_open_again_is_no_longer_faulted() -> None:
    rules = "{fault: {when: {event: door.contact_faulted}, priority: 3}}"
    scene = Scene(tables=court_tables(site_values(alarms=rules))).start()
    scene.tell("door.contact_faulted", "east", PointChanged(point="input/3", state=InputState.CUT))
    scene.open("east")
    assert scene.alarm("fault").condition == "cleared"
