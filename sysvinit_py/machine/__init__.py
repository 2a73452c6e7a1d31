"""The runlevel state machine: pure, no system call, no clock of its own."""
