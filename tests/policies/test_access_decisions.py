"""Who may enter: every reason, and the compiled masks against a reference that reads the settings one by one."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import MONDAY_TEN, ZONE, court_tables, local, people, site_values

from secd.model.names import GroupId, HolderId
from secd.model.people import Credential, Holder, People, Standing
from secd.policies.access.decision import AccessTables
from secd.policies.access.reasons import REASONS
from secd.policies.access.settings import NotSchedule, ScheduleSettings, surrounding

DAY = timedelta(days=1)


def decide(holder: str, door: str = "east", at: datetime = MONDAY_TEN, **more: Any) -> tuple[str, str | None]:
    access = court_tables(register=more.pop("register", None)).access
    outcome = access.decide(door, more.pop("keys", (("H10301", f"key-{holder}"),)), at.astimezone(UTC), **more)
    assert outcome.reason == "" or outcome.reason in REASONS
    return outcome.reason, outcome.rule


def test_a_clerk_enters_in_office_hours_by_the_rule_that_is_named() -> None:
    assert decide("rivera") == ("", "staff")


def test_a_clerk_is_told_the_time_is_wrong_at_night() -> None:
    assert decide("rivera", at=local("2026-11-23 19:00")) == ("not_permitted_at_this_time", "staff")


def test_a_clerk_is_denied_on_a_holiday() -> None:
    assert decide("rivera", at=local("2026-11-26 10:00"))[0] == "not_permitted_at_this_time"


def test_cleaners_shift_belongs_to_the_day_it_starts_on() -> None:
    assert decide("novak", at=local("2026-11-28 01:59"))[0] == "not_permitted_at_this_time"  # Friday was a holiday
    assert decide("novak", at=local("2026-11-26 01:59")) == ("", "cleaners")  # Thanksgiving, but Wednesday's shift
    assert decide("novak", at=local("2026-11-24 01:59")) == ("", "cleaners")
    assert decide("novak", at=local("2026-11-24 02:00"))[0] == "not_permitted_at_this_time"


def test_a_denial_wins_over_every_rule() -> None:
    always = "{staff: {who: [clerks], enter: [courthouse], including_inside: true, when: always, with: card}}"
    access = court_tables(site_values(rules=always)).access
    at = local("2026-11-23 22:00").astimezone(UTC)
    assert access.decide("east", (("H10301", "key-park"),), at)[1:3] == ("denied_by_rule", "temporary-at-night")
    assert access.decide("east", (("H10301", "key-rivera"),), at)[1:3] == ("", "staff")


def test_s09_a_rule_for_the_house_never_opens_a_restricted_room_by_inheritance() -> None:
    assert decide("rivera", door="evidence-door")[0] == "no_rule"
    assert decide("abebe", door="evidence-door") == ("", "custodians")


def test_s09_a_rule_without_including_inside_covers_only_the_areas_it_names() -> None:
    only_house = "{staff: {who: [clerks], enter: [courthouse], when: always, with: card}}"
    access = court_tables(site_values(rules=only_house)).access
    assert access.decide("east", (("H10301", "key-rivera"),), MONDAY_TEN).reason == "no_rule"


def test_s09_unknown_things_are_denied_with_a_reason() -> None:
    assert decide("nobody")[0] == "unknown_credential"
    assert decide("", keys=())[0] == "unknown_format"
    assert decide("stranger")[0] == "no_rule"
    assert decide("rivera", door="no-such-door")[0] == "no_rule"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"standing": Standing.SUSPENDED}, "credential_suspended"),
        ({"standing": Standing.LOST}, "credential_lost"),
        ({"standing": Standing.STOLEN}, "credential_stolen"),
        ({"card_from": MONDAY_TEN + DAY}, "not_yet_valid"),
        ({"valid_from": MONDAY_TEN + DAY}, "not_yet_valid"),
        ({"card_until": MONDAY_TEN}, "expired"),
        ({"valid_until": MONDAY_TEN}, "holder_expired"),
        ({"card_from": MONDAY_TEN, "valid_until": MONDAY_TEN + DAY}, ""),
    ],
)
def test_a_card_or_holder_that_is_not_good_says_why(change: dict[str, Any], reason: str) -> None:
    assert decide("rivera", register=people(rivera=change))[0] == reason


def test_bits_that_fit_two_formats_of_two_people_are_never_guessed() -> None:
    register = people()
    other = Credential(key="key-rivera", format="C1k35", holder=HolderId("park"))
    both = People(holders=register.holders, credentials={**register.credentials, ("C1k35", "key-rivera"): other})
    keys = (("H10301", "key-rivera"), ("C1k35", "key-rivera"))
    assert decide("", keys=keys, register=both)[0] == "ambiguous_card"


def test_store_failure_denies_only_who_would_have_been_granted() -> None:
    assert decide("abebe", door="evidence-door", store_failed=True)[0] == "store_unavailable"
    assert decide("rivera", door="evidence-door", store_failed=True)[0] == "no_rule"


def test_a_threat_level_admits_its_groups_by_their_own_rules_only() -> None:
    admits = [frozenset({GroupId("deputies"), GroupId("stranger")})]
    assert decide("lindqvist", admits=admits) == ("", "deputies-always")
    assert decide("rivera", admits=admits)[0] == "threat_level"
    assert decide("stranger", admits=admits)[0] == "no_rule"


def test_another_register_is_taken_over_at_once() -> None:
    tables = court_tables()
    keys = (("H10301", "key-rivera"),)
    assert tables.access.decide("east", keys, MONDAY_TEN).reason == ""
    lost = tables.with_people(people(rivera={"standing": Standing.LOST}))
    assert lost.access.decide("east", keys, MONDAY_TEN).reason == "credential_lost"
    moved = people()
    holders = {**moved.holders, HolderId("rivera"): Holder(id=HolderId("rivera"), groups=frozenset())}
    assert (
        tables.with_people(People(holders=holders, credentials=moved.credentials))
        .access.decide("east", keys, MONDAY_TEN)
        .reason
        == "no_rule"
    )


# --- against a reference that shares no code with the masks -----------------------------------------------------------


def applies(when: str | NotSchedule, at: datetime, values: dict[str, Any]) -> bool:
    if isinstance(when, NotSchedule):
        return not applies(when.not_, at, values)
    if when == "always":
        return True
    there = at.astimezone(ZONE)
    schedule = values["schedules"][when]
    minute = there.hour * 60 + there.minute
    today, yesterday = there.date(), there.date() - DAY
    return any(start <= minute < end for start, end in spans_of(schedule, today, values)) or any(
        start <= minute + 1440 < end for start, end in spans_of(schedule, yesterday, values)
    )


def spans_of(schedule: ScheduleSettings, day: Any, values: dict[str, Any]) -> list[tuple[int, int]]:
    if day in schedule.exceptions:
        special = schedule.exceptions[day]
        return [] if special == "closed" else list(special)
    types = set()
    for holiday in values["holidays"].values():
        inside = holiday.from_ is not None and holiday.from_ <= day <= holiday.to
        if day in holiday.dates or inside:
            types.add(holiday.type)
    ordinary = list(schedule.week[day.weekday()])
    if not types or schedule.holidays == "not_needed":
        return ordinary
    if schedule.holidays == "closed":
        return []
    (kind,) = types
    special = schedule.holidays.get(kind, "closed")
    return [] if special == "closed" else ordinary if special == "not_needed" else list(special)


def reference(holder: Holder, door: str, at: datetime, values: dict[str, Any], admits: list[Any]) -> tuple[str, Any]:
    area = values["doors"][door].to

    def covers(rule: Any, *, forbids: bool) -> bool:
        if area in rule.enter:
            return True
        path = [area, *surrounding(area, values["areas"])]
        for index, outer in enumerate(path):
            if outer in rule.enter:
                within = path[:index]
                return rule.including_inside and (forbids or not any(values["areas"][x].restricted for x in within))
        return False

    def mine(section: str) -> list[Any]:
        return [
            (name, rule)
            for name, rule in sorted(values[section].items())
            if holder.groups & set(rule.who) and covers(rule, forbids=section == "deny")
        ]

    rules, denials = mine("rules"), mine("deny")
    if not rules:
        return "no_rule", None
    for name, rule in denials:
        if applies(rule.when, at, values):
            return "denied_by_rule", name
    if any(not holder.groups & admitted for admitted in admits):
        return "threat_level", None
    for name, rule in rules:
        if applies(rule.when, at, values):
            return "", name
    return "not_permitted_at_this_time", rules[0][0]


def random_site(rng: random.Random) -> dict[str, Any]:
    spans = [
        '["07:00-18:30"]',
        '["21:00-02:00"]',
        '["00:00-24:00"]',
        '["06:00-12:00", "13:00-23:30"]',
        '["23:00-24:00"]',
    ]
    days = ["mon-fri", "sat-sun", "mon", "wed-sat", "fri-mon"]
    on_holidays = ["closed", "not_needed", '{court: closed, state: ["10:00-12:00"]}', "{state: not_needed}"]
    schedules = ", ".join(
        f"s{n}: {{{rng.choice(days)}: {rng.choice(spans)}, holidays: {rng.choice(on_holidays)}, "
        f"exceptions: {{2026-11-{rng.randint(20, 30)}: {rng.choice(['closed', *spans])}}}}}"
        for n in range(5)
    )
    whens = ["always", *[f"s{n}" for n in range(5)], *[f"{{not: s{n}}}" for n in range(5)]]
    areas = ["courthouse", "lobby", "courtroom", "evidence"]
    groups = ["clerks", "deputies", "custodians", "temporary", "cleaners"]

    def rules(count: int, prefix: str) -> str:
        return ", ".join(
            f"{prefix}{n}: {{who: {rng.sample(groups, rng.randint(1, 2))}, enter: {rng.sample(areas, rng.randint(1, 2))}, "
            f"including_inside: {rng.choice(['true', 'false'])}, when: {rng.choice(whens)}}}"
            for n in range(count)
        ).replace("'", "")

    return site_values(
        schedules=f"{{{schedules}}}",
        holidays="{a: {dates: [2026-11-23, 2026-11-26], type: court}, b: {from: 2026-11-27, to: 2026-11-29, type: state}}",
        rules=f"{{{rules(7, 'r')}}}",
        deny=f"{{{rules(2, 'd')}}}",
        door_modes="{}",
    )


def test_masks_and_reference_agree_on_twenty_thousand_random_cases() -> None:
    rng = random.Random(7)
    seen: set[str] = set()
    for _ in range(100):
        values = random_site(rng)
        access: AccessTables = court_tables(values).access
        for _ in range(200):
            holder = rng.choice(list(people().holders.values())) if rng.random() < 0.3 else random_holder(rng)
            door = rng.choice(["east", "front", "evidence-door", "side"])
            at = datetime(2026, 11, 19, tzinfo=UTC) + timedelta(minutes=rng.randrange(13 * 1440))
            admits = [frozenset(rng.sample(["clerks", "deputies"], 1))] if rng.random() < 0.2 else []
            got = access.permits(door, holder, at, admits)
            assert got == reference(holder, door, at, values, admits), (holder, door, at)
            seen.add(got[0])
    assert seen == {"", "no_rule", "denied_by_rule", "threat_level", "not_permitted_at_this_time"}


def random_holder(rng: random.Random) -> Holder:
    groups = rng.sample(["clerks", "deputies", "custodians", "temporary", "cleaners"], rng.randint(0, 3))
    return Holder(
        id=HolderId(f"holder-{'-'.join(sorted(groups))}"), groups=frozenset(GroupId(group) for group in groups)
    )
