"""Metrics: bounded names, and none that moves when a silent alarm does."""

from datetime import UTC, datetime

from secd.model.event import KINDS, Event, Stream
from secd.model.facts import LinkChanged
from secd.model.names import EventId
from secd.model.time import Instant
from secd.runtime.metrics import COUNTED_KINDS, Metrics

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def event(kind: str) -> Event:
    return Event(
        id=EventId("01JD"),
        kind=kind,
        subject="bench-a",
        area=None,
        source="panic-panel",
        occurred=NOW,
        detected=Instant(utc=NOW, mono_s=1.0),
        fact=LinkChanged(up=True),
    )


def test_s12_nothing_an_alarm_brings_moves_a_metric() -> None:
    metrics = Metrics()
    before = metrics.text()
    for kind, row in KINDS.items():
        if row.stream is Stream.ALARM or kind.startswith(("order.", "operator.", "timer.")):
            metrics.event_accepted(event(kind))
            metrics.committed(event(kind), 0.01)
    metrics.event_accepted(event("camera.snapshot_taken"))
    metrics.outbox(Stream.ALARM, 3)
    assert metrics.text() == before


def test_core_path_is_counted_by_kind() -> None:
    metrics = Metrics()
    metrics.event_accepted(event("access.granted"))
    metrics.event_accepted(event("access.granted"))
    metrics.door_decided(3e-6)
    metrics.device("east-cam", up=True)
    metrics.device("old-board", up=False)
    metrics.device_removed("old-board")
    metrics.outbox(Stream.EVENT, 2)
    metrics.job_ended("prune sealed reads", failed=True)
    text = metrics.text().decode()
    assert 'secd_events_total{kind="access.granted"} 2.0' in text
    assert 'secd_door_decision_seconds_bucket{le="5e-06"} 1.0' in text
    assert 'secd_device_up{device="east-cam"} 1.0' in text
    assert "old-board" not in text
    assert 'secd_alert_outbox_pending{stream="event"} 2.0' in text
    assert 'secd_job_runs_total{job="prune sealed reads",result="failed"} 1.0' in text


def test_only_one_configuration_is_the_running_one() -> None:
    metrics = Metrics()
    metrics.policy_activated("aaaa")
    metrics.policy_activated("bbbb")
    text = metrics.text().decode()
    assert 'secd_policy_info{digest="bbbb"} 1.0' in text
    assert "aaaa" not in text


def test_every_counted_kind_is_a_row_of_the_table() -> None:
    assert set(KINDS) > COUNTED_KINDS
    assert "access.granted" in COUNTED_KINDS
    assert "panic.activated" not in COUNTED_KINDS
