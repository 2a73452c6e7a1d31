"""The program inittab: shows and steers what init runs."""
