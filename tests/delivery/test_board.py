"""Which alarm objects the broker should hold."""

from delivery_builders import an_alarm

from secd.delivery.mqtt.board import AlarmBoard


def test_only_a_higher_revision_is_news() -> None:
    board = AlarmBoard(60)
    assert board.take(an_alarm(rev=2), 0)
    assert not board.take(an_alarm(rev=2), 0)
    assert not board.take(an_alarm(rev=1), 0)
    assert board.take(an_alarm(rev=3), 0)


def test_a_closed_alarm_is_held_and_then_emptied_and_never_comes_back() -> None:
    board = AlarmBoard(60)
    board.take(an_alarm(), 0)
    board.take(an_alarm(rev=2, closed=True), 100)
    assert board.next_due() == 160
    assert board.pop_due(159) == ()
    assert board.open() == ()
    assert board.holds("A1")
    assert board.pop_due(160) == ("A1",)
    assert not board.holds("A1")
    assert not board.take(an_alarm(rev=1), 161)


def test_what_the_log_no_longer_has_open_is_emptied() -> None:
    board = AlarmBoard(60)
    board.take(an_alarm(1), 0)
    board.take(an_alarm(2), 0)
    assert board.adopt([an_alarm(2), an_alarm(3)], 0) == ("A1",)
    assert [alarm.id for alarm in board.open()] == ["A2", "A3"]


def test_an_express_alarm_stands_until_the_log_has_it() -> None:
    board = AlarmBoard(60)
    assert board.take_express(an_alarm(), 0)
    assert board.adopt([], 0) == ()
    board.committed(an_alarm().id)
    assert not board.take(an_alarm(), 0)
    assert board.adopt([], 0) == ("A1",)


def test_the_most_urgent_come_first() -> None:
    board = AlarmBoard(60)
    for number, priority in ((1, 3), (2, 1), (3, 2)):
        board.take(an_alarm(number, priority=priority), 0)
    assert [alarm.id for alarm in board.objects()] == ["A2", "A3", "A1"]
