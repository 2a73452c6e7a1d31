"""inittab-install: put init on a machine, after checks; and the hot swap with the init that runs."""
