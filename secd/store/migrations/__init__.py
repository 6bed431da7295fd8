"""The schema's history, one numbered step a file; run by the store when it opens."""
