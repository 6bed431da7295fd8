"""What every room stands on: clock, supervisor, backoff, mailbox, service notification, logs, metrics. Knows no domain."""
