"""What notifications mean: a table, one fact for each new state, nothing for the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secd.drivers.onvif_camera.translate import SOURCES_MAX, TOPICS, Notification, StatesTold, translate
from secd.model.facts import CameraSaw


def notification(topic: str, item: str = "State", value: str = "true", operation: str = "Changed", source: str = "1"):
    return Notification(topic=topic, operation=operation, source=(("Source", source),), data=((item, value),))


@pytest.mark.parametrize("path", sorted(TOPICS))
def test_every_topic_of_the_table_is_told_with_prefixes_and_without(path):
    meaning = TOPICS[path]
    for topic in (path, f"tns1:{path}", "/".join(f"tns1:{part}" for part in path.split("/"))):
        for item in meaning.items:
            assert translate(notification(topic, item)) == CameraSaw(what=meaning.what, active=True, token="1")
            assert translate(notification(topic, item, "0")) == CameraSaw(what=meaning.what, active=False, token="1")


def test_only_an_initialized_property_is_a_state_found_and_not_an_event():
    told = [
        translate(notification("VideoSource/MotionAlarm", operation=kind)) for kind in ("Initialized", "Changed", "")
    ]
    assert [fact.initial for fact in told if fact is not None] == [True, False, False]


@pytest.mark.parametrize(
    "said",
    [
        notification("tns1:Monitoring/ProcessorUsage"),
        notification("tns1:VideoSource/MotionAlarm", item="Other"),
        notification("tns1:VideoSource/MotionAlarm", value="perhaps"),
        notification("tns1:VideoSource/MotionAlarm", operation="Deleted"),
        Notification(topic=""),
    ],
)
def test_what_is_nobodys_business_or_no_boolean_is_not_told(said):
    assert translate(said) is None


def test_a_source_is_named_by_its_token_and_cut_to_a_line():
    for name in ("InputToken", "VideoSourceConfigurationToken", "Whatever"):
        said = Notification(topic="Device/Trigger/DigitalInput", source=((name, "a\nb" * 100),), data=(("State", "1"),))
        fact = translate(said)
        assert fact is not None
        assert fact.token == ("a?b" * 100)[:64]


def test_a_camera_that_repeats_itself_is_heard_once_for_each_source():
    states = StatesTold()
    heard = [
        states.news(notification("VideoSource/MotionAlarm", value=v, source=s))
        for s in "12"
        for v in ("1", "1", "0", "0", "1")
    ]
    assert [None if fact is None else fact.active for fact in heard] == [True, None, False, None, True] * 2


def test_a_camera_with_endless_sources_fills_no_memory_and_is_still_heard():
    states = StatesTold()
    for n in range(10 * SOURCES_MAX):
        assert states.news(notification("VideoSource/MotionAlarm", source=str(n))) is not None
    assert len(states._told) == SOURCES_MAX


_pairs = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4).map(tuple)


@given(st.sampled_from(["", *TOPICS, "tns1:VideoSource/MotionAlarm", "/", ":"]), st.text(max_size=20), _pairs, _pairs)
def test_any_notification_is_a_fact_or_nothing(topic, operation, source, data):
    fact = translate(Notification(topic=topic, operation=operation, source=source, data=data))
    assert fact is None or (len(fact.token) <= 64 and fact.token.isprintable())
