"""HTTP over a Unix socket: who is asking (peer uid), may they, and the commands and views they get."""
