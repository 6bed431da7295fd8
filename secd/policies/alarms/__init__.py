"""From events to alarms, and an alarm's life from raised to closed."""
