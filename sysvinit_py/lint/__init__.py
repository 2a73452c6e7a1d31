"""inittab-lint: what an inittab says that init refuses, and what it says that nobody meant."""
