"""What keeps PID 1 alive: the barrier around each step, re-execution, the last resort."""
