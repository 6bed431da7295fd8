"""Trying a door or a panic point by hand, point by point: what to do, what has to be seen, what it means when it is not.

Pure: settings and moves of points in, steps and findings out. Nothing waits here, and nothing is written.
"""
