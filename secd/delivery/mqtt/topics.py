"""The topic tree, version 1. One place spells it; docs/station.md shows it."""

from dataclasses import dataclass

from secd.model.event import Stream

ROOT = "secd/1"
STATION_STATUS_FILTER = f"{ROOT}/station/+/status"
COMMAND_VERBS = ("receipt", "ack")


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """The topics of one instance and its site."""

    instance: str
    site: str

    @property
    def base(self) -> str:
        """Everything that this instance publishes is below."""
        return f"{ROOT}/{self.instance}"

    @property
    def status(self) -> str:
        """Retained, and the will: the daemon's birth and death."""
        return f"{self.base}/status"

    @property
    def heartbeat(self) -> str:
        """Not retained: high-water marks."""
        return f"{self.base}/heartbeat"

    @property
    def summary(self) -> str:
        """Retained: the open alarms with their revisions."""
        return f"{self.base}/summary/{self.site}"

    @property
    def alarms_filter(self) -> str:
        """Every retained alarm object of the site."""
        return f"{self.base}/alarm/{self.site}/+"

    @property
    def command_filters(self) -> tuple[str, ...]:
        """What stations may ask."""
        return tuple(f"{self.base}/cmd/+/{verb}" for verb in COMMAND_VERBS)

    def alarm(self, alarm_id: str) -> str:
        """Retained: one alarm object; emptied some time after it closed."""
        return f"{self.base}/alarm/{self.site}/{alarm_id}"

    def stream(self, stream: Stream) -> str:
        """Not retained: one journal with its dense sequence."""
        return f"{self.base}/stream/{self.site}/{stream.value}"

    def reply(self, station: str) -> str:
        """Not retained: answers to one station."""
        return f"{self.base}/rsp/{station}"

    def alarm_id(self, topic: str) -> str | None:
        """The alarm that a topic holds, if it is an alarm's."""
        prefix = self.alarm("")
        return topic.removeprefix(prefix) if topic.startswith(prefix) else None

    def command(self, topic: str) -> tuple[str, str] | None:
        """(station, verb) of a command's topic."""
        match topic.removeprefix(f"{self.base}/").split("/"):
            case ["cmd", station, verb] if verb in COMMAND_VERBS:
                return station, verb
        return None


def station_of(topic: str) -> str | None:
    """The station whose status a topic holds."""
    match topic.removeprefix(f"{ROOT}/").split("/"):
        case ["station", station, "status"]:
            return station
    return None
