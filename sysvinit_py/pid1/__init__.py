"""Linux: signals, FIFO, console, spawning, reaping; feeds the machine and carries out what it answers."""
