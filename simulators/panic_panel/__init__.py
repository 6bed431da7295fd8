"""The simulated secd panic panel: 16 supervised inputs whose presses it latches and counts, on a real socket."""
