"""runit as PID 1: its three stages, on the loop that all inits of this package share."""
