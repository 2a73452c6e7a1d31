"""The sources of PID 1's events: children, the FIFO, the reader of the inittab, mounts, terminals, timers."""
