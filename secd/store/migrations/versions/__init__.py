"""One step a file. A step once released is never edited."""
