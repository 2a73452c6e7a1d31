"""What PID 1 waits for: requests by the FIFO, and the inittab, read by a process of its own."""
