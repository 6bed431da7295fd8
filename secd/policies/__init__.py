"""THE JUDGE: what the site's policies make of one event. Pure: no clock, no file, no task, nothing awaited."""
