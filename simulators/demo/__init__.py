"""The demonstration: a simulated courthouse, `secd run` as its own process, and a story that is seen to happen."""
