"""Housekeeping by the clock on the wall: retention, digests, backups. Nothing here decides, and nothing waits for it."""
