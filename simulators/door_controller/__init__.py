"""The simulated secd door controller: a board (`board`), the doors behind it (`building`), and both on a real socket."""
