"""Names of things. They are what an administrator wrote in YAML, or a ULID made at intake."""

from typing import NewType

SiteId = NewType("SiteId", str)
DeviceId = NewType("DeviceId", str)
DoorId = NewType("DoorId", str)
PointId = NewType("PointId", str)
AreaId = NewType("AreaId", str)
CameraId = NewType("CameraId", str)
GroupId = NewType("GroupId", str)
HolderId = NewType("HolderId", str)
OperatorId = NewType("OperatorId", str)
RuleId = NewType("RuleId", str)
LevelId = NewType("LevelId", str)
EventId = NewType("EventId", str)
OrderId = NewType("OrderId", str)
AlarmId = NewType("AlarmId", str)
Digest = NewType("Digest", str)
"""SHA-256 in hex of a configuration generation."""
