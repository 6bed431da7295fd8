"""What secd counts and measures of itself, for `/metrics`. One registry per process, made by app and handed down.

In: facts of the core path. Out: the Prometheus text format. Refuses labels without a bound (a card, a holder, a text)
and everything that would give a silent alarm away (S12): nothing here moves when a panic point or an alarm does.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from secd.model.event import KINDS, Event, Stream

DECISION_BUCKETS_S = (5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 1e-3, 5e-3, 2.5e-2)
COMMIT_BUCKETS_S = (1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 1.0, 2.0)

# An alarm brings orders, pictures, commands and timers with it, so these kinds are not counted either.
_TELLTALES = (
    "panic.",
    "alarm.",
    "order.",
    "operator.",
    "timer.",
    "camera.snapshot_taken",
    "threat_level.",
    "door.mode_",
)
COUNTED_KINDS = frozenset(
    kind for kind, row in KINDS.items() if row.stream is not Stream.ALARM and not kind.startswith(_TELLTALES)
)


class Metrics:
    """The core path's metrics. Names follow Prometheus' practice: `secd_` prefix, base units, `_total` for counters."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own = self.registry
        self._events = Counter("secd_events", "Events accepted, without those an alarm brings", ["kind"], registry=own)
        self._decision_s = Histogram(
            "secd_door_decision_seconds", "Access decisions", registry=own, buckets=DECISION_BUCKETS_S
        )
        self._commit_s = Histogram(
            "secd_commit_seconds", "From append to durable", registry=own, buckets=COMMIT_BUCKETS_S
        )
        self._queue_depth = Gauge("secd_event_queue_depth", "Observations waiting for the engine", registry=own)
        self._shed = Counter("secd_dropped_events", "Observations shed by a full mailbox", registry=own)
        self._outbox = Gauge("secd_alert_outbox_pending", "Rows not yet taken by the broker", ["stream"], registry=own)
        self._device_up = Gauge("secd_device_up", "1 while a device's link is up", ["device"], registry=own)
        self._store_degraded = Gauge("secd_store_degraded", "1 while commits fail", registry=own)
        self._clock_trusted = Gauge("secd_clock_trusted", "1 while the wall clock is believed", registry=own)
        self._policy = Gauge("secd_policy_info", "The running configuration", ["digest"], registry=own)
        self._reload_failures = Counter("secd_policy_reload_failures", "Configurations refused", registry=own)
        self._jobs = Counter("secd_job_runs", "Housekeeping runs", ["job", "result"], registry=own)

    def event_accepted(self, event: Event) -> None:
        """Count an event, unless it could tell of an alarm."""
        if event.kind in COUNTED_KINDS:
            self._events.labels(kind=event.kind).inc()

    def door_decided(self, seconds: float) -> None:
        """One access decision took this long."""
        self._decision_s.observe(seconds)

    def committed(self, event: Event, seconds: float) -> None:
        """An event became durable this long after it was appended."""
        if event.kind in COUNTED_KINDS:
            self._commit_s.observe(seconds)

    def queue(self, depth: int) -> None:
        """So many observations wait."""
        self._queue_depth.set(depth)

    def shed(self, count: int) -> None:
        """So many more observations were shed."""
        self._shed.inc(count)

    def outbox(self, stream: Stream, pending: int) -> None:
        """So many rows of a stream wait for the broker; the alarm stream is not told (S12)."""
        if stream is not Stream.ALARM:
            self._outbox.labels(stream=stream.value).set(pending)

    def device(self, device: str, *, up: bool) -> None:
        """A device's link."""
        self._device_up.labels(device=device).set(up)

    def device_removed(self, device: str) -> None:
        """A device left the configuration."""
        self._device_up.remove(device)

    def store(self, *, degraded: bool) -> None:
        """Whether commits fail."""
        self._store_degraded.set(degraded)

    def clock(self, *, trusted: bool) -> None:
        """Whether the wall clock is believed."""
        self._clock_trusted.set(trusted)

    def policy_activated(self, digest: str) -> None:
        """This configuration is the running one, and no other."""
        self._policy.clear()
        self._policy.labels(digest=digest).set(1)

    def reload_failed(self) -> None:
        """A configuration was refused."""
        self._reload_failures.inc()

    def job_ended(self, job: str, *, failed: bool) -> None:
        """A housekeeping job ran."""
        self._jobs.labels(job=job, result="failed" if failed else "done").inc()

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self.registry)
