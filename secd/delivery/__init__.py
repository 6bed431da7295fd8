"""What leaves the house: the log's streams to whoever must hear of them, at least once and in order."""
