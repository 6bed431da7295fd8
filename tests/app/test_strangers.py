"""Knocks of strangers at the socket are told, and cannot fill the log."""

from secd.app.strangers import STRANGERS_MAX, TOLD_EVERY_S, Strangers


def test_a_strangers_first_knock_is_told_and_its_hundred_next_ones_are_told_as_one() -> None:
    strangers = Strangers()
    assert strangers.knock("uid 1001", 0.0) == 1
    assert [strangers.knock("uid 1001", 1.0 + n / 10) for n in range(100)] == [None] * 100
    assert strangers.knock("uid 1001", TOLD_EVERY_S + 1) == 101


def test_each_stranger_is_told_and_the_memory_of_them_is_bounded() -> None:
    strangers = Strangers()
    assert all(strangers.knock(f"uid {n}", 0.0) == 1 for n in range(3 * STRANGERS_MAX))
    assert len(strangers._told) <= STRANGERS_MAX
