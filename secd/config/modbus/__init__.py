"""Modbus profiles: what a board's registers mean, written as data. The format, its loader, and the profiles that come with secd.

It lies in `config` because driver and simulator read the same files. People read docs/modbus-profiles.md.
"""
