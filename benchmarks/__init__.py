"""Speed and memory, measured as ratios against a floor or a peer of the same run: `python -m benchmarks NAME --json`."""
