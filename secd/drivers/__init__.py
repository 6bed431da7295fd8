"""One folder per device family. Drivers are strangers to each other; the DRIVERS table names them."""
