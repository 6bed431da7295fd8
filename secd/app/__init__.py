"""The only place that knows every room: gathers settings, builds, starts, reloads and stops."""
