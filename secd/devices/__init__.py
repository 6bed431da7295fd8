"""One supervised link per device: connect, back off, re-read; the table of device families and the `devices` section."""
