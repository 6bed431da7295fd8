"""Fire alarms: what a panel tells, and what follows at doors until an operator restores."""
