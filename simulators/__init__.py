"""Stand-ins for the devices of a building: each speaks its device's real protocol over real sockets (`secd-sim`)."""
