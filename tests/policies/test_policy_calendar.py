"""Schedules on the wall clock: half-open spans, midnight, holidays, and the two nights a year when the clock jumps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from builders import court_tables, local, site_values
from pydantic import ValidationError

from secd.policies.access.calendar import ALWAYS, Calendar, Condition, Schedule, span_bits
from secd.policies.access.settings import day_range, parse_span
from secd.policies.compile import compile_calendar

OFFICE = Condition(schedule="office-hours")
CLEANING = Condition(schedule="cleaning")


def calendar(schedules: str, holidays: str = "{}", zone: str = "America/Chicago") -> Calendar:
    return compile_calendar(
        site_values(schedules=schedules, holidays=holidays, rules="{}", deny="{}", door_modes="{}"), zone
    )


def night(spans: list[tuple[int, int]], zone: str = "America/Chicago") -> Calendar:
    return Calendar(
        zone=ZoneInfo(zone),
        schedules={"night": Schedule(week=(span_bits(spans),) * 7, holidays=None)},
    )


def minutes_held(one: Calendar, name: str, start: datetime, hours: int) -> int:
    condition = Condition(schedule=name)
    return sum(one.holds(condition, start.astimezone(UTC) + timedelta(minutes=n)) for n in range(hours * 60))


def test_spans_are_half_open() -> None:
    one = court_tables().calendar
    assert [one.holds(OFFICE, local(f"2026-11-23 {at}")) for at in ("06:59", "07:00", "18:29", "18:30")] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_span_may_end_at_midnight_and_the_next_may_start_there() -> None:
    one = calendar('{a: {mon: ["22:00-24:00"], tue: ["00:00-01:00"], holidays: closed}}')
    assert minutes_held(one, "a", local("2026-11-23 00:00"), 48) == 180


@pytest.mark.parametrize("text", ["7:00-8:00", "07:00-07:00", "25:00-26:00", "07:00", "07:00 - 08:00", "24:00-01:00"])
def test_a_span_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="span"):
        parse_span(text)


def test_day_ranges_wrap_around_the_week() -> None:
    assert day_range("sat-mon") == (5, 6, 0)
    assert day_range("mon") == (0,)
    assert day_range("monday") is None
    assert day_range("mon-") is None


def test_s09_a_schedule_without_holidays_is_refused() -> None:
    with pytest.raises(ValidationError, match="holidays"):
        site_values(schedules='{a: {mon-fri: ["07:00-18:30"]}}')


def test_a_day_written_twice_or_misspelt_is_refused() -> None:
    with pytest.raises(ValidationError, match="write each day once"):
        site_values(schedules='{a: {mon-fri: ["07:00-08:00"], wed: ["09:00-10:00"], holidays: closed}}')
    with pytest.raises(ValidationError, match="unknown key `mo-fri`"):
        site_values(schedules='{a: {mo-fri: ["07:00-08:00"], holidays: closed}}')


def test_holidays_by_type_and_a_type_left_out_is_closed() -> None:
    one = calendar(
        '{a: {mon-sun: ["08:00-18:00"], holidays: {state: ["10:00-12:00"], bank: not_needed}}}',
        "{s: {dates: [2026-11-23], type: state}, b: {dates: [2026-11-24], type: bank}, c: {dates: [2026-11-25], type: court}}",
    )
    lengths = [minutes_held(one, "a", local(f"2026-11-{day} 00:00"), 24) for day in (23, 24, 25, 26)]
    assert lengths == [120, 600, 0, 600]


def test_a_date_of_two_holiday_types_holds_only_what_both_allow() -> None:
    one = calendar(
        '{a: {mon-sun: ["08:00-18:00"], holidays: {state: ["10:00-12:00"], bank: ["11:00-15:00"]}}}',
        "{s: {dates: [2026-11-23], type: state}, b: {from: 2026-11-22, to: 2026-11-24, type: bank}}",
    )
    assert minutes_held(one, "a", local("2026-11-23 00:00"), 24) == 60


def test_a_dated_exception_wins_over_the_holiday() -> None:
    one = calendar(
        '{a: {mon-fri: ["08:00-18:00"], holidays: closed, exceptions: {2026-11-26: ["09:00-10:00"], 2026-11-25: closed}}}',
        "{t: {dates: [2026-11-26]}}",
    )
    assert minutes_held(one, "a", local("2026-11-26 00:00"), 24) == 60
    assert minutes_held(one, "a", local("2026-11-25 00:00"), 24) == 0


def test_a_shift_past_midnight_into_a_holiday_runs_on() -> None:
    one = court_tables().calendar
    assert one.holds(CLEANING, local("2026-11-26 01:30"))
    assert not one.holds(CLEANING, local("2026-11-26 21:30"))
    assert not one.holds(CLEANING, local("2026-11-28 01:30"))


def test_new_years_eve_shift_ends_in_the_next_year() -> None:
    one = calendar('{a: {thu: ["22:00-06:00"], holidays: closed}}', "{n: {dates: [2027-01-01]}}")
    assert one.holds(Condition(schedule="a"), local("2027-01-01 05:59"))
    assert not one.holds(Condition(schedule="a"), local("2027-01-01 06:00"))


def test_leap_day_is_a_day() -> None:
    one = calendar('{a: {mon-sun: ["08:00-09:00"], holidays: closed}}', "{x: {from: 2028-02-28, to: 2028-03-01}}")
    assert minutes_held(one, "a", local("2028-02-28 00:00"), 72) == 0


def test_the_hour_that_the_clock_skips_never_holds() -> None:
    assert minutes_held(night([(120, 180)]), "night", local("2026-03-08 00:00"), 23) == 0
    assert minutes_held(night([(90, 210)]), "night", local("2026-03-08 00:00"), 23) == 60


def test_the_hour_that_the_clock_repeats_holds_twice() -> None:
    assert minutes_held(night([(60, 120)]), "night", local("2026-11-01 00:00"), 25) == 120


def test_the_next_change_is_found_across_both_jumps_of_the_clock() -> None:
    one, condition = night([(150, 270)]), Condition(schedule="night")
    start = local("2026-03-08 00:00").astimezone(UTC)
    opens = one.next_change([condition], start, start + timedelta(hours=12))
    assert opens == datetime(2026, 3, 8, 8, 0, tzinfo=UTC)  # 02:30 does not exist: it holds from 03:00 on
    twice, fall = night([(60, 90)]), local("2026-11-01 00:00").astimezone(UTC)
    moments, at = [], fall
    while (change := twice.next_change([condition], at, fall + timedelta(hours=6))) is not None:
        moments.append(change)
        at = change
    assert [moment.strftime("%H:%M") for moment in moments] == ["06:00", "06:30", "07:00", "07:30"]


def test_a_midnight_that_does_not_exist_is_no_trouble() -> None:
    one = night([(0, 1440)], "America/Havana")
    start = datetime(2026, 3, 8, 3, 0, tzinfo=UTC)
    assert one.next_change([Condition(schedule="night")], start, start + timedelta(hours=12)) is None
    assert all(one.holds(Condition(schedule="night"), start + timedelta(hours=n)) for n in range(30))


def test_every_change_in_a_year_is_found_and_no_other() -> None:
    one = court_tables().calendar
    conditions = [OFFICE, CLEANING, Condition(schedule="office-hours", negated=True), ALWAYS]
    start = local("2026-10-28 00:00").astimezone(UTC)
    end = start + timedelta(days=40)
    found, at = [], start
    while (change := one.next_change(conditions, at, end)) is not None:
        found.append(change)
        at = change
    states = [tuple(one.holds(c, start + timedelta(minutes=n)) for c in conditions) for n in range(40 * 1440 + 1)]
    stepped = [start + timedelta(minutes=n) for n in range(1, len(states)) if states[n] != states[n - 1]]
    assert found == stepped
