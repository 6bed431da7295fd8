"""What a station must keep to miss nothing."""

from hypothesis import given
from hypothesis import strategies as st

from simulators.monitoring_station import Gap, Ledger

SOURCE, STREAM, EPOCH = "/secd/county-a", "courthouse/alarm", "01J"
KEY = (SOURCE, STREAM, EPOCH)


def take(ledger: Ledger, *numbers: int) -> None:
    for number in numbers:
        ledger.take_number(SOURCE, STREAM, EPOCH, number)


def test_a_jump_is_a_gap_and_a_repeat_is_not() -> None:
    ledger = Ledger()
    take(ledger, 5, 6, 6, 5, 9)
    assert ledger.gaps == [Gap(stream=STREAM, epoch=EPOCH, first=7, last=8)]
    assert ledger.tracks[KEY].repeated == 2


def test_each_epoch_counts_by_itself() -> None:
    ledger = Ledger()
    take(ledger, 100)
    assert ledger.take_number(SOURCE, STREAM, "01K", 1)
    assert ledger.gaps == []


def test_a_lost_tail_of_a_quiet_stream_is_found_by_the_heartbeat() -> None:
    ledger = Ledger()
    take(ledger, 5)
    ledger.take_heartbeat(SOURCE, EPOCH, {STREAM: 8}, now_s=100.0)
    ledger.take_heartbeat(SOURCE, EPOCH, {STREAM: 8}, now_s=104.0)
    assert ledger.gaps == []
    ledger.take_heartbeat(SOURCE, EPOCH, {STREAM: 8}, now_s=105.0)
    assert ledger.gaps == [Gap(stream=STREAM, epoch=EPOCH, first=6, last=8)]


def test_a_tail_that_comes_within_five_seconds_is_no_gap() -> None:
    ledger = Ledger()
    take(ledger, 5)
    ledger.take_heartbeat(SOURCE, EPOCH, {STREAM: 8}, now_s=100.0)
    take(ledger, 6, 7, 8)
    ledger.take_heartbeat(SOURCE, EPOCH, {STREAM: 8}, now_s=110.0)
    assert ledger.gaps == []


def test_a_tail_lost_by_a_station_that_never_heard_the_stream_starts_at_its_first_heartbeat() -> None:
    ledger = Ledger()
    ledger.take_heartbeat(SOURCE, EPOCH, {STREAM: 40}, now_s=0.0)
    take(ledger, 42)
    assert ledger.gaps == [Gap(stream=STREAM, epoch=EPOCH, first=41, last=41)]


def test_objects_and_journal_merge_by_revision_in_any_order() -> None:
    ledger = Ledger()
    assert ledger.take_alarm({"alarm_id": "A", "rev": 2, "state": "active_acked"})
    assert not ledger.take_alarm({"alarm_id": "A", "rev": 1, "state": "active_unacked"})
    assert ledger.alarms["A"]["state"] == "active_acked"


def test_closed_alarms_are_not_open_and_the_most_urgent_comes_first() -> None:
    ledger = Ledger()
    for alarm_id, priority, closed in (("A", 3, False), ("B", 1, False), ("C", 1, True)):
        ledger.take_alarm({"alarm_id": alarm_id, "rev": 1, "priority": priority, "closed": closed})
    assert [alarm["alarm_id"] for alarm in ledger.open_alarms()] == ["B", "A"]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_what_was_received_and_what_is_a_gap_cover_everything_up_to_the_last(numbers: list[int]) -> None:
    ledger = Ledger()
    take(ledger, *numbers)
    track = ledger.tracks[KEY]
    missing = sum(gap.last - gap.first + 1 for gap in ledger.gaps)
    assert track.received + missing == track.last - numbers[0] + 1
