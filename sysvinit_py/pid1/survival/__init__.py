"""What keeps PID 1 running after errors: the barrier around each step, re-execution, the last resort."""
