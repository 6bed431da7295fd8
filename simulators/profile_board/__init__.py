"""The simulated board of any maker: it runs the register map of a Modbus profile, quirks included, over TCP or a serial line."""
