"""Troubles of one broker, each told once: lost and found, refused, a topic denied and allowed again."""

from secd.delivery.ports import ReportTrouble
from secd.model.facts import Trouble

DENIED_MAX = 100
"""Denied topics remembered; retained alarm objects count as one."""


class Outage:
    """What is wrong with the broker at `where`, as last told. `trouble` is one line for a person, "" when well."""

    def __init__(self, where: str, report: ReportTrouble) -> None:
        self._where = where
        self._report = report
        self._lost = False
        self._refused = False
        self._denied: set[str] = set()
        self.trouble = ""

    def lost(self, what: str) -> None:
        """The broker cannot be reached, or the connection broke."""
        self.trouble = what
        if not (self._lost or self._refused):
            self._lost = True
            remedy = "Look at the broker and the network; alarms wait in the log and are sent when it is back."
            self._report("broker.lost", Trouble(what=what, where=self._where, remedy=remedy))

    def refused(self, what: str) -> None:
        """The broker does not let us in."""
        self.trouble = what
        if not self._refused:
            self._refused = True
            remedy = "Compare mqtt.login with the broker's users and access list."
            self._report("broker.refused", Trouble(what=what, where=self._where, remedy=remedy))

    def found(self) -> None:
        """The broker takes messages."""
        if self._lost or self._refused:
            self._report("broker.found", Trouble(what="the broker takes messages again", where=self._where))
        self._lost = self._refused = False
        self.trouble = ""

    def denied(self, topic: str, what: str) -> None:
        """The broker's access list forbids one topic."""
        self.trouble = what
        kin = _kin(topic)
        if kin not in self._denied and len(self._denied) < DENIED_MAX:
            self._denied.add(kin)
            remedy = "Give secd's login this topic in the broker's access list."
            self._report("broker.refused", Trouble(what=what, where=kin, remedy=remedy))

    def allowed(self, topic: str) -> None:
        """The broker took something on this topic."""
        if not self._denied:
            return
        kin = _kin(topic)
        if kin in self._denied:
            self._denied.discard(kin)
            self.trouble = "" if not self._denied else self.trouble
            self._report("broker.found", Trouble(what=f"the broker takes {kin} again", where=kin))


def _kin(topic: str) -> str:
    """Alarm objects have a topic each; they are denied together."""
    parts = topic.split("/")
    return "/".join([*parts[:5], "+"]) if len(parts) == 6 and parts[3] == "alarm" else topic
