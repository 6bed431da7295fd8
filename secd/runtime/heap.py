"""When Python looks for circular garbage: not while the daemon starts, and never through what lives as long as it does.

A full collection visits every object there is. At 500 boards that stops the loop for a fifth of a second every few
seconds, and no board is asked meanwhile. What start has built is set aside; collections then visit only what came later.
"""

import gc

YOUNG_MAX, MIDDLE_ROUNDS, OLD_ROUNDS = 5_000, 20, 20


def defer_collections() -> None:
    """Collect nothing until `settle_heap`: start makes little garbage and ends soon."""
    gc.disable()


def settle_heap() -> None:
    """Set aside what was built so far, for good, and collect what comes from now on."""
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, MIDDLE_ROUNDS, OLD_ROUNDS)
    gc.enable()
