"""Intake: what devices, operators and secd itself say becomes what we accepted.

In: observations, from anywhere on the loop. Out: stamped, placed, deduplicated events for the engine, in order, urgent
first. Refuses to block, and to lose a press.
"""
