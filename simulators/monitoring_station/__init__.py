"""A monitoring station, written from docs/station.md alone: what an operator's software must do to miss nothing."""

from simulators.monitoring_station.ledger import Gap, Ledger
from simulators.monitoring_station.station import MonitoringStation

__all__ = ["Gap", "Ledger", "MonitoringStation"]
