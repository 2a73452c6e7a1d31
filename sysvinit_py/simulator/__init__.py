"""What an inittab does, without booting it: the machine on a virtual clock, with made-up children."""
