"""Power and network behind the devices: what feeds what, one alarm for a common cause, the cabinets' own points (S17)."""
