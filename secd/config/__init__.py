"""YAML to checked settings; every problem found, each with file:line:column."""
